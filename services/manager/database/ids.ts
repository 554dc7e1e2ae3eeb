import type { Clock, Random } from '../../../lib/base/index.ts'

const RANDOM_BYTES = 8
/** Digits of a time until the year 5188. */
const TIME_DIGITS = 9

const timeText = (atMs: number) => Math.max(0, Math.floor(atMs)).toString(36).padStart(TIME_DIGITS, '0')

/** Not after any id of that time, and after every earlier one. */
export const idAt = (atMs: number): string => timeText(atMs)

/** A new id; later ones are greater. */
export function newId({ clock, random }: { readonly clock: Pick<Clock, 'now'>; readonly random: Random }): string {
  return `${timeText(clock.now())}-${Buffer.from(random.bytes(RANDOM_BYTES)).toString('hex')}`
}
