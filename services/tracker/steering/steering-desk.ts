import {
  type AskingKind,
  compareSteering,
  type OrderPoll,
  type SteeredHost,
  type SteeringAsked,
  type SteeringReport,
  type SteeringWord,
} from '../../../lib/api/index.ts'
import type { HostFacts } from '../fleet/posts.ts'
import { namesOf } from '../fleet/scope.ts'
import type { HostReports } from './host-reports.ts'
import type { Steering } from './steering.ts'

/** What a host is told; it is news when it has to change something. */
interface Said {
  readonly word: SteeringWord
  readonly isNews: boolean
}

/** Where hosts hear of their settings. */
export interface SteeringDesk {
  /** Takes what an agent tells with its question for orders. */
  heard(host: HostFacts, poll: Pick<OrderPoll, 'shoal' | 'steering'>): void
  /** Undefined when the agent has what it should have, or takes no settings. */
  for(host: HostFacts, poll: Pick<OrderPoll, 'steering'>): Said | undefined
  /** The same of a service that asks for its settings alone, in one. */
  heardService(kind: AskingKind, address: string, asked: SteeringAsked): SteeringWord | undefined
  /** Agents that were not told yet what they should run. */
  behind(): readonly string[]
}

export interface SteeringDeskComponents {
  readonly steering: Pick<Steering, 'held' | 'for'>
  readonly reports: HostReports
}

export const steeredAgent = (host: HostFacts): SteeredHost => ({
  ...{ kind: 'agent', id: host.id, names: namesOf(host), zone: host.zone },
})

export function steeringDesk({ steering, reports }: SteeringDeskComponents): SteeringDesk {
  const wordFor = (host: SteeredHost, told: SteeringReport): Said | undefined => {
    const { version, document } = steering.held
    const order = compareSteering(version, told.version)
    if (order === 0) return undefined
    const { hash, values } = steering.for(host)
    const word = { version, manager: document?.manager ?? '', hash }
    // A host that knows a later document keeps it: this tracker will have it soon.
    const isNews = order > 0 && hash !== told.hash
    return { isNews, word: isNews ? { ...word, values } : word }
  }
  return {
    heard(host, { shoal, steering: report }) {
      const { peerId, address, label } = host
      reports.note({ ...steeredAgent(host), peerId, address, label, shoal, report })
    },
    for: (host, { steering: told }) => (told === undefined ? undefined : wordFor(steeredAgent(host), told)),
    heardService(kind, address, { member: id, peerId, zone, label, shoal, report }) {
      const names = [id, peerId, address, label].filter((name) => name !== undefined)
      const host = { kind, id, names, zone }
      reports.note({ ...host, peerId, address, label, shoal, report })
      return wordFor(host, report)?.word
    },
    behind: () =>
      [...reports.all()].flatMap((host) =>
        host.kind === 'agent' && host.report !== undefined && wordFor(host, host.report)?.isNews === true
          ? [host.id]
          : [],
      ),
  }
}
