/** What moves the cursor of a terminal, colours it, or turns the direction of what is read. */
const moving = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
const SIGN = '\ufffd'

/** Text of a service in one cell: what it was told by whoever pushes, or runs a host, changes nothing around it. */
export const harmlessCell = (text: string): string => text.replaceAll(moving, SIGN)

/** Text of a service in many lines. */
export const harmless = (text: string): string =>
  text.replaceAll(moving, (each) => (each === '\n' || each === '\t' ? each : SIGN))
