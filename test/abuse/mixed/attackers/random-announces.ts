import type { Random } from '../../../../lib/base/index.ts'
import { digestOf, peerIdOf, swarmIdOf } from '../../../../lib/core/index.ts'
import type { Attacker } from '../attacker.ts'
import { doorsTo } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const TORRENTS = 300
const SEEDS = 2000

const hex = (random: Random, bytes: number) => Buffer.from(random.bytes(bytes)).toString('hex')

function peer(random: Random) {
  const key = hex(random, 12)
  return { peerId: peerIdOf(key), key, port: 1024 + Math.floor(random.next() * 60_000), role: 'agent' }
}

function torrents(random: Random) {
  return Array.from({ length: TORRENTS }, () => {
    const digest = digestOf(random.bytes(16))
    const asked = { leftBytes: 100, wantPeers: 50, reports: [] }
    return { swarmId: swarmIdOf(digest), digest, repository: 'flood/app', event: 'started', ...asked }
  })
}

const seeds = (random: Random) => ({
  ...{ sequence: 1, remove: '' },
  add: Buffer.concat(Array.from({ length: SEEDS }, () => random.bytes(20))).toString('base64'),
})

/** Announces blobs that nobody has, sometimes without the secret, sometimes as an origin, which it is not. */
export const randomAnnounces: Attacker = {
  name: 'random announces',
  from: 'anywhere',
  attack: (attack, options) =>
    attack.keepOn(
      150,
      async () => {
        const { random, field } = attack
        const authorization = random.next() < 0.8 ? { authorization: bearer(field.secrets.node) } : {}
        const role = random.next() < 0.1 ? { role: 'origin' } : {}
        const what = random.next() < 0.5 ? { torrents: torrents(random) } : { torrents: [], seeds: seeds(random) }
        const body = JSON.stringify({ peer: { ...peer(random), ...role }, ...what })
        const headers = { 'content-type': 'application/json', ...authorization }
        await attack.ask(attack.pick(doorsTo(field, 'tracker', 'http')), 'POST', '/announce', { headers, body })
      },
      options,
    ),
}
