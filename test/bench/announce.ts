import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startTopology } from '../kit/topology.ts'
import {
  announced,
  blobsNamed,
  changed,
  everything,
  type Load,
  type Loader,
  loader,
  nodesFrom,
  shareOf,
} from './announce-load.ts'
import { publish, useOf } from './measure.ts'

const SWARMS = 1_000
const PEERS_PER_SWARM = 100
/** The layers of an image that one node pulls at the same time. */
const DOWNLOADS_PER_NODE = 10
const NODES = 10_000
const SEEDS_PER_NODE = 500
const BLOBS = 50_000
/** The baseline announces each seed by itself, from this many nodes. */
const SAMPLED_NODES = 200
const WARM_NODES = 500
const MIB = 1024 ** 2
/** With the shortest interval a node that is silent is forgotten after 12.5 s, and at the next sweep. */
const OVERRIDES = ['tracker.announce.minInterval=5s', 'tracker.announce.maxInterval=5s']
const CHURN_NODES_PER_TURN = 50
const CHURN_TURN_MS = 500

interface Tracker {
  readonly pid: number
  readonly load: Loader
}

/** A tracker in a process of its own, without the rest of a cluster. */
async function withTracker<T>(work: (tracker: Tracker) => Promise<T>): Promise<T> {
  const later = ['agent-1', 'origin-1', 'build-index-1', 'build-index-2', 'proxy-1']
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, overrides: OVERRIDES, later })
  const pid = shoal.pid('tracker-1')
  const load = loader(shoal.url('tracker-1'), pid)
  try {
    await warmUp(load)
    return await work({ pid, load })
  } finally {
    await load.stop()
  }
}

/** So that what the process grows by is entries, and not compiled code. */
async function warmUp(load: Loader): Promise<void> {
  const blobs = blobsNamed('warm', SWARMS)
  await load.run(nodesFrom(0, WARM_NODES), async (client, peer, at) => {
    const own = shareOf(blobs, at, SEEDS_PER_NODE)
    const torrents = own.slice(0, DOWNLOADS_PER_NODE).map((blob) => announced(blob, 1_000))
    await client.announce({ peer, torrents })
    await client.announce({ peer, torrents: torrents.map((each) => ({ ...each, event: 'stopped' as const })) })
    await client.announceSeeds(peer, everything(own))
    await client.announceSeeds(peer, { sequence: 2, remove: [], add: [] })
  })
}

async function downloads({ load }: Tracker): Promise<Load> {
  const blobs = blobsNamed('download', SWARMS)
  const nodes = nodesFrom(0, (SWARMS * PEERS_PER_SWARM) / DOWNLOADS_PER_NODE)
  return load.run(nodes, (client, peer, at) => {
    const own = shareOf(blobs, at, DOWNLOADS_PER_NODE)
    return client.announce({ peer, torrents: own.map((blob) => announced(blob, 1_000)) })
  })
}

async function seeds({ load }: Tracker) {
  const blobs = blobsNamed('seed', BLOBS)
  const nodes = nodesFrom(0, NODES)
  const first = await load.run(nodes, (client, peer, at) =>
    client.announceSeeds(peer, everything(shareOf(blobs, at, SEEDS_PER_NODE))),
  )
  const alive = await load.run(nodes, (client, peer) => client.announceSeeds(peer, changed(2)))
  const more = await load.run(nodes, (client, peer, at) =>
    client.announceSeeds(peer, changed(3, blobs[(at * 11) % BLOBS])),
  )
  return { first, alive, more }
}

/** The same state as seeds, each announced by itself, as a tracker still takes it. */
async function single({ load }: Tracker) {
  const blobs = blobsNamed('seed', BLOBS)
  const nodes = nodesFrom(0, SAMPLED_NODES)
  const announce = () =>
    load.run(nodes, (client, peer, at) =>
      client.announce({ peer, torrents: shareOf(blobs, at, SEEDS_PER_NODE).map((blob) => announced(blob, 0)) }),
    )
  return { first: await announce(), again: await announce() }
}

/** Nodes come, download, complete and vanish without a word, for as long as it takes. */
async function churn({ pid, load }: Tracker, minutes: number) {
  const blobs = blobsNamed('churn', 5_000)
  const sizes: number[] = []
  const turns = Math.round((minutes * 60_000) / CHURN_TURN_MS)
  for (let turn = 0; turn < turns; turn += 1) {
    const due = wait(CHURN_TURN_MS)
    await load.run(nodesFrom(turn * CHURN_NODES_PER_TURN, CHURN_NODES_PER_TURN), async (client, peer, at) => {
      const own = shareOf(blobs, turn * CHURN_NODES_PER_TURN + at, SEEDS_PER_NODE / 5)
      await client.announce({ peer, torrents: own.slice(0, 4).map((blob) => announced(blob, 1_000)) })
      await client.announceSeeds(peer, everything(own))
    })
    await due
    sizes.push((await useOf(pid)).rssMiB)
  }
  const mean = (some: readonly number[]) => some.reduce((sum, each) => sum + each, 0) / some.length
  const part = Math.max(1, Math.round(turns / 6))
  return { begin: mean(sizes.slice(part * 3, part * 4)), end: mean(sizes.slice(-part)), sizes }
}

const bytesEach = ({ before, after }: Load, count: number) => ((after.rssMiB - before.rssMiB) * MIB) / count
const perSecond = ({ requests, seconds }: Load) => (requests / seconds).toFixed(0)
const microseconds = (load: Load, count: number) => ((load.cpuSeconds * 1e6) / count).toFixed(1)

/** Arguments: `--minutes 1`, the time of the last part. */
export async function announce(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...argv], options: { minutes: { type: 'string', default: '1' } } })
  const minutes = Number(values.minutes)
  if (!(minutes > 0)) throw new Error('--minutes must be a number above 0')
  const downloading = await withTracker(downloads)
  const seeding = await withTracker(seeds)
  const alone = await withTracker(single)
  const growth = await withTracker((tracker) => churn(tracker, minutes))

  const entries = SWARMS * PEERS_PER_SWARM
  const links = NODES * SEEDS_PER_NODE
  const sampled = SAMPLED_NODES * SEEDS_PER_NODE
  const row = (what: string, load: Load) => [what, perSecond(load), microseconds(load, load.requests)] as const
  const rss = ({ after }: Load) => after.rssMiB.toFixed(0)
  const bytes = (load: Load, count: number) => bytesEach(load, count).toFixed(0)
  await publish({
    name: 'announce',
    conditions: [
      `one tracker in a process of its own, requests over loopback from 16 connections; its CPU and resident memory`,
      `downloads: ${entries} peers in ${SWARMS} swarms, ${DOWNLOADS_PER_NODE} for each node in one batch, 24 peers named for each`,
      `seeds: ${NODES} nodes with ${SEEDS_PER_NODE} of ${BLOBS} blobs each; told at once, then a sign of life, then one more blob each`,
      `baseline: ${SAMPLED_NODES} such nodes, which announce each blob by itself in one batch, twice`,
      `growth: ${minutes} minutes in which ${(CHURN_NODES_PER_TURN * 1000) / CHURN_TURN_MS} nodes a second come with 4 downloads and ${SEEDS_PER_NODE / 5} seeds and vanish; means of a sixth of the time, after one half and at the end`,
      'memory for each entry is what the process grew by, with the garbage that it had not collected yet',
    ],
    columns: [
      'what',
      'requests/s',
      'tracker CPU us per request',
      'tracker CPU us per blob',
      'RSS MiB',
      'bytes each',
      'must reach',
    ],
    rows: [
      [
        ...row('download, first announce', downloading),
        microseconds(downloading, entries),
        rss(downloading),
        bytes(downloading, entries),
        '<= 1024',
      ],
      [
        ...row('all seeds of a node', seeding.first),
        microseconds(seeding.first, links),
        rss(seeding.first),
        bytes(seeding.first, links),
        '<= 64',
      ],
      [...row('sign of life of a node', seeding.alive), microseconds(seeding.alive, links), rss(seeding.alive), '', ''],
      [...row('one more seed of a node', seeding.more), '', rss(seeding.more), '', ''],
      [
        ...row('baseline: first batch of a node', alone.first),
        microseconds(alone.first, sampled),
        rss(alone.first),
        bytes(alone.first, sampled),
        '',
      ],
      [
        ...row('baseline: the same at each interval', alone.again),
        microseconds(alone.again, sampled),
        rss(alone.again),
        '',
        '',
      ],
      ['growth: half-way', '', '', '', growth.begin.toFixed(0), '', ''],
      ['growth: end', '', '', '', growth.end.toFixed(0), '', 'flat'],
    ],
    raw: { downloading, seeding, alone, growth },
  })
}
