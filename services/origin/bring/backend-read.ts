import type { Readable } from 'node:stream'
import type { Backend, ReadHints, Urgency } from '../../../lib/backend/index.ts'
import { appError, backoffMs, type Clock, hasCode, type Random } from '../../../lib/base/index.ts'
import type { ByteRange } from '../../../lib/core/index.ts'

/** A broken read resumes at the byte where it stopped. `attempts` counts tries in a row that gave no byte. */
const RESUMES = { baseMs: 200, maxMs: 5_000, attempts: 4 }

export interface BackendReadComponents {
  readonly backend: Backend
  readonly clock: Clock
  readonly random: Random
}

export interface BackendRead extends ReadHints {
  readonly key: string
  /** Bytes of the whole object, as the look-up before the read told. */
  readonly size: number
  readonly range: ByteRange
  /** Takes the body up to the end of the range. `offset` must be right also after a failure. */
  readonly take: (body: Readable) => Promise<void>
  /** A read was answered with what was asked for. */
  readonly onAnswer?: () => void
  /** Takes the body of the whole object, which came although a range was asked for; without it, the range is cut out. */
  readonly takeWhole?: ((body: Readable) => Promise<void>) | undefined
  /** Position of the next byte to read. */
  readonly offset: () => number
  readonly urgency: Urgency
  readonly signal: AbortSignal
}

/** Errors that another try of the same read may cure. */
const mayPass = (err: unknown) =>
  hasCode(err, 'BACKEND_UNAVAILABLE', 'PEER_CLOSED', 'TLS_UNTRUSTED', 'REQUEST_TIMEOUT', 'STALLED', 'ECONNRESET')

/**
 * Reads a range of an object. Each byte is read once, however often the connection breaks.
 * @throws BLOB_UNKNOWN, BACKEND_UNAVAILABLE (also when the object changes meanwhile), ABORTED, and what `take` throws
 */
export async function readObject({ backend, clock, random }: BackendReadComponents, read: BackendRead): Promise<void> {
  const { key, size, as, signal, urgency, take, takeWhole, offset, onAnswer = () => undefined } = read
  const { end } = read.range
  const readOn = async () => {
    const start = offset()
    const part = start === 0 && end === size ? {} : { range: { start, end }, orWhole: takeWhole !== undefined }
    const object = await backend.read(key, { as, signal, urgency, ...part })
    if (object === undefined) throw appError('BLOB_UNKNOWN', { detail: { key } })
    try {
      if (object.size !== size) throw changed(key)
      if (object.isWhole === true && takeWhole !== undefined) {
        await takeWhole(object.body)
      } else {
        onAnswer()
        await take(object.body)
      }
    } finally {
      object.body.destroy()
    }
  }
  for (let idle = 0; ; idle += 1) {
    const before = offset()
    try {
      await readOn()
      return
    } catch (err) {
      if (offset() > before) idle = -1
      if (!mayPass(err) || idle + 1 >= RESUMES.attempts) throw err
      if (idle >= 0) await clock.sleep(backoffMs(RESUMES, idle, random), { signal })
    }
  }
}

function changed(key: string) {
  return appError('BACKEND_UNAVAILABLE', {
    message: 'the object of the backend was replaced meanwhile',
    detail: { key },
  })
}
