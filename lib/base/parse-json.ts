import { appError } from './app-error.ts'

/** Deeper or richer JSON than this is nothing that anybody here sends: its values would take far more than its bytes. */
const MAX_DEPTH = 64
const MAX_VALUES = 100_000
/** A shorter text cannot be worth the look: it has few values anyway. */
const SHORT_LENGTH = 16 * 1024

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
/** `[` and `{`, `]` and `}` differ in this bit alone. */
const BRACE = 0x20
const OPEN = 0x7b
const CLOSE = 0x7d

const tooMuch = (message: string) => appError('BODY_INVALID', { message })

/** Where the string that begins at `start` ends: the place of its closing quote, or the end of a text without one. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    at = text.indexOf('"', at)
    if (at < 0) return text.length
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1
    if (slashes % 2 === 0) return at
  }
}

/** Looks at the text once, without parsing it. @throws BODY_INVALID */
function assertModest(text: string, maxValues: number): void {
  let depth = 0
  let values = 1
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) at = endOfString(text, at)
    else if (char === COMMA) values += 1
    else if ((char | BRACE) === OPEN) {
      depth += 1
      values += 1
    } else if ((char | BRACE) === CLOSE) depth -= 1
    if (depth > MAX_DEPTH) throw tooMuch('the JSON is nested too deeply')
    if (values > maxValues) throw tooMuch('the JSON has too many values')
  }
}

/**
 * JSON that somebody else wrote, of bounded depth and number of values. @throws BODY_INVALID beyond the bounds;
 * SyntaxError
 */
export function parseJson(text: string, maxValues = MAX_VALUES): unknown {
  if (text.length > SHORT_LENGTH) assertModest(text, maxValues)
  return JSON.parse(text) as unknown
}
