import type { Readable } from 'node:stream'
import { appError, hasCode } from '../../base/index.ts'
import { type ByteRange, rangeLength } from '../../core/index.ts'
import type { ObjectRead, ObjectStat } from '../backend.ts'
import type { TurnOptions } from '../governor/urgent-first.ts'
import { rangeWithin } from '../object-range.ts'
import type { ObjectApi } from './object-api.ts'
import { objectBody } from './object-body.ts'
import { openPart, type PartReaderComponents, partBytes } from './part-reader.ts'
import { readAhead } from './read-ahead.ts'

export interface ObjectReaderComponents extends PartReaderComponents {
  readonly objects: Pick<ObjectApi, 'get' | 'head'>
}

export interface ObjectReaderInit {
  readonly partBytes: number
  /** Number of parts that are fetched at a time and, when the reader is slow, held in memory. */
  readonly parallel: number
  /** A range of so many bytes at most is one request, also when it is longer than a part; default: a part. */
  readonly runBytes?: number | undefined
}

interface ReadRequest extends TurnOptions {
  readonly key: string
  readonly range?: ByteRange
}

/** Reads objects in parts, several at a time, and gives them in order; an object of one part takes one request. */
export interface ObjectReader {
  open(request: ReadRequest): Promise<ObjectRead | undefined>
}

export function objectReader(components: ObjectReaderComponents, init: ObjectReaderInit): ObjectReader {
  const { objects, governor } = components

  const head = ({ key, signal, urgency }: ReadRequest) =>
    governor.request('read', (attempt) => objects.head(key, { signal: attempt }), { signal, urgency })

  /** HTTP cannot ask for an empty range. */
  const openNothing = async (request: ReadRequest, check: (size: number) => void) => {
    const found = await head(request)
    if (found === undefined) return undefined
    check(found.size)
    return { ...found, body: objectBody(() => noBytes(), request) }
  }

  const openWhole = async (request: ReadRequest, start: number): Promise<ObjectRead | undefined> => {
    const { range, signal } = request
    const plan = planFor(range, init)
    const firstEnd = Math.min(range?.end ?? Number.POSITIVE_INFINITY, start + plan.partBytes)
    const opened = await openPart(components, { ...request, range: { start, end: firstEnd } })
    if (opened === undefined) return undefined
    try {
      const whole = rangeWithin(range, opened.size)
      const chunks = (stop: AbortSignal) => inOrder(components, plan, { ...opened, ...request, whole, signal: stop })
      const body = objectBody(chunks, signal === undefined ? {} : { signal })
      body.once('close', () => opened.body.destroy())
      return { size: opened.size, etag: opened.etag, body }
    } catch (err) {
      opened.body.destroy()
      throw err
    }
  }

  return {
    async open(request) {
      const { range } = request
      if (range !== undefined && (range.start < 0 || range.start >= range.end)) {
        return openNothing(request, (size) => rangeWithin(range, size))
      }
      try {
        return await openWhole(request, range?.start ?? 0)
      } catch (err) {
        // An empty object has no byte to ask for.
        if (range !== undefined || !hasCode(err, 'RANGE_UNSATISFIABLE')) throw err
        return openNothing(request, mustBeEmpty)
      }
    },
  }
}

/** Who asks for a short range has planned it himself, and perhaps several of them at a time. */
function planFor(range: ByteRange | undefined, init: ObjectReaderInit): ObjectReaderInit {
  const { partBytes, runBytes = partBytes } = init
  const length = range === undefined ? Number.POSITIVE_INFINITY : rangeLength(range)
  return length <= runBytes ? { ...init, partBytes: length } : init
}

interface OpenedObject extends ObjectStat, Pick<TurnOptions, 'urgency'> {
  readonly key: string
  /** The range to deliver. */
  readonly whole: ByteRange
  /** The answer to the request for the first part. */
  readonly body: Readable
  readonly signal: AbortSignal
}

/** The first part is passed on as it arrives; meanwhile up to `parallel` parts wait behind it. */
async function* inOrder(
  components: PartReaderComponents,
  { partBytes: size, parallel }: ObjectReaderInit,
  { body, whole, ...version }: OpenedObject,
): AsyncGenerator<Uint8Array> {
  const window: AsyncIterable<Uint8Array>[] = []
  let next = whole.start
  const fill = () => {
    for (; window.length < parallel && next < whole.end; next += size) {
      const range = { start: next, end: Math.min(whole.end, next + size) }
      window.push(readAhead(partBytes(components, { ...version, range }, next === whole.start ? body : undefined)))
    }
  }
  for (;;) {
    fill()
    const front = window[0]
    if (front === undefined) return
    yield* front
    window.shift()
  }
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // Ends at once.
}

function mustBeEmpty(size: number): void {
  if (size > 0) throw appError('BACKEND_UNAVAILABLE', { message: 'the object was replaced while it was opened' })
}
