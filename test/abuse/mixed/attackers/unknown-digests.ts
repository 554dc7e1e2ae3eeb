import { digestOf } from '../../../../lib/core/index.ts'
import type { Attack, Attacker } from '../attacker.ts'
import { type Door, doorsTo } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

function ways({ field, random }: Attack): readonly { door: Door; path: string; secret: string }[] {
  const digest = digestOf(random.bytes(16))
  const name = `nowhere/app${Math.floor(random.next() * 5)}`
  const inside = `/namespace/${encodeURIComponent(name)}/blobs/${digest}`
  const { read, node } = field.secrets
  return [
    ...doorsTo(field, 'agent', 'registry').map((door) => ({ door, path: `/v2/${name}/blobs/${digest}`, secret: read })),
    ...doorsTo(field, 'agent', 'registry').map((door) => ({ door, path: inside, secret: read })),
    ...doorsTo(field, 'proxy', 'registry').map((door) => ({ door, path: `/v2/${name}/blobs/${digest}`, secret: read })),
    ...doorsTo(field, 'proxy', 'registry').map((door) => ({
      door,
      path: `/v2/${name}/manifests/${digest}`,
      secret: read,
    })),
    ...doorsTo(field, 'tracker', 'http').map((door) => ({ door, path: `${inside}/metainfo`, secret: node })),
    ...doorsTo(field, 'origin', 'http').map((door) => ({ door, path: inside, secret: node })),
  ]
}

/** Asks for blobs and manifests that are nowhere. */
export const unknownDigests: Attacker = {
  name: 'unknown digests',
  from: 'elsewhere',
  async attack(attack, options) {
    const one = () =>
      attack.keepOn(
        100,
        async () => {
          const { door, path, secret } = attack.pick(ways(attack))
          const method = attack.pick(['GET', 'HEAD'])
          await attack.ask(door, method, path, { headers: { authorization: bearer(secret) } })
        },
        options,
      )
    await Promise.all([one(), one(), one()])
  },
}
