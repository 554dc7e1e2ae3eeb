import { type RolloutLook, type SteeringRules, steeringRules } from '../../../lib/api/index.ts'
import { type CompareLimits, type Comparison, type Counts, compare, noCounts, plus, since } from './compare.ts'
import { documentOf, hostTest, type WantedSlot } from './document.ts'
import type { BaseRow, StepBegin } from './rollout-work-store.ts'
import { nobody, reaches, type Share, shareOf } from './share.ts'
import type { ClusterSight, SeenHost } from './sight.ts'
import type { Rollout } from './slot.ts'

/** It takes settings, and answers. */
const isThere = ({ state }: SeenHost): boolean => state !== 'away' && state !== 'unable'

/** It was told what the step wants, and cannot. */
const hasRefused = ({ state, told }: SeenHost, touched: number): boolean => state === 'failed' && told >= touched

const hasApplied = ({ state, generation }: SeenHost, touched: number): boolean =>
  state === 'applied' && generation >= touched

const testsOf = (rollout: Rollout) => {
  const made = new Map<string, ReturnType<typeof hostTest>>()
  return (cluster: string) => {
    const test = made.get(cluster) ?? hostTest(cluster, rollout, { share: rollout.share, rollout: rollout.id })
    made.set(cluster, test)
    return test
  }
}

const scopeHosts = (rollout: Rollout, sights: readonly ClusterSight[]): readonly SeenHost[] => {
  const testOf = testsOf(rollout)
  return sights.flatMap(({ cluster, hosts }) => hosts.filter(testOf(cluster).inScope))
}

const total = (hosts: readonly SeenHost[]): Counts => hosts.reduce((sum, { counts }) => plus(sum, counts), noCounts)

/** What hosts are to have when the version that comes is for this share. */
const withShare = ({ id }: Rollout, slots: readonly WantedSlot[], share: Share): readonly WantedSlot[] =>
  slots.map((slot) => (slot.coming?.rollout === id ? { ...slot, coming: { ...slot.coming, share } } : slot))

/** Whether hosts take other values when the one is followed by the other. */
function changesOf(former: readonly WantedSlot[], next: readonly WantedSlot[]) {
  const rulesOf = (each: readonly WantedSlot[]) => {
    const made = new Map<string, SteeringRules>()
    return (host: SeenHost) => {
      const { cluster } = host
      const rules = made.get(cluster) ?? steeringRules(documentOf(cluster, each, '-') ?? noDocument)
      made.set(cluster, rules)
      return rules.of(host).hash
    }
  }
  const [before, after] = [rulesOf(former), rulesOf(next)]
  return (host: SeenHost): boolean => before(host) !== after(host)
}

const noDocument = { manager: '-', generation: 1, layers: [] }

/**
 * Chooses the hosts of a step, and notes where their counts stand. Undefined as long as there is nobody to choose from.
 * Clusters that are away have no part in it. `slots` are what hosts are to have before.
 */
export function beginOf(
  rollout: Rollout,
  all: readonly ClusterSight[],
  slots: readonly WantedSlot[],
): StepBegin | undefined {
  const { plan, progress, share: former, id } = rollout
  const step = plan.steps[progress.step]
  const sights = all.filter(({ isAway }) => isAway !== true)
  const there = scopeHosts(rollout, sights).filter(isThere)
  if (step === undefined || there.length === 0 || !sights.every(({ isWhole }) => isWhole)) return undefined
  const candidates = there.map(({ cluster, id: host, zone }) => ({ cluster, host, zone }))
  const share = shareOf(step, { hosts: candidates, former, salt: id })
  const testOf = testsOf({ ...rollout, share })
  const changes = changesOf(slots, withShare(rollout, slots, share))
  const hosts = there.map((host): BaseRow => {
    const isMember = testOf(host.cluster).isMember(host)
    // What a host has counted begins at zero when it takes other values, and goes on when other scopes give it the same.
    const base = isMember && changes(host) ? noCounts : host.counts
    return { cluster: host.cluster, host: host.id, isMember, base }
  })
  return { share, hosts, before: total(there) }
}

const keyOf = (cluster: string, host: string): string => JSON.stringify([cluster, host])

/** Worse than the others, or than before: whichever has had enough pulls, or else the better known. */
function compareAll(those: Counts, others: Counts, { before, limits }: { before: Counts; limits: CompareLimits }) {
  const known = [others, before].filter(({ pulls }) => pulls >= limits.minPulls)
  const fallBack = others.pulls >= before.pulls ? others : before
  const results = (known.length > 0 ? known : [fallBack]).map((each) => compare(those, each, limits))
  const order: readonly Comparison[] = ['worse', 'tooFew', 'good']
  return order.find((each) => results.includes(each)) ?? 'good'
}

/** Hosts of a step that nobody knew when it began, and that are there now. */
function lateHosts(rollout: Rollout, sights: readonly ClusterSight[], bases: readonly BaseRow[]): readonly SeenHost[] {
  const known = new Set(bases.map(({ cluster, host }) => keyOf(cluster, host)))
  const testOf = testsOf(rollout)
  return scopeHosts(rollout, sights).filter(
    (host) => isThere(host) && !known.has(keyOf(host.cluster, host.id)) && testOf(host.cluster).isMember(host),
  )
}

/** Hosts that came after the beginning of a step, and have applied it: from now on they are watched like the others. */
export async function joinedBy(
  rollout: Rollout,
  sights: readonly ClusterSight[],
  { bases, wanted }: { readonly bases: readonly BaseRow[]; readonly wanted: () => Promise<readonly WantedSlot[]> },
): Promise<readonly BaseRow[]> {
  if (!rollout.progress.begun) return []
  const come = lateHosts(rollout, sights, bases).filter((host) => hasApplied(host, rollout.touched))
  if (come.length === 0) return []
  const slots = await wanted()
  const changes = changesOf(withShare(rollout, slots, nobody), slots)
  return come.map((host) => ({
    ...{ cluster: host.cluster, host: host.id, isMember: true, hasJoined: true },
    base: changes(host) ? noCounts : host.counts,
  }))
}

/**
 * What is seen of a step that has begun. `bases` are the hosts that were there then, and those that have joined since. Some
 * hosts come all the time: those that have not applied it yet hold up nothing while they are few.
 */
export function lookOf(rollout: Rollout, sights: readonly ClusterSight[], bases: readonly BaseRow[]): RolloutLook {
  const { plan, touched, before = noCounts } = rollout
  const now = new Map(scopeHosts(rollout, sights).map((host) => [keyOf(host.cluster, host.id), host]))
  const members = bases.filter(({ isMember }) => isMember)
  const seenOf = ({ cluster, host }: BaseRow) => now.get(keyOf(cluster, host))
  const thereOf = (row: BaseRow) => {
    const host = seenOf(row)
    return host !== undefined && isThere(host) ? host : undefined
  }
  const there = members.flatMap((row) => thereOf(row) ?? [])
  // Hosts come and go all the time: those that came since may go, too.
  const gone = members.filter((row) => row.hasJoined !== true && thereOf(row) === undefined).length
  const testOf = testsOf(rollout)
  const refused = [...now.values()].filter((host) => testOf(host.cluster).isMember(host) && hasRefused(host, touched))
  const counted = (rows: readonly BaseRow[], counts: (host: SeenHost) => boolean) =>
    rows.reduce((sum, row) => {
      const host = seenOf(row)
      return host !== undefined && counts(host) ? plus(sum, since(row.base, host.counts)) : sum
    }, noCounts)
  const those = counted(members, (host) => hasApplied(host, touched))
  const others = counted(
    bases.filter(({ isMember }) => !isMember),
    () => true,
  )
  const isBehind = (host: SeenHost) => !hasApplied(host, touched) && !hasRefused(host, touched)
  const late = lateHosts(rollout, sights, bases).filter(isBehind).length
  const hosts = there.length + gone
  const many = late > Math.floor((hosts * plan.gonePerHundred) / 100) ? late : 0
  return {
    hosts: hosts + many,
    behind: there.filter(isBehind).length + many,
    ...{ gone, refused: refused.length, those, others },
    comparison: compareAll(those, others, { before, limits: plan }),
    isWhole: areWhole(sights, (cluster) => bases.some((row) => row.cluster === cluster)),
  }
}

/** Whether all clusters were seen that count. */
const areWhole = (sights: readonly ClusterSight[], counts: (cluster: string) => boolean): boolean =>
  sights.every(({ cluster, isWhole }) => isWhole || !counts(cluster))

/** Of a version that is taken back: who still has it. A cluster none of whose hosts were given it need not be seen. */
export function backLook(rollout: Rollout, sights: readonly ClusterSight[]): RolloutLook {
  const { touched } = rollout
  const hosts = scopeHosts(rollout, sights).filter(isThere)
  const refused = hosts.filter((host) => hasRefused(host, touched)).length
  const applied = hosts.filter((host) => hasApplied(host, touched)).length
  return {
    ...{ hosts: hosts.length, behind: hosts.length - applied - refused, gone: 0, refused },
    ...{ those: noCounts, others: noCounts, comparison: 'good' },
    isWhole: areWhole(sights, (cluster) => reaches(rollout.share, cluster)),
  }
}
