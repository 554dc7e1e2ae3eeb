import type { Random } from '../../../../lib/base/index.ts'
import type { Attacker } from '../attacker.ts'
import { httpDoors } from '../battlefield.ts'

const guesses: readonly ((random: Random) => string)[] = [
  (random) => `Bearer ${Buffer.from(random.bytes(16)).toString('hex')}`,
  (random) => `Basic ${Buffer.from(random.bytes(24)).toString('base64')}`,
  () => 'Basic Og==',
  () => 'Bearer',
  () => 'Digest x',
  (random) => `Bearer ${'a'.repeat(Math.floor(random.next() * 10_000))}`,
]

const requests = [
  ['GET', '/v2/'],
  ['GET', '/blobs'],
  ['POST', '/drain'],
  ['GET', '/repositories'],
  ['POST', '/announce'],
  ['POST', '/v2/a/blobs/uploads/'],
  ['DELETE', '/v2/team/app0/manifests/latest'],
] as const

/** Guesses secrets. */
export const wrongSecrets: Attacker = {
  name: 'wrong secrets',
  from: 'anywhere',
  attack: (attack, options) =>
    attack.keepOn(
      60,
      async () => {
        const [method, path] = attack.pick(requests)
        const headers = { authorization: attack.pick(guesses)(attack.random) }
        await attack.ask(attack.pick(httpDoors(attack.field)), method, path, { headers })
      },
      options,
    ),
}
