import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { codeOf } from '../../lib/base/index.ts'
import type { ByteRange, Digest } from '../../lib/core/index.ts'
import { type AnsweredPart, readByteranges } from '../kit/byteranges.ts'
import { bytesOf, type ModelBlob } from './model-blob.ts'

/**
 * How a request ended: `ok`: all that was asked for came, and nothing else. `refused`: an error answer with a code.
 * `cut`: the connection broke. `hung`: it took longer than its bound. `wrong`: anything that must never happen.
 */
export type End = 'ok' | 'refused' | 'cut' | 'hung' | 'wrong'

export interface Ended {
  readonly end: End
  /** Why, in a few words; empty for `ok`. */
  readonly why: string
  /** The blob of which a byte was wrong. */
  readonly wrongByteOf?: Digest
  /** Whether the answer told its reader that it was all. */
  readonly whole?: boolean
}

const ok: Ended = { end: 'ok', why: '' }
const wrong = (why: string): Ended => ({ end: 'wrong', why })

/** Statuses of an outage. Any other error says of a blob that is there that it is not, or is our fault. */
const OUTAGE = [429, 502, 503, 504, 507]

/** What an answer should be. */
export interface Asked {
  readonly url: string
  readonly headers?: OutgoingHttpHeaders
  readonly status: 200 | 206
  /** Judges an answer with the right status; throws when its body breaks off. */
  readonly judge: (res: IncomingMessage) => Promise<Ended>
}

/** The bound of a request: when it is over, the request has hung. */
export async function ask({ url, headers = {}, status, judge }: Asked, boundMs: number): Promise<Ended> {
  const bound = AbortSignal.timeout(boundMs)
  try {
    const res = await answerOf(url, headers, bound)
    if (res.statusCode === status) return await judge(res)
    return await refusal(res)
  } catch (err) {
    if (bound.aborted) return { end: 'hung', why: `no end after ${boundMs} ms` }
    return { end: 'cut', why: codeOf(err) ?? String(err) }
  }
}

function answerOf(url: string, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { headers, signal, agent: false }).on('response', resolve).on('error', reject).end()
  })
}

async function textOf(res: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of res as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function refusal(res: IncomingMessage): Promise<Ended> {
  const { statusCode: status = 0 } = res
  const text = await textOf(res)
  const code = codesIn(text)
  if (code === undefined) return wrong(`${status} without a code: ${text.slice(0, 200)}`)
  return { end: OUTAGE.includes(status) ? 'refused' : 'wrong', why: `${status} ${code}` }
}

function codesIn(text: string): string | undefined {
  try {
    const [first] = (JSON.parse(text) as { errors: { code: string; detail?: { code?: string } }[] }).errors
    return first === undefined ? undefined : [first.code, first.detail?.code ?? ''].join(' ').trim()
  } catch {
    return undefined
  }
}

/** The bytes of one range of a blob, compared as they come; with `enough` the reader leaves after so many. */
export const rangeJudge =
  (blob: ModelBlob, { start, end }: ByteRange, enough = Number.POSITIVE_INFINITY) =>
  async (res: IncomingMessage): Promise<Ended> => {
    const length = Number(res.headers['content-length'])
    if (length !== end - start) return wrong(`a length of ${length} for ${start}-${end}`)
    const said = res.headers['content-range']
    const right = res.statusCode === 206 ? `bytes ${start}-${end - 1}/${blob.size}` : undefined
    if (said !== right) return wrong(`Content-Range ${said} for ${start}-${end} of ${blob.size}`)
    let at = start
    let why: string | undefined
    const late = () => (why === undefined ? undefined : { ...wrong(why), wrongByteOf: blob.digest })
    try {
      for await (const chunk of res as AsyncIterable<Buffer>) {
        const model = bytesOf(blob.name, { start: at, end: at + chunk.length })
        if (!chunk.equals(model)) why ??= `wrong bytes within ${at}-${at + chunk.length}`
        at += chunk.length
        if (at - start >= enough && at < end) return late() ?? ok
      }
    } catch (err) {
      const before = late()
      if (before !== undefined) return before
      throw err
    }
    if (at !== end) return wrong(`${at - start} bytes of ${length}, and no error`)
    const before = late()
    return before === undefined ? ok : { ...before, whole: true }
  }

/** Several ranges, in one answer. */
export const rangesJudge =
  (blob: ModelBlob, ranges: readonly ByteRange[]) =>
  async (res: IncomingMessage): Promise<Ended> => {
    const chunks: Buffer[] = []
    for await (const chunk of res as AsyncIterable<Buffer>) chunks.push(chunk)
    const parts = partsOf(res.headers['content-type'], Buffer.concat(chunks))
    if (typeof parts === 'string') return wrong(parts)
    const told = parts.map(({ start, end }) => `${start}-${end}`).join()
    if (told !== ranges.map(({ start, end }) => `${start}-${end}`).join()) return wrong(`other ranges: ${told}`)
    for (const { start, end, size, bytes } of parts) {
      if (size !== blob.size) return wrong(`a size of ${size}`)
      if (!bytes.equals(bytesOf(blob.name, { start, end }))) {
        return { ...wrong(`wrong bytes within the part ${start}-${end}`), wrongByteOf: blob.digest }
      }
    }
    return ok
  }

function partsOf(contentType: string | undefined, body: Buffer): readonly AnsweredPart[] | string {
  try {
    return readByteranges(contentType, body)
  } catch (err) {
    return `no byteranges: ${err instanceof Object && 'message' in err ? String(err.message) : ''}`
  }
}

/** A small body that must be just these bytes. */
export const bodyJudge =
  (bytes: Uint8Array) =>
  async (res: IncomingMessage): Promise<Ended> => {
    const text = await textOf(res)
    return Buffer.from(bytes).equals(Buffer.from(text)) ? ok : wrong(`another body: ${text.slice(0, 200)}`)
  }
