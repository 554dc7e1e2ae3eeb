const groupsOf = (text: string) => (text === '' ? [] : text.split(':'))

/**
 * What counts as one caller when something is shared among callers by where they come from: an IPv4 address, or the 64
 * bits of an IPv6 network, since whoever has one of its addresses has all of them.
 */
export function callerAt(address: string | undefined): string {
  const host = (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '')
  if (!host.includes(':')) return host || 'unknown'
  const [front = '', back] = host.replace(/%.*$/, '').split('::')
  const [head, tail] = [groupsOf(front), groupsOf(back ?? '')]
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`
}
