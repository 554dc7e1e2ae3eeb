import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../lib/base/index.ts'
import { swarmLimits } from '../../lib/swarm/index.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { interruptible } from './interruptible.ts'
import { curl, publish, useOf } from './measure.ts'
import { sizeOptions } from './options.ts'
import { pushBlob, pushLarge } from './push.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const NAME = 'bench/memory'
const CLIENTS = 10
/** Seconds that the slow one of the clients takes. */
const SLOW_SECONDS = 45
const PULL_BYTES = 80 * MIB
const IDLE_BYTES = MIB
/** A node at rest gives memory back when the garbage collector has run. */
const REST_MS = swarmLimits.restMs + 60_000

const clock = systemClock()
const [BUSY, IDLE] = ['agent-1', 'agent-2'] as const

interface Part {
  readonly name: string
  /** What an agent's store and an origin's may hold. */
  readonly capacity: string
  readonly work: (shoal: Topology, signal: AbortSignal) => Promise<void>
}

/** Resident memory of the agent that works, in MiB. */
interface Sizes {
  readonly base: number
  readonly peak: number
  readonly rest: number
  /** The other agent, which nobody has asked for anything, at the end. */
  readonly idle: number
}

const rssOf = async (shoal: Topology, id: string) => (await useOf(shoal.pid(id))).rssMiB
const blobUrl = (shoal: Topology, digest: string) => `${shoal.url(BUSY, 'registry')}/v2/${NAME}/blobs/${digest}`
const registryOf = (shoal: Topology) => shoal.url('proxy-1', 'registry')

/** Runs a part with fresh agents, and waits until they had time to rest. */
async function measured({ name, capacity, work }: Part, signal: AbortSignal): Promise<Sizes> {
  const overrides = [`agent.store.capacity=${capacity}`, `origin.store.capacity=${capacity}`]
  await using shoal = await startTopology({ agents: 2, origins: 1, trackers: 1, overrides })
  const base = await rssOf(shoal, BUSY)
  await work(shoal, signal)
  const { peakRssMiB: peak } = await useOf(shoal.pid(BUSY))
  process.stderr.write(`${name}: done, the agent rests for ${REST_MS / 1000} s\n`)
  await clock.sleep(REST_MS, { signal })
  return { base, peak, rest: await rssOf(shoal, BUSY), idle: await rssOf(shoal, IDLE) }
}

/** All clients ask for one large blob at once, and one of them reads slowly. */
async function crowd(shoal: Topology, sizeBytes: number, signal: AbortSignal): Promise<void> {
  await using folder = await tempFolder('bench')
  const file = join(folder.path, 'blob')
  const digest = await pushLarge(registryOf(shoal), NAME, file, sizeBytes)
  await rm(file)
  process.stderr.write(`a blob of ${sizeBytes} bytes is pushed\n`)
  const slow = ['--limit-rate', String(Math.ceil(sizeBytes / SLOW_SECONDS))]
  const cut = new AbortController()
  const options = { signal: AbortSignal.any([signal, cut.signal]) }
  const pulls = Array.from({ length: CLIENTS }, (_, i) =>
    curl([blobUrl(shoal, digest)], sizeBytes, i === 0 ? { ...options, flags: slow } : options),
  )
  try {
    await Promise.all(pulls)
  } finally {
    cut.abort()
    await Promise.allSettled(pulls)
  }
}

/** Pulls fresh blobs one after the other, each for the first time. */
async function oneByOne(shoal: Topology, sizes: readonly number[], signal: AbortSignal): Promise<void> {
  for (const [i, size] of sizes.entries()) {
    signal.throwIfAborted()
    const digest = await pushBlob(registryOf(shoal), NAME, randomBytes(size))
    await curl([blobUrl(shoal, digest)], size, { signal })
    if ((i + 1) % 50 === 0) process.stderr.write(`${i + 1} of ${sizes.length} blobs are pulled\n`)
  }
}

const partsOf = ({ gib, pulls, torrents }: Readonly<Record<'gib' | 'pulls' | 'torrents', number>>): readonly Part[] => {
  const sizes = (count: number, bytes: number) => Array.from({ length: count }, () => bytes)
  return [
    {
      name: `${gib} GiB to ${CLIENTS} clients at once, one slow`,
      capacity: `${Math.ceil(gib * 2)}GB`,
      work: (shoal, signal) => crowd(shoal, Math.round(gib * GIB), signal),
    },
    {
      name: `${pulls} pulls of 80 MiB one after the other`,
      capacity: '1GB',
      work: (shoal, signal) => oneByOne(shoal, sizes(pulls, PULL_BYTES), signal),
    },
    {
      name: `${torrents} torrents, idle`,
      capacity: `${Math.ceil((2 * torrents * IDLE_BYTES) / GIB)}GB`,
      work: (shoal, signal) => oneByOne(shoal, sizes(torrents, IDLE_BYTES), signal),
    },
  ]
}

function rowsOf(name: string, { base, peak, rest, idle }: Sizes): readonly (readonly string[])[] {
  const mib = (value: number) => value.toFixed(0)
  return [
    [name, 'before the first pull', mib(base), ''],
    [name, 'peak', mib(peak), '<= 250'],
    [name, 'at rest', mib(rest), ''],
    [name, 'at rest, above the first', mib(rest - base), '<= 30'],
    [name, 'an idle agent beside it', mib(idle), ''],
  ]
}

/** What an agent needs under three loads. Arguments: `--gib 3 --pulls 50 --torrents 500`. */
export async function memory(args: readonly string[]): Promise<void> {
  const size = sizeOptions(args, { gib: 3, pulls: 50, torrents: 500 })
  const rows = await interruptible(async (signal) => {
    const all: (readonly string[])[] = []
    for (const part of partsOf(size)) all.push(...rowsOf(part.name, await measured(part, signal)))
    return all
  })
  await publish({
    name: 'memory',
    conditions: [
      `resident memory of the agent's process, MiB; at rest is ${REST_MS / 1000} s after the last pull; fresh processes for each load`,
      `the clients are curls over loopback; the slow one takes ${SLOW_SECONDS} s; verify is whole, as by default`,
      `one by one: random bytes, each blob pushed and then pulled; idle torrents: as many blobs of ${IDLE_BYTES} bytes, which the agent then has and offers`,
      'baseline: another agent beside it, of which nobody asks anything, at the end',
      `MALLOC_MMAP_THRESHOLD_ is ${process.env['MALLOC_MMAP_THRESHOLD_'] ?? 'not set'}; the agent runs from its TypeScript sources`,
    ],
    columns: ['load', 'figure', 'MiB', 'must reach'],
    rows,
  })
}
