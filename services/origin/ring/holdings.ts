import type { ObjectStat } from '../../../lib/backend/index.ts'
import { hasCode, type RetryComponents, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { BlobRef, ByteRange } from '../../../lib/core/index.ts'
import type { ClaimsHeard } from './claims-heard.ts'
import { askPatiently, patienceWith } from './patience.ts'
import type { Holding, Siblings } from './siblings.ts'

/** What one other origin has of a blob. */
export interface Held {
  readonly member: Member
  readonly holding: Holding
}

export interface HoldingsComponents {
  readonly cluster: Cluster
  readonly siblings: Pick<Siblings, 'holding'>
}

export interface AskOptions {
  /** The origin that asks. */
  readonly memberId: string
  readonly signal: AbortSignal | undefined
}

/**
 * Asks all living origins what they have of a blob. An origin that does not answer counts as having nothing.
 * @throws DIGEST_REFUSED when one of them found the backend's content wrong and none has right content; ABORTED
 */
export function askHoldings(
  { cluster, siblings }: HoldingsComponents,
  blob: BlobRef,
  { memberId, signal }: AskOptions,
): Promise<readonly Held[]> {
  const living = cluster.members.filter(({ id }) => id !== memberId && cluster.isHealthy(id))
  const ask = (member: Member) => siblings.holding(member, blob, { signal })
  return answersOf(cluster, living, { ask, signal })
}

export interface ClaimComponents extends HoldingsComponents, RetryComponents {
  readonly claims: ClaimsHeard
}

/**
 * The question of an origin that is about to read the backend, by which the others hear that it is. It goes to all origins, as
 * one whose calls fail may read all the same, and it is asked with `patienceWith`. @throws as `askHoldings`
 */
export function askBeforeRead(
  components: ClaimComponents,
  blob: BlobRef,
  { memberId, signal }: AskOptions,
): Promise<readonly Held[]> {
  const { cluster, siblings, claims } = components
  const ask = async (member: Member) => {
    const hasClaimed = claims.has(blob, member.id)
    const patience = patienceWith({ isHealthy: cluster.isHealthy(member.id), hasClaimed })
    const { withinMs } = patience
    try {
      const once = () => siblings.holding(member, blob, { asker: memberId, withinMs, signal })
      const holding = await askPatiently(components, once, { patience, signal })
      if (holding.claim === 'none') claims.drop(blob, member.id)
      else claims.note(blob, member.id)
      return holding
    } catch (err) {
      throwIfAborted(signal)
      claims.drop(blob, member.id)
      throw err
    }
  }
  const others = cluster.members.filter(({ id }) => id !== memberId)
  return answersOf(cluster, others, { ask, signal })
}

interface Questions {
  readonly ask: (member: Member) => Promise<Holding>
  readonly signal: AbortSignal | undefined
}

async function answersOf(
  cluster: Cluster,
  members: readonly Member[],
  { ask, signal }: Questions,
): Promise<readonly Held[]> {
  const refusals: unknown[] = []
  const answerOf = async (member: Member): Promise<readonly Held[]> => {
    try {
      return [{ member, holding: await ask(member) }]
    } catch (err) {
      throwIfAborted(signal)
      if (hasCode(err, 'DIGEST_REFUSED')) refusals.push(err)
      else reportFailure(cluster, member, err)
      return []
    }
  }
  const held = (await Promise.all(members.map(answerOf))).flat()
  if (refusals.length > 0 && !held.some(({ holding }) => holding.verified)) throw refusals[0]
  return held
}

/**
 * The origin that reads the backend, so that `memberId`, which is about to read it, reads from that origin instead: one
 * that has begun, or the one with the smallest id of those about to begin. So two that ask each other at once agree.
 */
export function readerAmong(held: readonly Held[], memberId: string): Member | undefined {
  const reading = held.find(({ holding }) => holding.claim === 'reading')
  const before = held
    .filter(({ member, holding }) => holding.claim === 'asking' && member.id < memberId)
    .toSorted((a, b) => (a.member.id < b.member.id ? -1 : 1))
  return (reading ?? before[0])?.member
}

/** Part of a gap and the member that gives it; undefined means the backend. */
export interface Portion {
  readonly range: ByteRange
  readonly from: Member | undefined
}

/**
 * The front of a gap: from the origin with the longest range there, or from the backend up to where an origin has
 * bytes.
 */
export function firstPortion(gap: ByteRange, held: readonly Held[]): Portion {
  let end = gap.start
  let from: Member | undefined
  let nextHeld = gap.end
  for (const { member, holding } of held) {
    for (const range of holding.ranges) {
      if (range.start > gap.start) nextHeld = Math.min(nextHeld, range.start)
      else if (range.end > end) {
        end = range.end
        from = member
      }
    }
  }
  return { range: { start: gap.start, end: from === undefined ? nextHeld : Math.min(end, gap.end) }, from }
}

/** How a look for a blob in the backend has ended. */
export type Found = { readonly object: ObjectStat | undefined } | { readonly err: unknown }

/** An origin with the whole blob knows its size even when the backend is silent, or does not have the blob yet. */
export function sizeFrom(found: Found, held: readonly Held[]): number | undefined {
  const whole = held.find(({ holding }) => holding.verified)
  if (whole?.holding.size !== undefined) return whole.holding.size
  if ('err' in found) throw found.err
  return found.object?.size
}
