import { percentile } from '../../bench/measure.ts'
import { type HonestKind, type HonestOp, honestKinds } from './honest-load.ts'
import type { MixedAttack } from './mixed-attack.ts'
import type { PerProcess } from './process-uses.ts'

/** How much slower honest clients may be under attack: the slowest hundredth of each kind of operation. */
export const MAX_RATIO = 5
/**
 * A process at rest may have so many MiB more than before the attack: what glibc keeps of large memory that was freed
 * (docs/decisions/0023-memory-goes-back.md).
 */
export const BACK_MIB = 120

/** Times of one kind of operation in both phases. */
export interface KindTimes {
  readonly kind: HonestKind
  readonly calm: { readonly count: number; readonly p50: number; readonly p99: number }
  readonly attacked: { readonly count: number; readonly p50: number; readonly p99: number }
  /** Of the slowest hundredths. */
  readonly ratio: number
}

const timesOf = (ops: readonly HonestOp[], kind: HonestKind) => {
  const ms = ops.filter((op) => op.kind === kind).map((op) => op.ms)
  return { count: ms.length, p50: percentile(ms, 50), p99: percentile(ms, 99) }
}

export const kindTimes = ({ calm, attacked }: MixedAttack): readonly KindTimes[] =>
  honestKinds.map((kind) => {
    const both = { calm: timesOf(calm, kind), attacked: timesOf(attacked, kind) }
    return { kind, ...both, ratio: both.attacked.p99 / both.calm.p99 }
  })

/** Whether every process that had memory at the base has about as much again. */
export const isBack = (base: PerProcess, now: PerProcess): boolean => grown(base, now).length === 0

const grown = (base: PerProcess, now: PerProcess) =>
  Object.entries(now).filter(([id, rss]) => rss - (base[id] ?? 0) > BACK_MIB)

/** A sentence for each condition that must hold on any machine, and does not. */
export function unmetEnds(result: MixedAttack): readonly string[] {
  const failed = [...result.calm, ...result.attacked].filter(({ outcome }) => outcome !== 'ok')
  return [
    ...failed.map(({ kind, outcome, repeated }) => `a ${kind} failed: ${[...repeated, outcome].join(', then ')}`),
    ...[...result.crashes].map(([id, how]) => `${id} ended: ${how.trim()}`),
    ...result.unready.map((id) => `${id} is not ready at the end`),
    ...Object.entries(result.tallies).flatMap(([name, { acts }]) => (acts === 0 ? [`${name}: did nothing`] : [])),
  ]
}

/** The same for those that need a quiet machine, and time. */
export function unmetFigures(result: MixedAttack): readonly string[] {
  const { base, rest } = result.memory
  return [
    ...kindTimes(result)
      .filter(({ ratio }) => !(ratio < MAX_RATIO))
      .map(({ kind, ratio }) => `the slowest hundredth of each ${kind} takes ${ratio.toFixed(1)} times as long`),
    ...grown(base, rest).map(([id, rss]) => `${id} has ${rss.toFixed(0)} MiB, and had ${(base[id] ?? 0).toFixed(0)}`),
  ]
}
