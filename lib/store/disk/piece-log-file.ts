import { writeSync } from 'node:fs'
import { appError } from '../../base/index.ts'
import type { IdleHandle } from './idle-handles.ts'
import { type PieceLog, RECORD_BYTES } from './piece-log.ts'

/**
 * Writes records of the log to its file, each in its place and nothing else. A write of 64 bytes into a file that is
 * open costs 2 us, and 30 us as a trip to another thread; so it is done at once, and an old state never overwrites a
 * newer one.
 */
export interface PieceLogFile {
  /** Resolves when the file has the current records of the pieces. May be called again after a failure. */
  save(pieces: readonly number[]): Promise<void>
}

export function pieceLogFile(log: PieceLog, file: IdleHandle): PieceLogFile {
  const write = (fd: number, first: number, end: number) => {
    const [start, length] = [first * RECORD_BYTES, (end - first) * RECORD_BYTES]
    if (writeSync(fd, log.bytes, start, length, start) < length) {
      throw appError('STORE_CORRUPT', { message: 'the records of a partial blob were written in part' })
    }
  }
  return {
    save: (pieces) =>
      file.use(async ({ fd }) => {
        for (const { first, end } of runsOf(pieces)) write(fd, first, end)
      }),
  }
}

/** The pieces as runs `[first, end)` of neighbours, in ascending order. */
function runsOf(pieces: readonly number[]): readonly { readonly first: number; readonly end: number }[] {
  const runs: { first: number; end: number }[] = []
  for (const piece of pieces.toSorted((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run !== undefined && piece <= run.end) run.end = piece + 1
    else runs.push({ first: piece, end: piece + 1 })
  }
  return runs
}
