/** Where a value stands in a text. */
export interface Span {
  readonly start: number
  /** Behind its last character. */
  readonly end: number
}

export interface MemberSpan extends Span {
  readonly key: string
}

const isSpace = (char: string | undefined) => char === ' ' || char === '\n' || char === '\r' || char === '\t'

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text[at])) at += 1
  return at
}

function endOfString(text: string, from: number): number {
  let at = from + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** The end of the value that begins at `from`. */
function endOfValue(text: string, from: number): number {
  let at = from
  let depth = 0
  do {
    const char = text[at]
    if (char === '"') {
      at = endOfString(text, at)
      continue
    }
    if (char === '{' || char === '[') depth += 1
    if (char === '}' || char === ']') depth -= 1
    at += 1
  } while (at < text.length && (depth > 0 || !/[\s,\]}]/.test(text[at] ?? ' ')))
  return at
}

/** The members of the object that is the whole of a text. The text must be valid JSON. */
export function membersOf(text: string): readonly MemberSpan[] {
  const members: MemberSpan[] = []
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text[at] === '"') {
    const keyEnd = endOfString(text, at)
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = endOfValue(text, start)
    members.push({ key: JSON.parse(text.slice(at, keyEnd)) as string, start, end })
    at = skipSpace(text, skipSpace(text, end) + 1)
  }
  return members
}
