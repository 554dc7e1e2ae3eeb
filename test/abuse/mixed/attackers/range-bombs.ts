import type { Random } from '../../../../lib/base/index.ts'
import type { Attacker } from '../attacker.ts'
import { pathOf, registries } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const ranges: readonly ((random: Random, size: number) => string)[] = [
  () => `bytes=${Array.from({ length: 1000 }, (_, i) => `${i}-${i}`).join(',')}`,
  (_, size) => `bytes=${Array.from({ length: 60 }, () => `0-${size}`).join(',')}`,
  () => 'bytes=5-1',
  () => 'bytes=99999999999999999999-',
  () => 'bytes=-0',
  (random, size) => `bytes=${Math.floor(random.next() * size)}-`,
  (random, size) => {
    const at = Math.floor(random.next() * size)
    return `bytes=${at}-${at}`
  },
]

/** Ranges of which many make one answer, or each byte a request. */
export const rangeBombs: Attacker = {
  name: 'range bombs',
  from: 'elsewhere',
  attack: (attack, options) =>
    attack.keepOn(
      150,
      async () => {
        const { field, random } = attack
        const blob = attack.pick(field.blobs)
        const headers = { range: attack.pick(ranges)(random, blob.size), authorization: bearer(field.secrets.read) }
        await attack.ask(attack.pick(registries(field)), 'GET', pathOf(blob), { headers })
      },
      options,
    ),
}
