import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { newPeerId, parseRepository, swarmIdOf } from '../../../lib/core/index.ts'
import { gatedStore } from '../../kit/gated-store.ts'
import { swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, readAll, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const ref = (blob: { digest: ReturnType<typeof swarmBlob>['digest'] }) => ({
  digest: blob.digest,
  repository: parseRepository('lab'),
})

test('a lonely agent gets each byte once, from the origin as a peer', async () => {
  const blob = swarmBlob(1, 6 * MIB + 5)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  const agent = await lab.agent()
  const got = await lab.run(agent.pull(blob))
  expect(Buffer.compare(got, blob.bytes)).toBe(0)
  expect(agent.received).toEqual({ peer: 0, origin: blob.bytes.length })
  // The agent disconnects when it has everything, so the origin may not have counted the last block.
  expect(origin.sentToPeers).toBeGreaterThanOrEqual(6 * MIB - 256 * 1024)
  expect(origin.sentToPeers).toBeLessThanOrEqual(blob.bytes.length)
  expect(lab.sources.piecesSent).toBe(0)
})

test('three cold agents at limited origins take about one copy from them and exchange the rest', async () => {
  const blob = swarmBlob(1, 48 * MIB)
  await using lab = swarmLab([blob])
  const limit = { uploadBytesPerSecond: 20e6 }
  const origins = [await lab.origin(limit), await lab.origin(limit)]
  const agents = [await lab.agent(), await lab.agent(), await lab.agent()]
  const got = await lab.run(Promise.all(agents.map((agent) => agent.pull(blob))))
  for (const bytes of got) expect(Buffer.compare(bytes, blob.bytes)).toBe(0)
  const copies = origins.reduce((sum, origin) => sum + origin.sentToPeers, 0) / blob.bytes.length
  expect(copies).toBeLessThanOrEqual(1.25)
  for (const agent of agents) expect(agent.sentToPeers / blob.bytes.length).toBeGreaterThanOrEqual(0.1)
  expect(lab.sources.piecesSent).toBe(0)
})

test('ten cold agents at two limited origins take fewer than two copies from them, and nearly nothing in vain', async () => {
  const blob = swarmBlob(1, 32 * MIB)
  await using lab = swarmLab([blob])
  const limit = { uploadBytesPerSecond: 8 * MIB }
  const origins = [await lab.origin(limit), await lab.origin(limit)]
  const agents: LabNode[] = []
  for (let at = 0; at < 10; at += 1) agents.push(await lab.agent(limit))
  const got = await lab.run(Promise.all(agents.map((agent) => agent.pull(blob))))
  for (const bytes of got) expect(Buffer.compare(bytes, blob.bytes)).toBe(0)
  expect(origins.reduce((sum, origin) => sum + origin.sentToPeers, 0) / blob.bytes.length).toBeLessThan(2)
  expect(lab.sources.piecesSent).toBe(0)
  const wastedBy = ({ metrics }: LabNode) =>
    ['repeat', 'late', 'dropped'].map((why) => metrics.value('shoal_swarm_wasted_bytes_total', { why }))
  const wasted = agents.flatMap(wastedBy).reduce((sum, bytes) => sum + bytes, 0)
  expect(wasted / agents.length / blob.bytes.length).toBeLessThan(0.03)
})

test('layers that the node could not dial for yet are not asked for over HTTP', async () => {
  const blobs = [1, 2, 3, 4].map((seed) => swarmBlob(seed, 4 * MIB))
  await using lab = swarmLab(blobs)
  // It takes connections and says nothing, so that an attempt lasts three seconds.
  const silent = { host: '10.0.0.99', port: 7 }
  const listener = await lab.network.host(silent.host).listen(silent, () => undefined)
  const node = { peerId: newPeerId(lab.random), role: 'agent', ...silent } as const
  const said = { event: 'started', leftBytes: 0, wantPeers: 0, reports: [] } as const
  const batch = blobs.slice(0, 1).map((it) => ({ ...ref(it), ...said, swarmId: swarmIdOf(it.digest) }))
  await lab.tracker.announcer.announce(node, batch)
  await lab.origin()
  const agent = await lab.agent({ limits: { maxHalfOpen: 1 } })
  const got = await lab.run(Promise.all(blobs.map((blob) => agent.pull(blob))))
  for (const [at, bytes] of got.entries()) expect(Buffer.compare(bytes, blobs[at]?.bytes ?? Buffer.of())).toBe(0)
  expect(lab.sources.piecesSent).toBe(0)
  await listener.close()
})

test('an agent that comes later gets nearly all from the agent that has it', async () => {
  const blob = swarmBlob(1, 16 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin()
  const first = await lab.agent()
  await lab.run(first.pull(blob))
  const second = await lab.agent()
  await lab.run(second.pull(blob))
  expect(second.received.origin).toBeLessThanOrEqual(2 * MIB)
  expect(second.received.peer + second.received.origin).toBe(blob.bytes.length)
})

test('a client has its first byte while the origin holds back everything behind the first tenth', async () => {
  const blob = swarmBlob(1, 30 * MIB)
  await using lab = swarmLab([blob])
  const gate = gatedStore(3 * MIB)
  await lab.origin({ wrapStore: gate.wrap })
  const agents = [await lab.agent(), await lab.agent()]
  const readFirst = async (agent: (typeof agents)[number]) => {
    const handle = await agent.engine.open(ref(blob))
    const stream = handle.read()
    await once(stream, 'readable')
    return { stream, handle }
  }
  const readers = await lab.run(Promise.all(agents.map(readFirst)))
  gate.openTo(Number.POSITIVE_INFINITY)
  for (const { stream, handle } of readers) {
    expect(Buffer.compare(await lab.run(readAll(stream)), blob.bytes)).toBe(0)
    handle.close()
  }
})

test('an upload limit holds for all peers together', async () => {
  const blob = swarmBlob(1, 10 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin({ uploadBytesPerSecond: 2 * MIB })
  const agents = [await lab.agent(), await lab.agent()]
  const startMs = lab.clock.monotonicMs()
  await lab.run(Promise.all(agents.map((agent) => agent.pull(blob))))
  expect(lab.clock.monotonicMs() - startMs).toBeGreaterThan(4_000)
})

test('a download limit holds', async () => {
  const blob = swarmBlob(1, 10 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin()
  const agent = await lab.agent({ downloadBytesPerSecond: 2 * MIB })
  const startMs = lab.clock.monotonicMs()
  await lab.run(agent.pull(blob))
  const tookMs = lab.clock.monotonicMs() - startMs
  expect(tookMs).toBeGreaterThan(4_000)
  expect(tookMs).toBeLessThan(8_000)
})

test('peers outside of the allowed networks are neither dialled nor let in', async () => {
  const blob = swarmBlob(1, 3 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin({ allowedPeers: ['192.168.0.0/16'] })
  const agent = await lab.agent()
  const careful = await lab.agent({ allowedPeers: ['192.168.0.0/16'] })
  await lab.run(Promise.all([agent.pull(blob), careful.pull(blob)]))
  expect(origin.sentToPeers + agent.sentToPeers).toBe(0)
  expect(lab.sources.piecesSent).toBe(2 * blob.bytes.length)
})
