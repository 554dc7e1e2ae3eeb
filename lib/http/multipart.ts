import { Readable } from 'node:stream'
import { type AbortOptions, appError } from '../base/index.ts'
import { type ByteRange, rangeLength } from '../core/index.ts'
import { contentRange } from './range.ts'

/** A range of the content, and what goes before its bytes in the answer. */
export interface Part {
  readonly range: ByteRange
  readonly head: Buffer
}

/** A `multipart/byteranges` answer before any byte of the content is read (RFC 9110, 14.6). */
export interface Multipart {
  readonly mediaType: string
  readonly parts: readonly Part[]
  /** What goes behind the last part. */
  readonly tail: Buffer
  /** Bytes of the whole answer. */
  readonly length: number
}

export interface MultipartInit {
  /** Identifies exactly these bytes; bounded by the caller. */
  readonly tag: string
  /** Bytes. */
  readonly size: number
  readonly mediaType: string
}

/** Bytes of a boundary that RFC 2046, 5.1.1 allows, less the two hyphens before it. */
const BOUNDARY_LENGTH = 64
/** Ranges that lie no further apart are read at once: a request to a store costs more than these bytes. */
const GAP_BYTES = 64 * 1024

/** The answer with one part for each range, in the given order. */
export function multipart(ranges: readonly ByteRange[], { tag, size, mediaType }: MultipartInit): Multipart {
  // No content holds its own digest, so the boundary is in no part, and the same request gets the same bytes.
  const boundary = tag.replaceAll(/[^0-9A-Za-z]/g, '-').slice(-BOUNDARY_LENGTH)
  const parts = ranges.map((range) => ({
    range,
    head: Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: ${mediaType}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
    ),
  }))
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  const length = parts.reduce((sum, { range, head }) => sum + head.length + rangeLength(range), tail.length)
  return { mediaType: `multipart/byteranges; boundary=${boundary}`, parts, tail, length }
}

/** Parts that are read at once. */
interface Run {
  readonly range: ByteRange
  readonly parts: readonly Part[]
}

/** Puts parts that follow each other closely into one read. Nothing is read twice, unless it was asked for twice. */
export function runsOf(parts: readonly Part[]): readonly Run[] {
  const runs: { range: ByteRange; parts: Part[] }[] = []
  for (const part of parts) {
    const run = runs.at(-1)
    const gap = part.range.start - (run?.range.end ?? 0)
    if (run !== undefined && gap >= 0 && gap <= GAP_BYTES) {
      run.parts.push(part)
      run.range = { start: run.range.start, end: part.range.end }
    } else {
      runs.push({ range: part.range, parts: [part] })
    }
  }
  return runs
}

export interface OpenRangeOptions extends AbortOptions {
  /** Ranges that will be opened behind this one, in this order: the first of them, when there are many. */
  readonly later?: readonly ByteRange[]
}

/** So many ranges are told before they are opened. */
const LATER_RANGES = 32

/** What gives the bytes of the parts. */
interface Source {
  readonly open: (range: ByteRange, options: OpenRangeOptions) => Promise<Readable>
}

/**
 * The bytes of the answer, read run by run at the consumer's pace. Returns when the first run is open, so that what is
 * missing can still be answered with an error.
 * @throws what `open` throws; the stream fails with that, and with PEER_CLOSED when a source ends early
 */
export async function multipartStream(
  { parts, tail }: Multipart,
  { open }: Source,
  options: AbortOptions,
): Promise<Readable> {
  const [first, ...rest] = runsOf(parts)
  const ranges = rest.map(({ range }) => range)
  const after = (run: number) => ({ ...options, later: ranges.slice(run, run + LATER_RANGES) })
  let source = first && (await open(first.range, after(0)))
  async function* bytes(): AsyncGenerator<Uint8Array> {
    if (first !== undefined && source !== undefined) yield* cut(source, first)
    for (const [at, run] of rest.entries()) {
      source = await open(run.range, after(at + 1))
      yield* cut(source, run)
    }
    yield tail
  }
  const out = Readable.from(bytes(), { objectMode: false })
  // A stream that is destroyed before its first read never enters the generator.
  out.once('close', () => source?.destroy())
  return out
}

/**
 * The parts of a run, each with its head, out of the bytes of the run. They are copied: a source may reuse the memory of a
 * chunk when some more chunks have been read, and of those there may be many within what an answer has not sent yet.
 */
async function* cut(source: Readable, { range, parts }: Run): AsyncGenerator<Uint8Array> {
  let at = range.start
  const left = [...parts]
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    const end = at + chunk.byteLength
    for (let part = left[0]; part !== undefined && part.range.start < end; part = left[0]) {
      const from = Math.max(part.range.start, at)
      if (from === part.range.start) yield part.head
      yield Buffer.from(chunk.subarray(from - at, Math.min(part.range.end, end) - at))
      if (part.range.end > end) break
      left.shift()
    }
    at = end
  }
  if (left.length > 0) throw appError('PEER_CLOSED', { message: 'the source of a range ended before its end' })
}
