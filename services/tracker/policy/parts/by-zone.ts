import { type Random, shuffled } from '../../../../lib/base/index.ts'
import type { Asker, Candidate, Place } from '../peer-order.ts'

/** Peers of other zones that an answer names at most, and how many of them are origins, which may be full. */
export const MOST_FAR = 4
const FAR_ORIGINS = 2

/** 3: the same machine, 2: the same rack, 1: the same zone, 0: another zone. */
export function nearness(a: Place, b: Place): 0 | 1 | 2 | 3 {
  if ((a.zone ?? '') !== (b.zone ?? '')) return 0
  const isSame = (label: string) => a.labels?.[label] !== undefined && a.labels[label] === b.labels?.[label]
  if (isSame('host')) return 3
  return isSame('rack') ? 2 : 1
}

/**
 * Orders the peers of the asker's own zone with `order`. A zone where somebody has the whole blob needs no other zone. In
 * one where nobody has it, or those who say so give nothing, an asker that crosses is named a few peers of other zones in front of all others; the others
 * only when they have nobody else: so about one copy of the blob comes into each zone, and the zone gives it to itself.
 * Of the far ones those with the whole blob come first, and of these origins: they take nothing back over the border.
 */
export function nearFirst(
  asker: Asker,
  others: readonly Candidate[],
  { random, order }: { readonly random: Random; readonly order: (near: readonly Candidate[]) => readonly Candidate[] },
): readonly Candidate[] {
  const near = others.filter((peer) => nearness(asker, peer) > 0)
  const ordered = order(near)
  const isServed = asker.doubtsZone !== true && near.some(({ complete }) => complete)
  if (near.length > 0 && (asker.crosses !== true || isServed)) return ordered
  const far = shuffled(
    others.filter((peer) => nearness(asker, peer) === 0 && !(asker.complete && peer.complete)),
    random,
  )
  const best = far.toSorted((a, b) => worth(b) - worth(a))
  const origins = best.filter(({ role }) => role === 'origin').slice(0, FAR_ORIGINS)
  const chosen = [...origins, ...best.filter(({ role }) => role === 'agent')].slice(0, MOST_FAR)
  return [...chosen, ...ordered]
}

function worth({ complete, role, have = 0 }: Candidate): number {
  if (!complete) return have
  return role === 'origin' ? 3 : 2
}
