import { linkBlob } from '../kit/link-blob.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { interruptible } from './interruptible.ts'
import { type CurlTimes, curl, median, publish } from './measure.ts'
import { sizeOptions } from './options.ts'
import { type PacedStore, type StoreDriver, startPacedStore, storeDrivers } from './paced-store.ts'

const MIB = 1024 * 1024
const STORE_BYTES_PER_SECOND = 100_000_000
const repositoryOf = (driver: StoreDriver) => `bench/cold-${driver}`

interface Round {
  readonly driver: StoreDriver
  readonly direct: CurlTimes
  readonly shoal: CurlTimes
  /** Bytes that left the store for shoal, in sizes of the blob; and in how many reads. */
  readonly copies: number
  readonly reads: number
}

interface Lab {
  readonly shoal: Topology
  readonly store: PacedStore
  readonly signal: AbortSignal
}

/** A new blob, which nobody has: from the store itself, and then through the agent. */
async function round({ shoal, store, signal }: Lab, driver: StoreDriver, sizeBytes: number): Promise<Round> {
  const repository = repositoryOf(driver)
  const one = async (url: string) => (await curl([url], sizeBytes, { signal }))[0] as CurlTimes
  const digest = await store.put(crypto.randomUUID(), sizeBytes)
  await linkBlob(shoal, repository, digest, sizeBytes)
  const direct = await one(store.urlOf(digest))
  await store.takeCounts()
  const times = await one(`${shoal.url('agent-1', 'registry')}/v2/${repository}/blobs/${digest}`)
  const { sentBytes, reads } = await store.settledCounts(sizeBytes, signal)
  return { driver, direct, shoal: times, copies: sentBytes / sizeBytes, reads }
}

function rowsOf(driver: StoreDriver, rounds: readonly Round[]) {
  const mine = rounds.filter((each) => each.driver === driver)
  const of = (pick: (each: Round) => number, digits = 2) => median(mine.map(pick)).toFixed(digits)
  const rows: readonly (readonly [string, string, string?])[] = [
    ['store first byte, ms', of(({ direct }) => direct.firstByteMs, 0)],
    ['shoal first byte, ms', of(({ shoal }) => shoal.firstByteMs, 0)],
    [
      'shoal first byte after that of the store, ms',
      of(({ shoal, direct }) => shoal.firstByteMs - direct.firstByteMs, 0),
      '<= 100',
    ],
    ['store total, s', of(({ direct }) => direct.totalMs / 1000)],
    ['shoal total, s', of(({ shoal }) => shoal.totalMs / 1000)],
    ['shoal / store', of(({ shoal, direct }) => shoal.totalMs / direct.totalMs), '<= 1.15'],
    ['bytes read from the store / size of the blob', of(({ copies }) => copies, 4), '1.0000'],
    ['reads of the store', of(({ reads }) => reads, 0)],
  ]
  return rows.map(([figure, value, bound = '']) => [driver, figure, value, bound])
}

/**
 * curl pulls blobs that neither the agent nor the origin has, from a store of 100 MB/s, and reads each from the store
 * itself as well. Arguments: `--mib 256 --rounds 5`.
 */
export async function transferCold(args: readonly string[]): Promise<void> {
  const { mib, rounds } = sizeOptions(args, { mib: 256, rounds: 5 })
  const found: Round[] = []
  await interruptible(async (signal) => {
    await using store = await startPacedStore({ bytesPerSecond: STORE_BYTES_PER_SECOND, latencyMs: 0 }, signal)
    const overrides = [store.backends(Object.fromEntries(storeDrivers.map((driver) => [repositoryOf(driver), driver])))]
    await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, overrides })
    const lab = { shoal, store, signal }
    // Not measured: the code runs for the first time.
    for (const driver of storeDrivers) await round(lab, driver, 16 * MIB)
    for (let i = 0; i < rounds; i += 1) {
      for (const driver of storeDrivers) {
        signal.throwIfAborted()
        found.push(await round(lab, driver, mib * MIB))
      }
    }
  })
  await publish({
    name: 'transfer-cold',
    conditions: [
      `${rounds} blobs of ${mib} MiB of random bytes for each driver that only the store has, one after the other, medians; everything in ${process.env['TMPDIR'] ?? '/tmp'}`,
      `the store gives ${STORE_BYTES_PER_SECOND / 1e6} MB/s, in a process of its own; curl reads each blob from it first, and then through an agent`,
      'the origin reads units, several at a time, in the order in which they are wanted',
      'one agent, one origin and one tracker in processes of their own, warmed up by one blob of 16 MiB for each driver; verify: whole',
    ],
    columns: ['driver', 'figure', 'median', 'must reach'],
    rows: storeDrivers.flatMap((driver) => rowsOf(driver, found)),
    raw: found,
  })
}
