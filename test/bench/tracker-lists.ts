import { trackerClient } from '../../lib/api/index.ts'
import { systemClock } from '../../lib/base/index.ts'
import { type HttpClient, httpClient } from '../../lib/http/index.ts'
import { testPorts } from '../kit/test-ports.ts'
import { startTopology } from '../kit/topology.ts'
import { blobsNamed, nodesFrom } from './announce-load.ts'
import { heapMiB } from './heap-look.ts'
import { DOWNLOADS_PER_NODE, join, leave, walk } from './list-walk.ts'
import { median, percentile, publish, useOf } from './measure.ts'
import { sizeOptions } from './options.ts'

/** The baseline has a hundredth of everything. */
const SMALL = 100
const MOVING_SWARMS = 2_000
const MOVING_NODES = 25
/** Times that a whole list is read, and single pages of the others. */
const ROUNDS = 5
const SINGLE_PAGES = 60

interface Measured {
  readonly what: string
  readonly pages: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the tracker, with what it does meanwhile. */
  readonly cpuMsPerPage: number
}

interface Lab {
  readonly http: HttpClient
  readonly url: string
  readonly adminUrl: string
  readonly pid: number
  /** Of JavaScript's heap after a collection. */
  heapMiB(): Promise<number>
}

/** A tracker in a process of its own, whose heap can be looked at. */
async function withTracker<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  const { inspector } = (await testPorts(1)).take(0, { inspector: 0 })
  const later = ['agent-1', 'origin-1', 'build-index-1', 'build-index-2', 'proxy-1']
  await using shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 1, later },
    env: { NODE_OPTIONS: `--inspect=127.0.0.1:${inspector}` },
    overrides: ['tracker.announce.minInterval=30m', 'tracker.announce.maxInterval=30m'],
  })
  const http = httpClient({ clock: systemClock() })
  const [url, adminUrl] = [shoal.url('tracker-1'), shoal.url('tracker-1', 'admin')]
  try {
    return await work({ http, url, adminUrl, pid: shoal.pid('tracker-1'), heapMiB: () => heapMiB(inspector) })
  } finally {
    await http.stop()
  }
}

async function measure({ http, adminUrl, pid }: Lab, what: string, path: string, pages?: number): Promise<Measured> {
  const before = await useOf(pid)
  const times: number[] = []
  const rounds = pages === undefined ? ROUNDS : SINGLE_PAGES
  for (let round = 0; round < rounds; round += 1)
    times.push(...(await walk(http, adminUrl + path, pages === undefined ? {} : { pages })).pageMs)
  const cpuMs = ((await useOf(pid)).cpuSeconds - before.cpuSeconds) * 1000
  return {
    ...{ what, pages: times.length, p50Ms: median(times), p99Ms: percentile(times, 99) },
    cpuMsPerPage: cpuMs / times.length,
  }
}

async function lists(lab: Lab, swarmId: string): Promise<readonly Measured[]> {
  return [
    await measure(lab, 'swarms, page by page', '/swarms?n=100'),
    await measure(lab, 'swarms of a state that none is in', '/swarms?n=100&state=seeded'),
    await measure(lab, 'swarms of a repository, first page', '/swarms?n=100&repository=bench%2Fannounce', 1),
    await measure(lab, 'swarms by the beginning of the digest', '/swarms?n=100&digest=7', 1),
    await measure(lab, 'hosts, page by page', '/hosts?n=100'),
    await measure(lab, 'hosts of a zone that none is in', '/hosts?n=100&zone=none'),
    await measure(lab, 'one swarm', `/swarms/${swarmId}?n=100`, 1),
  ]
}

/** As long as `work` takes, nodes join other swarms and leave them. Returns how many did. */
async function whileMoving<T>({ http, url }: Lab, work: () => Promise<T>): Promise<{ value: T; moved: number }> {
  const api = trackerClient(http, url)
  const blobs = blobsNamed('moving', MOVING_SWARMS)
  let [over, moved] = [false, 0]
  const move = async () => {
    while (!over) {
      const nodes = nodesFrom(moved, MOVING_NODES)
      await join(api, nodes, blobs)
      await leave(api, nodes, blobs)
      moved += nodes.length
    }
  }
  const moving = move()
  try {
    return { value: await work(), moved }
  } finally {
    over = true
    await moving
  }
}

const filled = (swarms: number, peers: number) => ({
  blobs: blobsNamed('lists', swarms),
  nodes: nodesFrom(0, Math.ceil(peers / DOWNLOADS_PER_NODE)),
})

async function sized(swarms: number, peers: number): Promise<readonly Measured[]> {
  return withTracker(async (lab) => {
    const { blobs, nodes } = filled(swarms, peers)
    await join(trackerClient(lab.http, lab.url), nodes, blobs)
    return lists(lab, blobs[0]?.swarmId ?? '')
  })
}

/** The lists of a full tracker, then the same while nodes come and go, and what its heap does in that time. */
async function full(swarms: number, peers: number, rounds: number) {
  return withTracker(async (lab) => {
    const { blobs, nodes } = filled(swarms, peers)
    await join(trackerClient(lab.http, lab.url), nodes, blobs)
    const first = blobs[0]?.swarmId ?? ''
    const quiet = await lists(lab, first)
    const heaps: number[] = []
    const moving = await whileMoving(lab, async () => {
      let last: readonly Measured[] = []
      for (let round = 0; round <= rounds; round += 1) {
        last = await lists(lab, first)
        heaps.push(await lab.heapMiB())
      }
      return last
    })
    return { quiet, moving: moving.value, moved: moving.moved, heaps }
  })
}

/** Options: `--swarms 10000 --peers 100000 --rounds 4`, the rounds in which nodes come and go. */
export async function trackerLists(args: readonly string[]): Promise<void> {
  const { swarms, peers, rounds } = sizeOptions(args, { swarms: 10_000, peers: 100_000, rounds: 4 })
  const small = await sized(Math.ceil(swarms / SMALL), Math.ceil(peers / SMALL))
  const { quiet, moving, moved, heaps } = await full(swarms, peers, rounds)
  const row = (when: string, bound: string) => (each: Measured) => [
    ...[`${each.what}; ${when}`, each.pages, each.cpuMsPerPage.toFixed(2), each.p50Ms.toFixed(1)],
    ...[each.p99Ms.toFixed(1), bound],
  ]
  const [begin = 0, end = 0] = [heaps[0], heaps.at(-1)]
  await publish({
    name: 'tracker-lists',
    conditions: [
      `one tracker in a process of its own, filled by announces: ${peers} peers in ${swarms} swarms, ${DOWNLOADS_PER_NODE} for each node`,
      `pages of 100 entries over loopback, one after the other; times from the request to the last byte, CPU of the tracker`,
      `baseline: the same with ${Math.ceil(swarms / SMALL)} swarms and ${Math.ceil(peers / SMALL)} peers`,
      `coming and going: meanwhile ${MOVING_NODES} nodes at a time begin ${DOWNLOADS_PER_NODE} downloads each in ${MOVING_SWARMS} other swarms and leave them, ${moved} nodes in ${rounds + 1} rounds; the CPU is with theirs`,
      'heap: after a collection, at the end of the first round in which nodes come and go and of the last one',
    ],
    columns: ['list', 'pages', 'CPU ms per page', 'p50 ms', 'p99 ms', 'must reach'],
    rows: [
      ...small.map(row('baseline', '')),
      ...quiet.map(row('full', '<= 50')),
      ...moving.map(row('coming and going', '')),
      ['heap MiB, coming and going; first round', '', '', '', begin.toFixed(1), ''],
      ['heap MiB, coming and going; last round', '', '', '', end.toFixed(1), `<= ${(begin * 1.1).toFixed(1)}`],
    ],
    raw: { small, quiet, moving, heaps },
  })
}
