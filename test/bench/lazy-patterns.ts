import { seededRandom, shuffled } from '../../lib/base/index.ts'
import { type Bytes, mountReads, overlappingReads } from '../kit/lazy-mount.ts'
import type { LazyReader } from './lazy-reader.ts'

const MIB = 1024 * 1024
/** As of a layer that was traced; no multiple of anything. */
export const BLOB_BYTES = 33_330_915
const UNIT_BYTES = 50_000
const UNITS = 60
const CHUNK_BYTES = 8 * MIB
const MANY_RANGES = 1_024

/** What one client reads of a blob of `BLOB_BYTES`; `client` is its number. */
export type Pattern = (reader: LazyReader, client: number) => Promise<void>

/** How lazy clients read: each of them so, and beside that some of them as `beside` says. */
export interface Reading {
  readonly name: string
  readonly each: Pattern
  readonly beside?: { readonly pattern: Pattern; readonly clients: 'one' | 'all' }
  /** Whether a store that gives one range for a request can be read so, too. */
  readonly ofStores: boolean
}

/** What nydusd reads first: its tables at the end, then chunks of files, then ranges that overlap, at once. */
const mount: Pattern = async (reader) => {
  for (const bytes of mountReads) await reader.waited(bytes)
  for (const atOnce of overlappingReads) await Promise.all(atOnce.map((bytes) => reader.waited(bytes)))
}

/** Runs all of them, `atOnce` at a time. */
async function inTurns(atOnce: number, jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...jobs]
  const worker = async () => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) await job()
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

const prefetch: Pattern = (reader) => {
  const parts = Array.from(
    { length: Math.ceil(BLOB_BYTES / MIB) },
    (_, at): Bytes => [at * MIB, Math.min(BLOB_BYTES, (at + 1) * MIB) - 1],
  )
  return inTurns(
    4,
    parts.map((part) => () => reader.early(part)),
  )
}

/** What stargz reads: two bytes, the table at the end, then units in any order, two at a time, then a longer span twice. */
const units: Pattern = async (reader, client) => {
  await reader.waited([0, 1])
  await reader.waited([33_300_000, 33_330_914])
  const all = Array.from({ length: Math.floor(BLOB_BYTES / UNIT_BYTES) }, (_, at) => at)
  const some = shuffled(all, seededRandom(client)).slice(0, UNITS)
  await inTurns(
    2,
    some.map((unit) => () => reader.waited([unit * UNIT_BYTES, (unit + 1) * UNIT_BYTES - 1])),
  )
  await Promise.all([12_550_000, 12_650_000].map((start) => reader.waited([start, 14_699_999])))
}

/** Ranges in one request, three and as many as a header may have. */
const many: Pattern = async (reader) => {
  await reader.many([
    [5, 9],
    [33_330_900, 33_330_914],
    [70_000, 170_000],
  ])
  await reader.many(
    Array.from({ length: MANY_RANGES }, (_, at): Bytes => [at * 32_000 + 7, at * 32_000 + 7 + (at % 300)]),
  )
}

/** What containerd reads: chunks at once, each of an answer that is open at its end and closed behind the chunk. */
const chunks: Pattern = async (reader) => {
  await Promise.all([0, 1, 2].map((at) => reader.chunk(at * CHUNK_BYTES, CHUNK_BYTES)))
  await reader.chunk(3 * CHUNK_BYTES, CHUNK_BYTES)
}

export const readings: readonly Reading[] = [
  { name: 'mount', each: mount, ofStores: true },
  {
    name: 'mount, one prefetches on 4 connections',
    each: mount,
    beside: { pattern: prefetch, clients: 'one' },
    ofStores: true,
  },
  {
    name: 'mount, all prefetch on 4 connections',
    each: mount,
    beside: { pattern: prefetch, clients: 'all' },
    ofStores: true,
  },
  {
    name: 'mount, one streams the whole',
    each: mount,
    beside: { pattern: (reader) => reader.whole(), clients: 'one' },
    ofStores: true,
  },
  { name: 'small units in any order', each: units, ofStores: true },
  { name: '3 and 1,024 ranges in one request', each: many, ofStores: false },
  { name: 'parallel chunks, cut off', each: chunks, ofStores: true },
]
