import { pipeline, type Readable, Transform } from 'node:stream'
import { type AbortOptions, abortsWith, appError } from '../../base/index.ts'
import { webFailure } from '../web/web-client.ts'
import { crc64 } from './crc64.ts'

export interface ExpectedBody {
  /** Bytes. */
  readonly length: number
  /** CRC-64 of the bytes; undefined when the backend gave none, or one of other bytes. */
  readonly crc64: bigint | undefined
}

/**
 * The same bytes. Fails with BACKEND_UNAVAILABLE when their number or checksum is not as `expected` or the connection
 * breaks, and with ABORTED when the signal fires. Destroying the result destroys `content`.
 */
export function checkedBody(content: Readable, expected: ExpectedBody, { signal }: AbortOptions): Readable {
  const sum = expected.crc64 === undefined ? undefined : crc64()
  let received = 0
  const body = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      received += chunk.length
      if (received > expected.length) {
        done(wrongLength(expected.length, received))
        return
      }
      sum?.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      if (received < expected.length) done(wrongLength(expected.length, received))
      else if (sum !== undefined && sum.value() !== expected.crc64) done(wrongSum())
      else done()
    },
    destroy(err, done) {
      done(err === null ? null : webFailure(err))
    },
  })
  // The reader of `body` gets the error.
  pipeline(content, body, () => undefined)
  abortsWith(body, signal)
  return body
}

/** The error for bytes whose checksum differs from the backend's. */
export function wrongSum() {
  const message =
    'the checksum of the backend is not the one of the bytes; they changed on their way, or in the backend'
  return appError('BACKEND_UNAVAILABLE', { message })
}

function wrongLength(expected: number, received: number) {
  const message = 'the answer of the backend has another length than it said; it was cut on its way'
  return appError('BACKEND_UNAVAILABLE', { message, detail: { expected, received } })
}
