import { writeFully } from '../../base/index.ts'
import type { IdleHandle } from './idle-handles.ts'
import { type PieceLog, RECORD_BYTES } from './piece-log.ts'

/**
 * Brings records of the log to its file. One write runs at a time, so that an older state never lands on a newer one;
 * what is asked for meanwhile goes out together in the next.
 */
export interface PieceLogFile {
  /** Resolves when the records of pieces `first` to `last` stand in the file as they now are. */
  save(first: number, last: number): Promise<void>
}

export function pieceLogFile(log: PieceLog, file: IdleHandle): PieceLogFile {
  let first = Number.POSITIVE_INFINITY
  let last = -1
  let next: Promise<void> | undefined
  let current: Promise<void> = Promise.resolve()

  const write = () => {
    const start = first * RECORD_BYTES
    const records = log.bytes.subarray(start, (last + 1) * RECORD_BYTES)
    next = undefined
    first = Number.POSITIVE_INFINITY
    last = -1
    current = file.use((handle) => writeFully(handle, records, start))
    return current
  }

  return {
    save(from, to) {
      first = Math.min(first, from)
      last = Math.max(last, to)
      next ??= current.catch(() => undefined).then(write)
      return next
    },
  }
}
