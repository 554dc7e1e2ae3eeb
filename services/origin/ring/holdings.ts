import type { ObjectStat } from '../../../lib/backend/index.ts'
import { hasCode, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { BlobRef, ByteRange } from '../../../lib/core/index.ts'
import type { Holding, Siblings } from './siblings.ts'

/** What one other origin has of a blob. */
export interface Held {
  readonly member: Member
  readonly holding: Holding
}

export interface HoldingsComponents {
  readonly cluster: Cluster
  readonly siblings: Siblings
}

export interface AskOptions {
  /** The origin that asks. */
  readonly memberId: string
  /** The asking origin is about to read the backend. */
  readonly claims: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Asks all living origins what they have of a blob. An origin that does not answer counts as having nothing.
 * @throws DIGEST_REFUSED when one of them found the backend's content wrong and none has right content; ABORTED
 */
export async function askHoldings(
  { cluster, siblings }: HoldingsComponents,
  blob: BlobRef,
  { memberId, claims, signal }: AskOptions,
): Promise<readonly Held[]> {
  const others = cluster.members.filter(({ id }) => id !== memberId && cluster.isHealthy(id))
  const refusals: unknown[] = []
  const ask = async (member: Member): Promise<readonly Held[]> => {
    try {
      const holding = await siblings.holding(member, blob, { signal, ...(claims && { asker: memberId }) })
      return [{ member, holding }]
    } catch (err) {
      throwIfAborted(signal)
      if (hasCode(err, 'DIGEST_REFUSED')) refusals.push(err)
      else reportFailure(cluster, member, err)
      return []
    }
  }
  const held = (await Promise.all(others.map(ask))).flat()
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
