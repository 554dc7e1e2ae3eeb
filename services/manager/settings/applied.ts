import type { AnswerOf, BehindHost, SettingsRun, settingCalls } from '../../../lib/api/index.ts'
import type { PageRequest } from '../../../lib/http/index.ts'
import { hostTest } from './document.ts'
import { nobody } from './share.ts'
import type { ClusterSight, SeenHost } from './sight.ts'
import type { Slot } from './slot.ts'

type Applied = AnswerOf<typeof settingCalls.settingsApplied>

/** Codes that an answer tells apart. */
const MAX_CODES = 1000

const hostsOf = (slot: Slot, sights: readonly ClusterSight[]): readonly SeenHost[] =>
  sights.flatMap(({ cluster, hosts }) => hosts.filter(hostTest(cluster, slot, { share: nobody, rollout: '' }).inScope))

const hasApplied = ({ state, generation }: SeenHost, { touched }: Slot): boolean =>
  state === 'applied' && generation >= touched

const codeOf = ({ code, state }: SeenHost): string => code ?? state.toUpperCase()

/** How many hosts have what the slot says for them, and why others do not. */
export function appliedOf(slot: Slot, sights: readonly ClusterSight[]): Applied {
  const hosts = hostsOf(slot, sights)
  const behind = hosts.filter((host) => !hasApplied(host, slot))
  const refused = behind.filter(({ state }) => state === 'failed').length
  const codes = new Map<string, number>()
  for (const host of behind) {
    const code = codeOf(host)
    if (codes.has(code) || codes.size < MAX_CODES) codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  return {
    ...{ hosts: hosts.length, applied: hosts.length - behind.length, behind: behind.length - refused, refused },
    codes: Object.fromEntries(codes),
    away: sights.flatMap(({ cluster, isWhole }) => (isWhole ? [] : [cluster])),
  }
}

const keyOf = ({ cluster, kind, id }: SeenHost): string => `${cluster} ${kind} ${id}`
const byKey = (a: SeenHost, b: SeenHost): number => (keyOf(a) < keyOf(b) ? -1 : 1)

/** What its trackers say of a host. */
export const runOf = (host: SeenHost): SettingsRun => ({
  ...{ host: host.id, state: host.state, generation: host.generation },
  ...(host.peerId !== undefined && { peerId: host.peerId }),
  ...(host.address !== undefined && { address: host.address }),
  ...(host.zone !== undefined && { zone: host.zone }),
  ...(host.code !== undefined && { code: host.code }),
  ...(host.message !== undefined && { message: host.message }),
  seenAtMs: host.seenAtMs,
})

const rowOf = (host: SeenHost): BehindHost => ({ ...runOf(host), cluster: host.cluster })

/** A page of the hosts that do not have what the slot says for them. */
export function behindPage(
  slot: Slot,
  sights: readonly ClusterSight[],
  { count, last = '' }: PageRequest,
): AnswerOf<typeof settingCalls.settingsBehind> {
  const behind = hostsOf(slot, sights).filter((host) => !hasApplied(host, slot) && keyOf(host) > last)
  const page = behind.toSorted(byKey).slice(0, count)
  const end = page.at(-1)
  return { hosts: page.map(rowOf), ...(behind.length > count && end !== undefined && { next: keyOf(end) }) }
}
