import type { Clock, Random } from '../../../lib/base/index.ts'

const RANDOM_BYTES = 8
/** Digits of a time until the year 5188. */
const TIME_DIGITS = 9

/** A new id; later ones are greater. */
export function newId({ clock, random }: { readonly clock: Pick<Clock, 'now'>; readonly random: Random }): string {
  const time = Math.floor(clock.now()).toString(36).padStart(TIME_DIGITS, '0')
  return `${time}-${Buffer.from(random.bytes(RANDOM_BYTES)).toString('hex')}`
}
