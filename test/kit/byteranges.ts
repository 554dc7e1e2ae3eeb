/** One part of a `multipart/byteranges` answer. */
export interface AnsweredPart {
  readonly start: number
  /** Behind its last byte. */
  readonly end: number
  /** Of the whole content. */
  readonly size: number
  readonly mediaType: string
  readonly bytes: Buffer
}

const CRLF = '\r\n'

/** Reads a `multipart/byteranges` answer as strictly as RFC 2046, 5.1.1 allows. @throws Error when it breaks the form */
export function readByteranges(contentType: string | undefined, body: Buffer): readonly AnsweredPart[] {
  const boundary = /^multipart\/byteranges; boundary=([0-9A-Za-z'()+_,./:=?-]{1,70})$/.exec(contentType ?? '')?.[1]
  if (boundary === undefined) throw new Error(`no boundary: ${contentType}`)
  const parts: AnsweredPart[] = []
  let at = 0
  const take = (text: string) => {
    if (!body.subarray(at, at + text.length).equals(Buffer.from(text))) throw new Error(`no ${text} at ${at}`)
    at += text.length
  }
  const delimiter = `${CRLF}--${boundary}`
  const last = `${delimiter}--${CRLF}`
  while (body.subarray(at, at + last.length).toString() !== last) {
    take(delimiter + CRLF)
    const headEnd = body.indexOf(CRLF + CRLF, at)
    const head = body.subarray(at, headEnd).toString()
    const [, mediaType = '', ...numbers] =
      /^Content-Type: (.+)\r\nContent-Range: bytes (\d+)-(\d+)\/(\d+)$/.exec(head) ?? []
    const [start = Number.NaN, lastByte = Number.NaN, size = Number.NaN] = numbers.map(Number)
    if (Number.isNaN(start)) throw new Error(`no part: ${head}`)
    at = headEnd + 4
    const bytes = body.subarray(at, at + lastByte + 1 - start)
    parts.push({ start, end: lastByte + 1, size, mediaType, bytes })
    at += bytes.length
  }
  take(last)
  if (at !== body.length) throw new Error(`${body.length - at} bytes behind the end`)
  return parts
}
