import { randomFillSync } from 'node:crypto'
import { digestOf } from '../../lib/core/index.ts'
import { linkBlob } from '../kit/link-blob.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { interruptible } from './interruptible.ts'
import { type CurlTimes, curl, median, publish } from './measure.ts'
import { sizeOptions } from './options.ts'
import { type PacedStore, pacedStore } from './paced-store.ts'

const MIB = 1024 * 1024
const STORE_BYTES_PER_SECOND = 100_000_000
const NAME = 'bench/cold'

interface Round {
  readonly direct: CurlTimes
  readonly shoal: CurlTimes
  /** Bytes that left the store for shoal, in sizes of the blob. */
  readonly copies: number
}

const one = async (url: string, bytes: number) => (await curl([url], bytes))[0] as CurlTimes

/** A new blob, which nobody has: from the store itself, and then through the agent. */
async function round(shoal: Topology, store: PacedStore, sizeBytes: number): Promise<Round> {
  const blob = Buffer.allocUnsafe(sizeBytes)
  for (let at = 0; at < sizeBytes; at += 64 * MIB) randomFillSync(blob.subarray(at, at + 64 * MIB))
  const digest = digestOf(blob)
  store.put(blob)
  await linkBlob(shoal, NAME, digest, sizeBytes)
  const direct = await one(`${store.url}/blob`, sizeBytes)
  const before = store.sentBytes
  const times = await one(`${shoal.url('agent-1', 'registry')}/v2/${NAME}/blobs/${digest}`, sizeBytes)
  return { direct, shoal: times, copies: (store.sentBytes - before) / sizeBytes }
}

/**
 * curl pulls blobs that neither the agent nor the origin has, from a store of 100 MB/s, and reads each from the store
 * itself as well. Arguments: `--mib 256 --rounds 5`.
 */
export async function transferCold(args: readonly string[]): Promise<void> {
  const { mib, rounds } = sizeOptions(args, { mib: 256, rounds: 5 })
  const found: Round[] = []
  await interruptible(async (signal) => {
    await using store = await pacedStore(STORE_BYTES_PER_SECOND)
    const rule = { repository: '*', backend: { driver: 'http', url: `${store.url}/{key}` } }
    const overrides = [`origin.backends=${JSON.stringify([rule])}`]
    await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, overrides })
    // Not measured: the code runs for the first time.
    await round(shoal, store, 16 * MIB)
    for (let i = 0; i < rounds; i += 1) {
      signal.throwIfAborted()
      found.push(await round(shoal, store, mib * MIB))
    }
  })
  const of = (pick: (each: Round) => number, digits = 2) => median(found.map(pick)).toFixed(digits)
  await publish({
    name: 'transfer-cold',
    conditions: [
      `${rounds} blobs of ${mib} MiB of random bytes that only the store has, one after the other, medians; everything in ${process.env['TMPDIR'] ?? '/tmp'}`,
      `the store is a web server of ${STORE_BYTES_PER_SECOND / 1e6} MB/s in the process of the bench (driver http); curl reads each blob from it first, and then through an agent`,
      'one agent, one origin and one tracker in processes of their own, warmed up by one blob of 16 MiB; verify: whole',
    ],
    columns: ['figure', 'median', 'must reach'],
    rows: [
      ['store first byte, ms', of(({ direct }) => direct.firstByteMs, 0), ''],
      ['shoal first byte, ms', of(({ shoal }) => shoal.firstByteMs, 0), ''],
      [
        'shoal first byte after that of the store, ms',
        of(({ shoal, direct }) => shoal.firstByteMs - direct.firstByteMs, 0),
        '<= 100',
      ],
      ['store total, s', of(({ direct }) => direct.totalMs / 1000), ''],
      ['shoal total, s', of(({ shoal }) => shoal.totalMs / 1000), ''],
      ['shoal / store', of(({ shoal, direct }) => shoal.totalMs / direct.totalMs), '<= 1.15'],
      ['bytes read from the store / size of the blob', of(({ copies }) => copies, 4), '1.0000'],
    ],
  })
}
