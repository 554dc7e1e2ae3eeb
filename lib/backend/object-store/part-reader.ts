import type { Readable } from 'node:stream'
import { type AbortOptions, appError, hasCode, throwIfAborted } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectRead } from '../backend.ts'
import type { Governor } from '../governor.ts'
import type { ObjectApi } from './object-api.ts'

/** So often may the body of one part break off, each time after at least one byte, before the read is given up. */
export const MAX_BREAKS = 10

export interface PartReaderComponents {
  readonly objects: Pick<ObjectApi, 'get'>
  readonly governor: Governor
}

export interface PartRequest extends AbortOptions {
  readonly key: string
  readonly range: ByteRange
  /** The version to read; undefined for whichever there is. */
  readonly etag?: string
}

/** One GET, again until the first byte is there: an answer that breaks off before it brought nothing. */
export async function openPart(
  { objects, governor }: PartReaderComponents,
  { key, range, etag, signal }: PartRequest,
): Promise<ObjectRead | undefined> {
  const work = async (attempt: AbortSignal) => {
    const found = await objects.get(key, {
      range,
      signal: attempt,
      ...(etag === undefined ? {} : { ifMatch: etag }),
    })
    if (found !== undefined) await firstByte(found.body, attempt)
    return found
  }
  return governor.request('read', work, signal === undefined ? {} : { signal })
}

/** Waits until `body` has something to give, or its end. */
async function firstByte(body: Readable, signal: AbortSignal): Promise<void> {
  const stop = () => void body.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) stop()
    await new Promise<void>((resolve, reject) => {
      // The listener for errors stays: a body may fail before somebody reads it.
      body.on('error', reject)
      for (const event of ['readable', 'end', 'close']) body.once(event, resolve)
      if (body.readableLength > 0 || body.readableEnded || body.destroyed) resolve()
    })
  } catch (err) {
    throw brokenOff(err)
  } finally {
    signal.removeEventListener('abort', stop)
  }
  throwIfAborted(signal)
}

/**
 * The bytes of a range of one version, each once: a body that breaks off is asked for again from where it broke.
 * `opened` is the answer to the first request, where it has been sent already.
 * @throws BACKEND_UNAVAILABLE also when the object was replaced or removed meanwhile
 */
export async function* partBytes(
  components: PartReaderComponents,
  request: PartRequest & { readonly signal: AbortSignal },
  opened?: Readable,
): AsyncGenerator<Uint8Array> {
  const { range, signal } = request
  let body = opened
  let failure: unknown
  for (let at = range.start, breaks = 0; at < range.end; breaks += 1) {
    if (breaks > MAX_BREAKS) throw brokenOff(failure)
    body ??= await reopened(components, { ...request, range: { start: at, end: range.end } })
    try {
      for await (const chunk of components.governor.received(body, { signal }) as AsyncIterable<Uint8Array>) {
        const wanted = chunk.subarray(0, range.end - at)
        at += wanted.length
        yield wanted
        // A backend that knows no ranges sends the rest of the object behind.
        if (wanted.length < chunk.length) break
      }
    } catch (err) {
      throwIfAborted(signal)
      failure = err
    }
    body = undefined
  }
}

async function reopened(components: PartReaderComponents, request: PartRequest): Promise<Readable> {
  try {
    const found = await openPart(components, request)
    if (found !== undefined && found.etag === request.etag) return found.body
    // The backend gave another version although it was asked for that one.
    found?.body.destroy()
  } catch (err) {
    if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
  }
  throw appError('BACKEND_UNAVAILABLE', { message: 'the object was replaced or removed while it was read' })
}

function brokenOff(cause: unknown) {
  return appError('BACKEND_UNAVAILABLE', { message: 'the backend broke off its answer', cause })
}
