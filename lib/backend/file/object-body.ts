import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { type AbortOptions, abortsWith, appError } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import { fsError } from './fs-error.ts'

const CHUNK_BYTES = 1024 * 1024

/**
 * Streams a range of an open file. Closes the handle at the end, on an error or when destroyed. Fails when the file is
 * shorter than the range.
 */
export function objectBody(handle: FileHandle, range: ByteRange, { signal }: AbortOptions): Readable {
  let position = range.start

  const readOn = async () => {
    const length = Math.min(CHUNK_BYTES, range.end - position)
    if (length === 0) return void body.push(null)
    const buffer = Buffer.allocUnsafe(length)
    const { bytesRead } = await handle.read(buffer, 0, length, position)
    if (bytesRead === 0) throw appError('BACKEND_UNAVAILABLE', { message: 'the object is shorter than it was' })
    position += bytesRead
    body.push(bytesRead === length ? buffer : buffer.subarray(0, bytesRead))
  }

  const body = new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      readOn().catch((err: unknown) => body.destroy(fsError(err)))
    },
    destroy(err, done) {
      handle.close().then(
        () => done(err),
        (failure: unknown) => done(err ?? fsError(failure)),
      )
    },
  })
  abortsWith(body, signal)
  return body
}
