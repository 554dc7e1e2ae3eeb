import { type CacheLoad, type CachePod, type CacheRule, isDraining, type LeftOut, leftOut } from './cache-pod.ts'
import { choose, type Eligible } from './choose.ts'
import { zoneName } from './names-of.ts'
import type { FoundRecord, Standing } from './plan.ts'

/** A pod and what was found about it. */
export interface Verdict {
  readonly pod: CachePod
  readonly load: CacheLoad | undefined
  /** Why no record names it; undefined: at least one does, or is to. */
  readonly why: LeftOut | undefined
}

/** The names that are kept. */
export interface NamesRule extends CacheRule {
  /** The name of all caches; that of a zone stands below it. */
  readonly base: string
  readonly perZone: boolean
  /** Most addresses of a name. */
  readonly most: number
  /** A cache that may be named becomes a member only when it has been so for so long; milliseconds. */
  readonly settleMs: number
  /** A member makes way for a better cache at most once in so long, for each name; milliseconds. */
  readonly replaceMs: number
}

export interface JudgeInput {
  readonly pods: readonly CachePod[]
  readonly found: readonly FoundRecord[]
  readonly answers: (address: string) => boolean | undefined
  readonly loadOf: (address: string) => CacheLoad | undefined
  /** By the monotonic clock. */
  readonly nowMs: number
}

export interface Judgement {
  readonly verdicts: readonly Verdict[]
  /** Addresses of each name. */
  readonly wanted: ReadonlyMap<string, readonly string[]>
  /** Names where one member makes way for another that is better. */
  readonly replacing: readonly string[]
  readonly standing: (address: string) => Standing
}

/** What the judge remembers between two looks; a new one knows nothing, and does no harm. */
export interface Memory {
  /** Since when caches may be named without a break, by address. */
  readonly sinceMs: Map<string, number>
  /** When a member of a name made way, by name. */
  readonly replacedMs: Map<string, number>
}

export const newMemory = (): Memory => ({ sinceMs: new Map(), replacedMs: new Map() })

/** Which caches each name is to have, and why others are left out. */
export function judge(input: JudgeInput, rule: NamesRule, memory: Memory): Judgement {
  const judged = judgeAll(input, rule)
  const eligible = eligibleOf(judged)
  noteSince(memory, eligible, input.nowMs)
  const isSettled = ({ address }: Eligible) =>
    input.nowMs - (memory.sinceMs.get(address) ?? input.nowMs) >= rule.settleMs
  const wanted = new Map<string, readonly string[]>()
  const replacing: string[] = []
  for (const [name, of] of candidatesByName(eligible, input, rule)) {
    const members = new Set(input.found.filter((record) => record.name === name).map(({ address }) => address))
    const settled = of.filter((cache) => members.has(cache.address) || isSettled(cache))
    const mayReplace = input.nowMs - (memory.replacedMs.get(name) ?? Number.NEGATIVE_INFINITY) >= rule.replaceMs
    // A name without any good member takes what there is.
    const choice = choose(settled.length > 0 ? settled : of, { members, most: rule.most, mayReplace })
    wanted.set(name, choice.addresses)
    if (choice.replaced) replacing.push(name)
  }
  const chosen = new Set([...wanted.values()].flat())
  const settling = new Set(eligible.filter((cache) => !isSettled(cache)).map(({ address }) => address))
  const verdicts = judged.map(({ why, ...rest }) => ({
    ...rest,
    why: why ?? whyNotChosen(rest.pod.address ?? '', { chosen, settling }),
  }))
  return { verdicts, wanted, replacing, standing: standingOf(judged, input) }
}

function whyNotChosen(
  address: string,
  { chosen, settling }: { readonly chosen: ReadonlySet<string>; readonly settling: ReadonlySet<string> },
): LeftOut | undefined {
  if (chosen.has(address)) return undefined
  return settling.has(address) ? 'settling' : 'surplus'
}

function judgeAll({ pods, answers, loadOf }: JudgeInput, rule: NamesRule): readonly Verdict[] {
  return pods.map((pod) => {
    const { address } = pod
    const load = address === undefined ? undefined : loadOf(address)
    const witness = { answers: address === undefined ? undefined : answers(address), load }
    return { pod, load, why: leftOut(pod, witness, rule) }
  })
}

/** Pods of the host's network may share an address: the first stands for all. */
function eligibleOf(judged: readonly Verdict[]): readonly Eligible[] {
  const byAddress = new Map<string, Eligible>()
  for (const { pod, load, why } of judged) {
    const { address, node: host, zone } = pod
    if (why !== undefined || address === undefined || byAddress.has(address)) continue
    byAddress.set(address, { address, host, zone, load: load?.bytesPerSecond })
  }
  return [...byAddress.values()]
}

function noteSince({ sinceMs }: Memory, eligible: readonly Eligible[], nowMs: number): void {
  const now = new Set(eligible.map(({ address }) => address))
  for (const address of sinceMs.keys()) if (!now.has(address)) sinceMs.delete(address)
  for (const address of now) if (!sinceMs.has(address)) sinceMs.set(address, nowMs)
}

/** Who may be in each name. A zone without caches has those of all zones: its name must not be empty. */
function candidatesByName(
  eligible: readonly Eligible[],
  { pods, found }: JudgeInput,
  { base, perZone }: NamesRule,
): ReadonlyMap<string, readonly Eligible[]> {
  if (!perZone) return new Map([[base, eligible]])
  const names = new Map<string, Eligible[]>([[base, [...eligible]]])
  for (const { zone } of pods) if (zone !== undefined) names.set(zoneName(base, zone), [])
  // Also zones that nothing is left of: somebody may still ask for their names.
  for (const { name, own } of found) if (own && name.endsWith(`.${base}`)) names.set(name, [])
  for (const cache of eligible) if (cache.zone !== undefined) names.get(zoneName(base, cache.zone))?.push(cache)
  return new Map([...names].map(([name, own]) => [name, own.length > 0 ? own : eligible]))
}

function standingOf(judged: readonly Verdict[], { answers }: JudgeInput): (address: string) => Standing {
  const byAddress = new Map<string, Standing>()
  for (const { pod, why } of judged) {
    const { address } = pod
    // Of several pods with one address the best one counts.
    if (address === undefined || byAddress.get(address) === 'good') continue
    byAddress.set(address, standing(why, answers(address)))
  }
  return (address) => byAddress.get(address) ?? 'bad'
}

function standing(why: LeftOut | undefined, answers: boolean | undefined): Standing {
  if (why === undefined) return 'good'
  // It must be led away from, but it works.
  if (isDraining(why)) return 'bad'
  if (answers === false) return 'dead'
  return why === 'probe' ? 'unknown' : 'bad'
}
