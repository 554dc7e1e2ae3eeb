import { type SharedBlocks, sharedBlocks } from '../base/index.ts'
import { MAX_PIECE_LENGTH } from '../core/index.ts'
import type { PieceDigester } from './piece-digester.ts'

/** Blocks of shared memory for bytes that are hashed and written: as many as one process hands on at a time. */
const MAX_SHARED_BLOCKS = 32

/** What hashes bytes on their way to a disk, and the memory in which it reads them without a copy. */
export interface Hashing {
  readonly digester: PieceDigester
  /** Each as long as the longest piece. */
  readonly blocks: SharedBlocks
}

export function blockHashing(digester: PieceDigester): Hashing {
  return { digester, blocks: sharedBlocks({ blockBytes: MAX_PIECE_LENGTH, maxShared: MAX_SHARED_BLOCKS }) }
}
