import type { Readable } from 'node:stream'
import { appError, hasCode, onAbort, throwIfAborted } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectRead } from '../backend.ts'
import type { TurnOptions } from '../governor/urgent-first.ts'
import type { Governor } from '../governor.ts'
import type { ObjectApi } from './object-api.ts'

/** Most times that the body of one part may break off, each time after at least one byte, before the read fails. */
export const MAX_BREAKS = 10

export interface PartReaderComponents {
  readonly objects: Pick<ObjectApi, 'get'>
  readonly governor: Governor
}

export interface PartRequest extends TurnOptions {
  readonly key: string
  readonly range: ByteRange
  /** The version to read; undefined means any version. */
  readonly etag?: string
}

/** Sends one GET, and sends it again when the answer breaks off before its first byte. */
export async function openPart(
  { objects, governor }: PartReaderComponents,
  { key, range, etag, signal, urgency }: PartRequest,
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
  return governor.request('read', work, { signal, urgency })
}

/** Waits until `body` has data or has ended. */
async function firstByte(body: Readable, signal: AbortSignal): Promise<void> {
  const takeBack = onAbort(signal, () => body.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      // This error listener stays, because a body may fail before it is read.
      body.on('error', reject)
      for (const event of ['readable', 'end', 'close']) body.once(event, resolve)
      if (body.readableLength > 0 || body.readableEnded || body.destroyed) resolve()
    })
  } catch (err) {
    throw brokenOff(err)
  } finally {
    takeBack()
  }
  throwIfAborted(signal)
}

/**
 * The bytes of a range of one version, each byte once; when a body breaks off, the rest is requested again. `opened` is
 * the answer to the first request, if that was sent already.
 * @throws BACKEND_UNAVAILABLE also when the object was replaced or removed meanwhile
 */
export async function* partBytes(
  components: PartReaderComponents,
  request: PartRequest & { readonly signal: AbortSignal },
  opened?: Readable,
): AsyncGenerator<Uint8Array> {
  const { range, signal, urgency } = request
  let body = opened
  let failure: unknown
  for (let at = range.start, breaks = 0; at < range.end; breaks += 1) {
    if (breaks > MAX_BREAKS) throw brokenOff(failure)
    body ??= await reopened(components, { ...request, range: { start: at, end: range.end } })
    try {
      for await (const chunk of components.governor.received(body, { signal, urgency }) as AsyncIterable<Uint8Array>) {
        const wanted = chunk.subarray(0, range.end - at)
        at += wanted.length
        yield wanted
        // A backend without ranges sends the rest of the object after the range.
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
    // The backend sent another version than the requested one.
    found?.body.destroy()
  } catch (err) {
    if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
  }
  throw appError('BACKEND_UNAVAILABLE', { message: 'the object was replaced or removed while it was read' })
}

function brokenOff(cause: unknown) {
  return appError('BACKEND_UNAVAILABLE', { message: 'the backend broke off its answer', cause })
}
