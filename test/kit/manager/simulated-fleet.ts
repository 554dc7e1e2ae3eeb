import {
  type AnswerOf,
  hashOfValues,
  type SteeredHostAnswer,
  type SteeringDocument,
  steeringRules,
  type trackerAdmin,
} from '../../../lib/api/index.ts'
import { appError, type Clock } from '../../../lib/base/index.ts'
import type { SteeredClusters, SteeredTrackerClient } from '../../../services/manager/settings/steered-clusters.ts'

type Values = Readonly<Record<string, unknown>>

interface SimulatedHost {
  readonly id: string
  readonly zone: string
  away: boolean
  state: SteeredHostAnswer['state']
  generation: number
  values: Values
  hash: string
  health: { done: number; failed: number; stalled: number }
}

export interface FleetInit {
  readonly clock: Pick<Clock, 'now'>
  /** Hosts of each cluster. */
  readonly clusters: Readonly<Record<string, number>>
  readonly trackers?: number
  /** Zones of each cluster. */
  readonly zones?: number
  /** Values that hosts cannot apply. */
  readonly refuses?: (values: Values) => boolean
  /** How a pull ends under values. */
  readonly pull?: (values: Values, host: string) => 'done' | 'failed' | 'stalled'
}

const nothing = { done: 0, failed: 0, stalled: 0 }

/** Trackers and hosts in memory that follow documents by the rules of the real ones. */
export interface SimulatedFleet extends SteeredClusters {
  /** Hosts hear of what their trackers have, and `pulls` pulls end at each. */
  live(pulls?: number): void
  readonly hosts: readonly (SimulatedHost & { readonly cluster: string })[]
  /** What is wanted of each tracker, by its name. */
  readonly held: ReadonlyMap<string, SteeringDocument | undefined>
  /** Trackers that do not answer. */
  readonly silent: Set<string>
  /** Trackers that answer, and cannot keep what they are given. */
  readonly full: Set<string>
  /** Hosts that trackers have not heard of. */
  readonly unknown: Set<string>
  hold(tracker: string, document: SteeringDocument | undefined): void
}

export function simulatedFleet(init: FleetInit): SimulatedFleet {
  const { clock, clusters, trackers = 2, zones = 2, refuses = () => false, pull = () => 'done' } = init
  const held = new Map<string, SteeringDocument | undefined>()
  const silent = new Set<string>()
  const full = new Set<string>()
  const unknown = new Set<string>()
  const namesOf = (cluster: string) => Array.from({ length: trackers }, (_, i) => `${cluster}-tracker-${i}`)
  const hosts = Object.entries(clusters).flatMap(([cluster, count]) =>
    Array.from({ length: count }, (_, i) => ({
      ...{ cluster, id: `${cluster}-host-${i}`, zone: `zone-${i % zones}`, away: false, state: 'applied' as const },
      ...{ generation: 0, values: {}, hash: hashOfValues({}), health: { ...nothing } },
    })),
  ) as (SimulatedHost & { readonly cluster: string })[]

  const latest = (cluster: string) =>
    namesOf(cluster)
      .flatMap((name) => (silent.has(name) ? [] : (held.get(name) ?? [])))
      .toSorted((a, b) => b.generation - a.generation)[0]
  const take = (host: (typeof hosts)[number]) => {
    const document = latest(host.cluster)
    if (document === undefined || host.away) return
    const told = steeringRules(document).of({ kind: 'agent', id: host.id, names: [host.id], zone: host.zone })
    if (told.hash === host.hash) {
      if (host.state === 'applied') host.generation = told.generation
      return
    }
    Object.assign(host, { hash: told.hash, health: { ...nothing } })
    if (refuses(told.values)) host.state = 'failed'
    else Object.assign(host, { state: 'applied', values: told.values, generation: told.generation })
  }
  const row = (
    { id, zone, away, state, generation, health, cluster, hash }: (typeof hosts)[number],
    document?: SteeringDocument,
  ): SteeredHostAnswer => {
    const told = document && steeringRules(document).of({ kind: 'agent', id, names: [id], zone })
    const isBehind = told !== undefined && told.hash !== hash
    return {
      ...{ id, zone, kind: 'agent', peerId: id, address: '10.0.0.1', generation, health: { ...health } },
      ...{ state: away ? 'away' : isBehind ? 'waiting' : state, seenAtMs: clock.now(), layers: [], label: cluster },
      ...(state === 'failed' && { code: 'SETTING_INVALID' }),
    }
  }
  const heldOf = (name: string): AnswerOf<typeof trackerAdmin.steering> => {
    const document = held.get(name)
    return {
      ...{ term: 0, generation: document?.generation ?? 0, atMs: 0, by: name, tracker: { state: 'applied' } },
      ...(document !== undefined && { document }),
    }
  }
  const client = (cluster: string, name: string): SteeredTrackerClient => {
    const answering =
      <T>(work: () => T) =>
      async (): Promise<T> => {
        if (silent.has(name)) throw appError('PEER_CLOSED')
        return work()
      }
    return {
      id: name,
      admin: {
        steering: answering(() => heldOf(name)),
        async steer({ body }) {
          if (silent.has(name)) throw appError('PEER_CLOSED')
          const now = held.get(name)
          if (now !== undefined && now.manager !== body.manager) throw appError('DENIED')
          if (now !== undefined && now.generation >= body.generation) throw appError('STEERING_STALE')
          if (full.has(name)) throw appError('STORE_FULL')
          held.set(name, body as SteeringDocument)
          return { ...heldOf(name), holds: { at: 1, of: 1, missing: [] } }
        },
        unsteer: answering(() => {
          held.set(name, undefined)
          return { ...heldOf(name), holds: { at: 1, of: 1, missing: [] } }
        }),
        steeringHosts: answering(() => ({
          hosts: hosts
            .filter((host) => host.cluster === cluster && !unknown.has(host.id))
            .map((host) => row(host, held.get(name))),
        })),
      },
    }
  }
  return {
    ...{ hosts, held, silent, full, unknown },
    clusters: () =>
      Object.keys(clusters).map((id) => ({ id, name: id, away: namesOf(id).every((name) => silent.has(name)) })),
    trackers: (cluster) => namesOf(cluster).map((name) => client(cluster, name)),
    hold: (tracker, document) => void held.set(tracker, document),
    live(pulls = 0) {
      for (const host of hosts) {
        take(host)
        for (let i = 0; i < pulls && !host.away; i += 1) {
          const end = pull(host.values, host.id)
          host.health.done += Number(end === 'done')
          host.health.failed += Number(end !== 'done')
          host.health.stalled += Number(end === 'stalled')
        }
      }
    },
  }
}
