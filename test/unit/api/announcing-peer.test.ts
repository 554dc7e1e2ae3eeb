import { expect, test } from '@jest/globals'
import { announcingPeer } from '../../../lib/api/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import { newPeerId } from '../../../lib/core/index.ts'
import { agentSchema } from '../../../services/agent/config.ts'
import { originSchema } from '../../../services/origin/config.ts'

const node = { peerId: newPeerId(seededRandom(1)), port: 6881, role: 'agent' } as const
const member = { members: [{ id: 'm', url: 'http://127.0.0.1:1' }] }

test('a node announces what its config says of its place, and what it could upload', () => {
  const place = { zone: 'a', labels: { rack: 'r1' }, network: 'n', addresses: { far: { host: '10.0.0.1', port: 7 } } }
  expect(announcingPeer({ ...node, spareBytesPerSecond: 7 }, { key: 'k', ...place })).toEqual({
    ...{ ...node, key: 'k', ...place, spareBytesPerSecond: 7 },
  })
  expect(announcingPeer(node, { key: 'k' })).toEqual({ ...node, key: 'k' })
})

test.each([
  ['an agent', agentSchema, { origins: member, trackers: member, buildIndexes: member }],
  ['an origin', originSchema, { origins: member, trackers: member, member: 'm' }],
] as const)('the config of %s takes a zone and labels as trackers do', (_name, schema, rings) => {
  const isTaken = (place: object) => schema.safeParse({ ...rings, ...place }).success
  expect(isTaken({ zone: 'a', labels: { rack: 'r1' } })).toBe(true)
  for (const place of [{ zone: '' }, { zone: 'a'.repeat(256) }, { labels: { rack: 7 } }]) {
    expect(isTaken(place)).toBe(false)
  }
  expect(isTaken({ labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`label ${i}`, 'x'])) })).toBe(false)
})
