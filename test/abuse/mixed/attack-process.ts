import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { attackOf } from './attack.ts'
import { attackers } from './attackers/index.ts'
import type { Battlefield } from './battlefield.ts'
import { tallyKeeper } from './tally.ts'

/**
 * All attackers at once in a process of their own, so that honest clients are measured without them. The battlefield
 * comes as JSON in the first argument. Prints a line of JSON with all tallies each second and, after SIGTERM, at the end.
 */
const TELL_MS = 1000

const clock = systemClock()
const stop = new AbortController()
const { signal } = stop
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => stop.abort())

const field = JSON.parse(process.argv[2] ?? '') as Battlefield
const keepers = attackers.map((attacker) => ({ attacker, keeper: tallyKeeper() }))
const tell = () => {
  const tallies = Object.fromEntries(keepers.map(({ attacker, keeper }) => [attacker.name, keeper.tally]))
  process.stdout.write(`${JSON.stringify(tallies)}\n`)
}
const all = Promise.all(
  keepers.map(({ attacker, keeper }, place) => {
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
