import { addressOf, hexOf, zoneOf } from './manager-rows.ts'

/** What was written into the database of the manager. */
export interface Filled {
  readonly clusters: readonly string[]
  readonly hosts: number
  readonly audit: number
  readonly fromMs: number
  readonly untilMs: number
  /** Ids of rows of the audit, and hosts, from here and there: pages begin behind them. */
  readonly auditIds: readonly string[]
  readonly hostPlaces: readonly string[]
}

export interface ListCase {
  readonly what: string
  /** Of the request with that number. */
  readonly path: (at: number) => string
}

const oneOf = <T>(all: readonly T[], at: number): T => all[at % all.length] as T
type Query = Readonly<Record<string, string | number>>

function pathOf(path: string, query: Query): string {
  const words = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return `/api/v1/${path}?${words.join('&')}`
}

function hostCases({ clusters, hosts, hostPlaces }: Filled): readonly ListCase[] {
  const asked = (what: string, query: (at: number) => Query): ListCase => ({
    what: `hosts: ${what}`,
    path: (at) => pathOf('hosts', { n: 100, ...query(at) }),
  })
  const last = (at: number) => ({ last: oneOf(hostPlaces, at) })
  return [
    asked('first page', () => ({})),
    asked('a later page', last),
    asked('of a cluster', (at) => ({ cluster: oneOf(clusters, at) })),
    asked('of a zone', (at) => ({ zone: zoneOf(at) })),
    asked('of a zone, a later page', (at) => ({ zone: zoneOf(at), ...last(at) })),
    asked('of a zone that there is not', () => ({ zone: 'none' })),
    asked('in a state that few are in', () => ({ state: 'banned' })),
    asked('in a state that most are in, a later page', (at) => ({ state: 'ok', ...last(at) })),
    asked('of a zone, in a state that none there is in', () => ({ zone: zoneOf(0), state: 'banned' })),
    asked('of a cluster, in a state that few are in', (at) => ({ cluster: oneOf(clusters, at), state: 'draining' })),
    asked('behind with their settings', () => ({ behind: 'true' })),
    asked('behind with their settings, of a zone where none is', () => ({ zone: zoneOf(0), behind: 'true' })),
    asked('origins', () => ({ role: 'origin' })),
    asked('by address', (at) => ({ text: addressOf((at * 7_919) % hosts) })),
    asked('by a part of the id', (at) => ({ text: hexOf((at * 7_919) % hosts).slice(3, 15) })),
    asked('by a text that none has', () => ({ text: 'nowhere' })),
    asked('of a zone, by a text that none has', (at) => ({ zone: zoneOf(at), text: 'nowhere' })),
  ]
}

function auditCases({ fromMs, untilMs, auditIds }: Filled): readonly ListCase[] {
  const asked = (what: string, query: (at: number) => Query): ListCase => ({
    what: `audit: ${what}`,
    path: (at) => pathOf('audit', { n: 100, ...query(at) }),
  })
  const last = (at: number) => ({ last: oneOf(auditIds, at) })
  const day = (at: number) => {
    const from = Math.floor(fromMs + ((untilMs - fromMs) * (at % 10)) / 10)
    return { from, until: from + 86_400_000 }
  }
  const user = (at: number) => ({ actor: `user:u-${at % 200}` })
  const root = { actor: 'user:root' }
  const set = { action: 'settings.set' }
  return [
    asked('first page', () => ({})),
    asked('a later page', last),
    asked('by who', user),
    asked('by who has done two of five, a later page', (at) => ({ ...root, ...last(at) })),
    asked('by somebody who does not exist', () => ({ actor: 'user:nobody' })),
    asked('by what', () => ({ action: 'job.create' })),
    asked('by what, a later page', (at) => ({ ...set, ...last(at) })),
    asked('by target', (at) => ({ target: hexOf(at % 50_000) })),
    asked('by who and what', (at) => ({ ...user(at), ...set })),
    asked('by who and what, both common, never together', () => ({ ...root, ...set })),
    asked('by who and target, both common, never together', () => ({ ...root, target: 'agent all' })),
    asked('by what and target, both common, never together', () => ({ action: 'host.drain', target: 'agent all' })),
    asked('by who, what and target, never together', () => ({ ...root, ...set, target: 'agent all' })),
    asked('of a day', day),
    asked('of a day, by who', (at) => ({ ...day(at), ...user(at) })),
    asked('of a day, by who and what, never together', (at) => ({ ...day(at), ...root, ...set })),
  ]
}

const plain = (what: string, path: string): ListCase => ({ what, path: () => pathOf(path, {}) })

/** What a console and scripts ask a manager for. */
export const listCases = (filled: Filled): readonly ListCase[] => [
  ...hostCases(filled),
  ...auditCases(filled),
  plain('overview', 'overview'),
  plain('clusters', 'clusters'),
  plain('members', 'members'),
  plain('jobs', 'jobs'),
  plain('swarms', 'swarms'),
]
