import type { AdminClient, AnswerOf, trackerAdmin } from '../../../lib/api/index.ts'
import type { AbortOptions } from '../../../lib/base/index.ts'
import { type HostStore, wordsOf } from './host-store.ts'
import type { HostRow } from './tables.ts'

/** Hosts that a tracker is asked for at once. */
const PAGE = 500
/** Pages of one tracker for one walk: a tracker that never ends is left. */
const MAX_PAGES = 2_000
/** Of a host that has not changed, when it was seen is written down at most so often. */
const NOTE_MS = 60_000

type TrackerHost = AnswerOf<typeof trackerAdmin.hosts>['hosts'][number]
type Asked = Pick<AdminClient<typeof trackerAdmin>, 'hosts'>

/** Hosts of one tracker as they come, page by page. */
interface HostStream {
  /** The first ones that were not taken. */
  readonly head: TrackerHost | undefined
  take(): TrackerHost | undefined
  /** Asks for the next page when none is left. */
  fill(options: AbortOptions): Promise<void>
}

function hostStream(tracker: Asked): HostStream {
  let [page, at]: [readonly TrackerHost[], number] = [[], 0]
  let last: string | undefined
  let [pages, isOver] = [0, false]
  return {
    get head() {
      return page[at]
    },
    take() {
      at += 1
      return page[at - 1]
    },
    async fill(options) {
      // A page may be empty though more follow.
      while (at >= page.length && !isOver) {
        const answer = await tracker.hosts({ n: String(PAGE), last }, options)
        pages += 1
        ;[page, at, last] = [answer.hosts.filter(({ peerId }) => last === undefined || peerId > last), 0, answer.next]
        isOver = last === undefined || pages >= MAX_PAGES
      }
    },
  }
}

const latest = <T>(all: readonly T[], atMs: (each: T) => number): T | undefined =>
  all.toSorted((a, b) => atMs(b) - atMs(a))[0]

/**
 * The host of all heads that comes first; what several trackers say of it, from the one that saw it last, and of its
 * settings from the one that it has told last.
 */
function nextHost(streams: readonly HostStream[]): TrackerHost | undefined {
  const heads = streams.flatMap(({ head }) => (head === undefined ? [] : [head]))
  const peerId = heads.reduce<string | undefined>(
    (first, head) => (first === undefined || head.peerId < first ? head.peerId : first),
    undefined,
  )
  if (peerId === undefined) return undefined
  const same = streams.filter(({ head }) => head?.peerId === peerId).flatMap((stream) => stream.take() ?? [])
  const seen = latest(same, ({ seenAtMs }) => seenAtMs)
  const told = latest(same, ({ settings }) => settings?.seenAtMs ?? 0)
  return seen && { ...seen, shoal: told?.shoal ?? seen.shoal, settings: told?.settings }
}

function stateOf({ ban, drain, health }: TrackerHost): Pick<HostRow, 'state' | 'why'> {
  if (ban !== undefined) return { state: 'banned', why: ban.reason }
  if (drain !== undefined) return { state: 'draining', why: drain.reason }
  return { state: health.state === 'good' ? 'ok' : health.state, why: health.why ?? '' }
}

/** What a host runs; one that has not said it is not behind. */
function runOf({ shoal = '', settings }: TrackerHost, wanted: number) {
  const { state = '', generation = null, code = '', message = '' } = settings ?? {}
  return {
    ...{ version: shoal, generation, behind: generation !== null && generation < wanted ? 1 : 0 },
    ...{ settingsState: state, settingsCode: code, settingsMessage: message },
  }
}

function rowOf({ clusterId, wanted }: WalkedCluster, host: TrackerHost): HostRow {
  const row = {
    ...{ clusterId, peerId: host.peerId, host: host.host, port: host.port, role: host.role, zone: host.zone ?? '' },
    ...{ ...runOf(host, wanted), ...stateOf(host), seenAtMs: Math.floor(host.seenAtMs) },
    ...{ downloads: host.downloads, seeds: host.seeds },
    ...{ bytesIn: Math.round(host.bytesPerSecond.in), bytesOut: Math.round(host.bytesPerSecond.out) },
  }
  return { ...row, words: wordsOf(row) }
}

const steady = [
  ...(['host', 'port', 'role', 'zone', 'version', 'generation', 'state', 'why', 'downloads', 'seeds'] as const),
  ...(['behind', 'settingsState', 'settingsCode', 'settingsMessage'] as const),
] as const

/** Whether the row says something else than the one before, other than how fast it is and that it lives. */
export function isOther(row: HostRow, before: HostRow | undefined): boolean {
  if (before === undefined || row.seenAtMs - before.seenAtMs >= NOTE_MS) return true
  return steady.some((column) => row[column] !== before[column])
}

/** What a walk has found. */
export interface Walked {
  /** Agents that some tracker knows; undefined when not all trackers told all. */
  readonly agents: number | undefined
  /** Hosts that run an older generation of settings than they should, of those that were told. */
  readonly behind: number
  readonly written: number
  readonly removed: number
}

/** Writes the differences between what trackers told and the rows of the same hosts. */
async function settle(
  hosts: HostStore,
  clusterId: string,
  found: {
    readonly rows: readonly HostRow[]
    readonly after: string
    readonly until: string | undefined
    readonly isWhole: boolean
  },
): Promise<{ readonly written: number; readonly removed: number }> {
  const { rows, after, until, isWhole } = found
  const known = new Map((await hosts.range(clusterId, { after, until })).map((row) => [row.peerId, row] as const))
  const put = rows.filter((row) => isOther(row, known.get(row.peerId)))
  const told = new Set(rows.map(({ peerId }) => peerId))
  const gone = isWhole ? [...known.keys()].filter((peerId) => !told.has(peerId)) : []
  if (put.length + gone.length > 0) await hosts.apply(clusterId, { put, gone })
  return { written: put.length, removed: gone.length }
}

/** Trackers of a cluster, as long as they answer. */
class Trackers {
  readonly #onFailure: (err: unknown) => void
  #streams: readonly HostStream[]
  /** Whether all have told all so far. */
  isWhole: boolean

  constructor(trackers: readonly Asked[], onFailure: (err: unknown) => void) {
    this.#onFailure = onFailure
    this.#streams = trackers.map(hostStream)
    this.isWhole = trackers.length > 0
  }

  /** The next host in the order of the ids; undefined behind the last. */
  async next(options: AbortOptions): Promise<TrackerHost | undefined> {
    for (const stream of this.#streams) {
      try {
        await stream.fill(options)
      } catch (err) {
        options.signal?.throwIfAborted()
        this.#onFailure(err)
        this.isWhole = false
        this.#streams = this.#streams.filter((each) => each !== stream)
      }
    }
    return nextHost(this.#streams)
  }
}

export interface HostWalkComponents {
  readonly hosts: HostStore
  readonly trackers: readonly Asked[]
  /** A tracker has failed. */
  readonly onFailure: (err: unknown) => void
}

export interface WalkedCluster {
  readonly clusterId: string
  /** The generation of settings that its hosts should run; 0: none. */
  readonly wanted: number
}

/**
 * Brings the rows of a cluster to what its trackers say, a page at a time: whatever their number, few hosts are in memory. A
 * host that no tracker knows is removed when all trackers have answered to the end; one that failed ends nothing.
 */
export async function walkHosts(
  { hosts, trackers, onFailure }: HostWalkComponents,
  cluster: WalkedCluster,
  options: AbortOptions,
): Promise<Walked> {
  const asked = new Trackers(trackers, onFailure)
  let [agents, behind, written, removed, after] = [0, 0, 0, 0, '']
  for (let isOver = false; !isOver; ) {
    const rows: HostRow[] = []
    while (rows.length < PAGE && !isOver) {
      const host = await asked.next(options)
      if (host === undefined) isOver = true
      else rows.push(rowOf(cluster, host))
    }
    const until = isOver ? undefined : rows.at(-1)?.peerId
    const settled = await settle(hosts, cluster.clusterId, { rows, after, until, isWhole: asked.isWhole })
    agents += rows.filter(({ role }) => role === 'agent').length
    behind += rows.filter((row) => row.behind === 1).length
    written += settled.written
    removed += settled.removed
    after = until ?? after
  }
  return { agents: asked.isWhole ? agents : undefined, behind, written, removed }
}
