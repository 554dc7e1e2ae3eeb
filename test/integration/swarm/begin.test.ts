import { expect, test } from '@jest/globals'
import { appError, deferred } from '../../../lib/base/index.ts'
import { type PeerInfo, parseRepository } from '../../../lib/core/index.ts'
import type { MetainfoRecord } from '../../../lib/metainfo/index.ts'
import type { ManagedStore } from '../../../lib/store/index.ts'
import { swarmLimits } from '../../../lib/swarm/index.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const ref = (blob: SwarmBlob) => ({ digest: blob.digest, repository: parseRepository('lab') })

const named = (...nodes: readonly LabNode[]): MetainfoRecord => ({
  kind: 'peers',
  intervalMs: 5_000,
  peers: nodes.map(({ peerId, host, engine }): PeerInfo => {
    return { peerId, host, port: engine.address.port, role: 'origin', complete: true }
  }),
})

/** What the tracker heard of downloads. */
const heard = ({ tracker }: SwarmLab) =>
  tracker.entries.filter(({ leftBytes, event }) => leftBytes > 0 || event === 'completed').map(({ event }) => event)

test('a pull begins with one request: who is named with the metainfo is dialled, and no start is announced', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  lab.sources.answerMetainfo(() => [named(origin), ...blob.records])
  const agent = await lab.agent()
  expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
  expect(agent.received.origin).toBe(blob.bytes.length)
  const { peerId, host } = agent
  expect(lab.sources.askers).toEqual([
    {
      node: { peerId, host, port: agent.engine.address.port, role: 'agent' },
      wantPeers: swarmLimits.maxConnectionsPerTorrentSoft,
    },
  ])
  await lab.clock.advance(500)
  expect(heard(lab)).toEqual(['completed'])
})

test('peers that are named before the header are dialled when it comes', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  const later = deferred()
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  lab.sources.answerMetainfo(() => [named(origin), later.promise, ...blob.records])
  const agent = await lab.agent()
  const pulled = agent.pull(blob)
  await lab.clock.advance(900)
  expect(heard(lab)).toEqual([])
  later.resolve()
  await lab.run(pulled)
  expect(agent.received.origin).toBe(blob.bytes.length)
})

test('peers are dialled while the store makes room for the blob', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  lab.sources.answerMetainfo(() => [named(origin), ...blob.records])
  const ready = deferred()
  const wrapStore = (store: ManagedStore) => {
    const open = store.openPartial.bind(store)
    store.openPartial = (...given) => ready.promise.then(() => open(...given))
    return store
  }
  const agent = await lab.agent({ wrapStore })
  const pulled = agent.pull(blob)
  await lab.clock.advance(50)
  expect(agent.metrics.value('shoal_swarm_links')).toBe(1)
  expect(agent.received.origin).toBe(0)
  ready.resolve()
  expect(Buffer.compare(await lab.run(pulled), blob.bytes)).toBe(0)
  expect(agent.received.origin).toBe(blob.bytes.length)
})

test.each([
  ['names nobody', (blob: SwarmBlob) => blob.records],
  ['breaks before it names anybody', () => broken()],
])('a pull whose first answer %s announces its start', async (_, records) => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin()
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  let asked = 0
  lab.sources.answerMetainfo(() => {
    asked += 1
    return asked === 1 ? records(blob) : undefined
  })
  const agent = await lab.agent()
  expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
  await lab.clock.advance(500)
  expect(heard(lab)).toEqual(['started', 'completed'])
  expect(lab.sources.askers).toHaveLength(1)
})

test('a pull whose first request gets no answer announces its start after a while, and goes on with a late answer', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  const later = deferred()
  lab.sources.answerMetainfo(() => [later.promise, named(origin), ...blob.records])
  const agent = await lab.agent()
  const pulled = agent.pull(blob)
  await lab.clock.advance(swarmLimits.announcePatienceMs - 1)
  expect(heard(lab)).toEqual([])
  await lab.clock.advance(200)
  expect(heard(lab)).toEqual(['started'])
  later.resolve()
  expect(Buffer.compare(await lab.run(pulled), blob.bytes)).toBe(0)
})

test('a pull that ends after peers were named says stopped', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  let asked = 0
  lab.sources.answerMetainfo(() => {
    asked += 1
    if (asked > 1) throw appError('BLOB_UNKNOWN')
    return [named(origin)]
  })
  const agent = await lab.agent()
  await expect(lab.run(agent.engine.open(ref(blob)))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  await lab.clock.advance(100)
  expect(heard(lab)).toEqual(['stopped'])
})

function broken(): never {
  throw appError('PEER_CLOSED')
}
