import { peerIdOf } from '../../../../lib/core/index.ts'
import type { Attack, Attacker } from '../attacker.ts'
import { type Door, doorsTo } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** JSON that costs far more than its bytes, by name. */
const bodies: readonly ((random: Attack['random']) => string)[] = [
  (random) => {
    const labels = Object.fromEntries(
      Array.from({ length: Math.floor(random.next() * 140_000) }, (_, i) => [`l${i}`, '']),
    )
    return JSON.stringify({ peer: { peerId: peerIdOf('k'), key: 'k', port: 1, role: 'agent', labels }, torrents: [] })
  },
  (random) => '['.repeat(1 + Math.floor(random.next() * 500_000)),
  (random) => `{"torrents":[${'{},'.repeat(Math.floor(random.next() * 300_000))}{}]}`,
  (random) => `{"a":${'9'.repeat(1 + Math.floor(random.next() * 900_000))}}`,
  () => `{"schemaVersion":2,"layers":[${'1,'.repeat(600_000)}1]}`,
  (random) => Buffer.from(random.bytes(5000)).toString('latin1'),
]

const ways = ({
  field,
}: Attack): readonly { door: Door; method: string; path: string; secret: string; type: string }[] => {
  const { node, push } = field.secrets
  const json = 'application/json'
  return [
    ...doorsTo(field, 'tracker', 'http').map((door) => ({
      door,
      method: 'POST',
      path: '/announce',
      secret: node,
      type: json,
    })),
    ...doorsTo(field, 'proxy', 'registry').map((door) => ({
      ...{ door, method: 'PUT', path: '/v2/heavy/app/manifests/t', secret: push, type: MANIFEST },
    })),
  ]
}

/** JSON with very many values, very deep, or not JSON at all. */
export const heavyJson: Attacker = {
  name: 'heavy JSON',
  from: 'elsewhere',
  attack: (attack, options) =>
    attack.keepOn(
      400,
      async () => {
        const { door, method, path, secret, type } = attack.pick(ways(attack))
        const headers = { authorization: bearer(secret), 'content-type': type }
        await attack.ask(door, method, path, { headers, body: attack.pick(bodies)(attack.random) })
      },
      options,
    ),
}
