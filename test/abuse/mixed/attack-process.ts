import { setPriority } from 'node:os'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { attackOf } from './attack.ts'
import type { Attacker } from './attacker.ts'
import { attackers } from './attackers/index.ts'
import type { Battlefield } from './battlefield.ts'
import { tallyKeeper } from './tally.ts'

/**
 * All attackers at once in a process of their own, so that honest clients are measured without them. The battlefield
 * comes as JSON in the first argument. Prints a line of JSON with all tallies each second and, after SIGTERM, at the end.
 */
const TELL_MS = 1000
/** Attackers have machines of their own: where these are missing, they take what the services leave of the processors. */
const NICENESS = 10

const clock = systemClock()
const stop = new AbortController()
const { signal } = stop
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => stop.abort())

setPriority(NICENESS)
const field = JSON.parse(process.argv[2] ?? '') as Battlefield
const isMeant = ({ name }: Attacker) => field.only.length === 0 || field.only.includes(name)
const keepers = attackers
  .map((attacker, place) => ({ attacker, place, keeper: tallyKeeper() }))
  .filter(({ attacker }) => isMeant(attacker))
const tell = () => {
  const tallies = Object.fromEntries(keepers.map(({ attacker, keeper }) => [attacker.name, keeper.tally]))
  process.stdout.write(`${JSON.stringify(tallies)}\n`)
}
const all = Promise.all(
  keepers.map(({ attacker, keeper, place }) => {
    const random = seededRandom(field.seed * 1000 + place)
    return attacker.attack(attackOf({ field, attacker, place, random, keeper, signal }), { signal })
  }),
)
const telling = (async () => {
  while (!signal.aborted) {
    tell()
    await clock.sleep(TELL_MS, { signal }).catch(() => undefined)
  }
})()
await Promise.all([all, telling])
tell()
