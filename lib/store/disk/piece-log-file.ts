import { writeFully } from '../../base/index.ts'
import type { IdleHandle } from './idle-handles.ts'
import { type PieceLog, RECORD_BYTES } from './piece-log.ts'

/**
 * Writes records of the log to its file. Only one write runs at a time, so that an old state never overwrites a newer
 * one; requests that arrive meanwhile are combined in the next write.
 */
export interface PieceLogFile {
  /** Resolves when the file has the current records of pieces `first` to `last`. */
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
