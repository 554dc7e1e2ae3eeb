import { setMaxListeners } from 'node:events'
import { loadavg } from 'node:os'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import { linkBlob } from '../kit/link-blob.ts'
import { interruptible } from './interruptible.ts'
import { BLOB_BYTES, type Reading, readings } from './lazy-patterns.ts'
import { type LazyReader, lazyReader } from './lazy-reader.ts'
import { publish } from './measure.ts'
import { sizeOptions } from './options.ts'
import { type PacedStore, startPacedStore } from './paced-store.ts'
import { type RangesRound, rangesColumns, rangesRows, type Side, UNIT_BYTES } from './ranges-figures.ts'
import { type ServiceHosts, startHosts, urlOf } from './service-hosts.ts'

const NAME = 'bench/ranges'
const STORE = { bytesPerSecond: 100_000_000, latencyMs: 20 }

interface Lab {
  readonly hosts: ServiceHosts
  readonly store: PacedStore
  readonly signal: AbortSignal
}

/** All clients read at once; those at the front of the list do what is done beside it. */
async function readAll(urls: readonly string[], reading: Reading, content: Buffer, signal: AbortSignal) {
  const readers = urls.map((url) => lazyReader({ url, content, signal }))
  try {
    await Promise.all(readers.flatMap((reader, client) => worksOf(reading, reader, client)))
    return readers.flatMap(({ times }) => times)
  } finally {
    for (const reader of readers) reader[Symbol.dispose]()
  }
}

function worksOf({ each, beside }: Reading, reader: LazyReader, client: number): readonly Promise<void>[] {
  const isBeside = beside !== undefined && (beside.clients === 'all' || client === 0)
  return [each(reader, client), ...(isBeside ? [beside.pattern(reader, client)] : [])]
}

/** A fresh blob, which only the store has, read at the store and then through the agents. */
async function round({ hosts, store, signal }: Lab, reading: Reading): Promise<RangesRound> {
  const name = crypto.randomUUID()
  const content = cipherBytes(name, BLOB_BYTES)
  const digest = await store.put(name, BLOB_BYTES)
  const index = hosts.plan.buildIndex[0]
  if (index === undefined) throw new Error('there is no build-index')
  await linkBlob({ url: () => urlOf(index, 'http') }, NAME, digest, BLOB_BYTES)
  const { agent: agents } = hosts.plan
  let direct: Side | undefined
  if (reading.ofStores) {
    const times = await readAll(
      agents.map(() => store.urlOf(digest)),
      reading,
      content,
      signal,
    )
    direct = { times, counts: await store.takeCounts() }
  }
  const through = agents.map((agent) => `${urlOf(agent, 'registry')}/v2/${NAME}/blobs/${digest}`)
  const times = await readAll(through, reading, content, signal)
  const counts = await store.settledCounts(BLOB_BYTES, signal)
  return { reading: reading.name, bytes: BLOB_BYTES, store: direct, shoal: { times, counts } }
}

/**
 * Lazy clients, each behind an agent of its own, read ranges of blobs that only a slow store has, as several kinds of
 * them do; and the same clients at the store itself. Arguments: `--clients 20 --rounds 3 --per-process 10`.
 */
export async function ranges(args: readonly string[]): Promise<void> {
  const size = sizeOptions(args, { clients: 20, rounds: 3, 'per-process': 10 })
  const load = loadavg()[0] ?? 0
  const rounds: RangesRound[] = []
  await interruptible(async (signal) => {
    // As many as may read at once, and each of their requests listens twice.
    setMaxListeners(16 * size.clients, signal)
    await using store = await startPacedStore(STORE, signal)
    await using hosts = await startHosts({
      agents: size.clients,
      agentsPerProcess: size['per-process'],
      overrides: [store.backends({ '*': 's3' }), 'agent.store.minFree=1MiB'],
      signal,
    })
    // Not measured: the code runs for the first time.
    for (const reading of readings) await round({ hosts, store, signal }, reading)
    for (let i = 0; i < size.rounds; i += 1) {
      for (const reading of readings) rounds.push(await round({ hosts, store, signal }, reading))
      process.stderr.write(`round ${i + 1} of ${size.rounds} is done\n`)
    }
  })
  await publish({
    name: 'ranges',
    conditions: [
      `${size.clients} lazy clients at once, each behind a cold agent of its own; ${size['per-process']} agents share a process; one origin, one tracker, two build-indexes and one proxy share another; ${size.rounds} rounds, each reading of each round with a fresh blob of ${BLOB_BYTES} bytes that only the store has`,
      `the store, a process of its own, begins to answer after ${STORE.latencyMs} ms and gives ${STORE.bytesPerSecond / 1e6} MB/s to all together; origins read it with the driver s3, in units of ${UNIT_BYTES / 1024 ** 2} MiB`,
      'at the store: as many clients read the same ranges there, without shoal, before each reading; the store does not answer several ranges of one request',
      'times to the last byte of each range that somebody waits for, all rounds together, without prefetches and streams; of chunks to the first byte',
      'clients compare all bytes, the status and Content-Range; they are one process; counts of the store: the worst round, after all of the blob has left it',
      `load average of the machine before: ${load.toFixed(1)}`,
    ],
    columns: rangesColumns,
    rows: readings.flatMap(({ name }) => rangesRows(rounds.filter(({ reading }) => reading === name))),
    raw: rounds,
  })
}
