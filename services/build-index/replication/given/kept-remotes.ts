import {
  type GivenRemote,
  type GivenRemoteSet,
  type GivenRule,
  type Giver,
  givenRemoteSetSchema,
  givenRemotesHash,
  type HeldSet,
  nothingHeld,
  parseBody,
  whyNotGiven,
} from '../../../../lib/api/index.ts'
import { appError } from '../../../../lib/base/index.ts'

/** Names of remotes that were given once, and are remembered; of more, those that ended longest ago are forgotten. */
const MAX_GONE = 64

/** A set, and since which revision each of its rules is there without a pause, in the order of the rules. */
export interface GivenSet {
  readonly by: Giver
  readonly set: GivenRemoteSet
  readonly since: readonly (readonly number[])[]
}

/** What a cluster keeps of the remotes that it is given. */
export interface KeptRemotes {
  /** Greater after each change. */
  readonly revision: number
  readonly given: GivenSet | undefined
  /** The names that were given and are not any more, and the revision that ended them. */
  readonly gone: Readonly<Record<string, number>>
}

export const nothingKept: KeptRemotes = { revision: 0, given: undefined, gone: {} }

export const heldOf = ({ given }: KeptRemotes): HeldSet => {
  if (given === undefined) return nothingHeld
  const { by, set } = given
  const { manager, generation, remotes } = set
  return { by, manager, generation, hash: givenRemotesHash(remotes), count: remotes.length }
}

/** @throws REMOTES_HELD, REMOTES_STALE when that one may not give this now */
export function assertMayGive({ given }: KeptRemotes, by: Giver, set: GivenRemoteSet): void {
  const why = whyNotGiven(given, by, set)
  if (given === undefined || why === undefined) return
  const { manager, generation } = given.set
  throw appError(why === 'held' ? 'REMOTES_HELD' : 'REMOTES_STALE', { detail: { manager, generation } })
}

/**
 * What is kept after a set was given, or all were let go of. A rule that goes on as it was, to the same place, keeps the
 * revision since which it is there; any other rule has that of this change. So a rule that was away has another one,
 * also for who has not seen that it was away.
 */
export function afterChange(
  before: KeptRemotes,
  given: Pick<GivenSet, 'by' | 'set'> | undefined,
  nowMs: number,
): KeptRemotes {
  // The time makes it greater also when the record of before is lost.
  const revision = Math.max(before.revision + 1, Math.floor(nowMs))
  const names = new Set(given?.set.remotes.map(({ name }) => name))
  const ended = (before.given?.set.remotes ?? []).map(({ name }) => [name, revision] as const)
  const gone = Object.entries({ ...before.gone, ...Object.fromEntries(ended) })
    .filter(([name]) => !names.has(name))
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, MAX_GONE)
  const since = given?.set.remotes.map((remote) =>
    remote.rules.map((rule) => sinceOf(before.given, remote, rule) ?? revision),
  )
  return {
    revision,
    given: given && { by: given.by, set: given.set, since: since ?? [] },
    gone: Object.fromEntries(gone),
  }
}

/** Since when there is the same rule of the same remote; undefined when there is none. */
function sinceOf(given: GivenSet | undefined, remote: GivenRemote, rule: GivenRule): number | undefined {
  const at = given?.set.remotes.findIndex(({ name }) => name === remote.name) ?? -1
  const old = given?.set.remotes[at]
  if (old === undefined || placeOf(old) !== placeOf(remote)) return undefined
  const which = old.rules.findIndex(({ repository, tag }) => repository === rule.repository && tag === rule.tag)
  return given?.since[at]?.[which]
}

const placeOf = ({ urls, signatures }: GivenRemote) => JSON.stringify([urls.toSorted(), signatures])

/** Reads what is kept. @throws any error when it is malformed */
export function parseKept(value: unknown): KeptRemotes {
  const { revision, given, gone } = value as Record<keyof KeptRemotes, unknown>
  return {
    revision: wholeNumber(revision),
    given: given === undefined ? undefined : parseGiven(given),
    gone: Object.fromEntries(Object.entries(gone as object).map(([name, at]) => [name, wholeNumber(at)])),
  }
}

function parseGiven(value: unknown): GivenSet {
  const { by, set, since } = value as Record<keyof GivenSet, unknown>
  if (by !== 'admin' && by !== 'manager') throw new Error('by')
  const parsed = parseBody(givenRemoteSetSchema, set)
  const stamps = since as readonly (readonly unknown[])[]
  return {
    by,
    set: parsed,
    since: parsed.remotes.map(({ rules }, at) => rules.map((_, which) => wholeNumber(stamps[at]?.[which]))),
  }
}

function wholeNumber(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error('a whole number is missing')
}
