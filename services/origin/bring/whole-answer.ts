import { Readable } from 'node:stream'
import { type ByteRange, rangeLength } from '../../../lib/core/index.ts'
import type { Arrival } from './ingest-plan.ts'
import type { Intake } from './intake.ts'
import type { IntakeSlot } from './intake-slot.ts'

/**
 * Takes all that is missing out of the body of the whole blob, front to back: nothing of it is asked for again. What has
 * come before a failure stays. @throws what `IntakeSlot.take` throws
 */
export async function takeWhole(slot: IntakeSlot, intake: Intake, body: Readable): Promise<void> {
  const bytes = new BytesInOrder(body)
  for (let next = missingFrom(intake.arrival, 0); next !== undefined; next = missingFrom(intake.arrival, bytes.at)) {
    const part = intake.part(next)
    try {
      await bytes.skipTo(next.start)
      await slot.take('backend', part, Readable.from(bytes.take(rangeLength(next)), { objectMode: false }))
    } finally {
      await part.close()
    }
  }
  await bytes.end(intake.partial.map.length)
}

/** The first missing pieces in a row that do not begin before `at`. */
function missingFrom(arrival: Arrival, at: number): ByteRange | undefined {
  const { map } = arrival
  const isMissing = (piece: number) => arrival.stateOf(piece) === 'missing'
  let first = at >= map.length ? map.count : map.pieceAt(at)
  while (first < map.count && !isMissing(first)) first += 1
  if (first === map.count) return undefined
  let next = first + 1
  while (next < map.count && isMissing(next)) next += 1
  return { start: map.rangeOf(first).start, end: map.rangeOf(next - 1).end }
}

/** The bytes of a body, taken in several steps. */
class BytesInOrder {
  readonly #chunks: AsyncIterator<Uint8Array>
  #left: Uint8Array = new Uint8Array()
  /** Position of the next byte. */
  at = 0

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]()
  }

  async skipTo(position: number): Promise<void> {
    const skipped = this.take(position - this.at)
    while ((await skipped.next()).done !== true);
  }

  /** The next `count` bytes, or fewer where the body ends before. */
  async *take(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      const chunk = this.#left.length > 0 ? this.#left : await this.#next()
      if (chunk === undefined) return
      const part = chunk.subarray(0, left)
      this.#left = chunk.subarray(part.length)
      this.at += part.length
      left -= part.length
      yield part
    }
  }

  /** Waits for the end where nothing but the end is left, so that the connection can be used again. */
  async end(size: number): Promise<void> {
    if (this.at === size) await this.#next()
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = await this.#chunks.next()
    return next.done === true ? undefined : next.value
  }
}
