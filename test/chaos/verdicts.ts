import type { PerProcess } from '../abuse/mixed/process-uses.ts'
import { BACK_MIB } from '../abuse/mixed/verdicts.ts'
import { type ChaosResult, opText } from './chaos.ts'
import type { Op } from './clients.ts'
import { isOfTheStore } from './of-the-store.ts'

/** A process at rest may have so many more open files and sockets than before: pools of connections that are kept. */
export const BACK_DESCRIPTORS = 100

/** Ranges with wrong bytes of the store. */
export const wrongOfTheStore = (result: Pick<ChaosResult, 'lied' | 'chaos'>): readonly Op[] =>
  result.chaos.filter((op) => isOfTheStore(op, result.lied))

/** A sentence for each condition that must hold on any machine, and does not. */
export function unmetEnds(result: ChaosResult): readonly string[] {
  return [
    ...result.calm.filter(({ end }) => end !== 'ok').map((op) => `before the chaos: ${opText(op)}`),
    ...result.chaos.filter((op) => op.end === 'wrong' && !isOfTheStore(op, result.lied)).map(opText),
    ...result.chaos.filter(({ end }) => end === 'hung').map(opText),
    ...result.unpulled.map(
      ({ door, what, ended: { end, why } }) => `after the chaos: ${end}: ${what} at ${door}: ${why}`,
    ),
    ...[...result.crashes].map(([id, how]) => `${id} ended: ${how.trim()}`),
  ]
}

/** The same for those that need time. */
export function unmetFigures({ base, rest }: ChaosResult): readonly string[] {
  const grown = (before: PerProcess, after: PerProcess, by: number, unit: string) =>
    Object.entries(after)
      .filter(([id, now]) => now - (before[id] ?? 0) > by)
      .map(([id, now]) => `${id} has ${now.toFixed(0)} ${unit}, and had ${(before[id] ?? 0).toFixed(0)}`)
  return [
    ...grown(base.memory, rest.memory, BACK_MIB, 'MiB'),
    ...grown(base.descriptors, rest.descriptors, BACK_DESCRIPTORS, 'open files'),
  ]
}
