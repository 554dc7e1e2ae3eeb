import type { Readable } from 'node:stream'
import { appError, parseJson } from '../base/index.ts'

const NEWLINE = 0x0a

/**
 * The JSON values of a body that has one in each line; what follows the last newline was cut off, and is dropped.
 * @throws BODY_TOO_LARGE for a line of more than `maxLine` bytes, BODY_INVALID, and what the body throws
 */
export async function* jsonLines(body: Readable, maxLine: number): AsyncGenerator {
  let rest: Uint8Array = new Uint8Array()
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const bytes = Buffer.concat([rest, chunk])
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      if (end - start > maxLine) throw tooLong(maxLine)
      yield parsed(bytes.subarray(start, end).toString('utf8'))
      start = end + 1
    }
    rest = bytes.subarray(start)
    if (rest.length > maxLine) throw tooLong(maxLine)
  }
}

const tooLong = (limit: number) =>
  appError('BODY_TOO_LARGE', { message: 'a line is larger than the limit', detail: { limit } })

function parsed(line: string): unknown {
  try {
    return parseJson(line)
  } catch (err) {
    throw appError('BODY_INVALID', { message: 'a line is not JSON', cause: err })
  }
}
