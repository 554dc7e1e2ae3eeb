import { describe, expect, test } from '@jest/globals'
import type { Announcer } from '../../lib/swarm/index.ts'
import { swarmLimits } from '../../lib/swarm/limits.ts'
import {
  extendedBytes,
  FOREIGN_NAME,
  type HostileScene,
  handshakeBytes,
  hostileScene,
  message,
  messagesIn,
  uint32,
} from '../kit/hostile-peer.ts'
import { proverOf } from '../kit/secrets.ts'
import { stockPeer, stockSeeder } from '../kit/stock-seeder.ts'
import { swarmBlob } from '../kit/swarm-blob.ts'
import { labTracker, swarmLab } from '../kit/swarm-lab.ts'

/** Somebody speaks as a stock BitTorrent client, by the info-hash of a torrent, and more or less than that. */

const REQUEST = 6
const blocks = (count: number, length: number) =>
  Array.from({ length: count }, (_, i) => message(REQUEST, uint32(0, (i % 16) * 16 * 1024, length)))

/** Both handshakes of a client of BEP 10 with these further fields. */
async function enter(scene: HostileScene, shoal: object = {}): Promise<void> {
  scene.send(handshakeBytes(FOREIGN_NAME), extendedBytes(scene.blob.header, shoal))
  await scene.victim
  await scene.settle()
}

describe('a stock client', () => {
  test('is refused where it is not let in, and where members prove themselves', async () => {
    for (const init of [{}, { foreignPeers: true, prover: proverOf('the secret of the cluster') }]) {
      await using scene = await hostileScene(init)
      scene.send(handshakeBytes(FOREIGN_NAME, { reserved: '0000000000000000' }))
      expect(await scene.outcome()).toBe('closed')
      expect([scene.refused, scene.received()]).toEqual(['WIRE_HANDSHAKE_FAILED', Buffer.alloc(0)])
    }
  })

  test('is refused by a name that no tracker knows, and by the swarm id', async () => {
    for (const name of ['e0'.repeat(20), undefined]) {
      await using scene = await hostileScene({ foreignPeers: true })
      scene.send(handshakeBytes(name ?? scene.swarmId, { reserved: '0000000000000000' }))
      expect(await scene.outcome()).toBe('closed')
      expect(scene.refused).toBe('WIRE_HANDSHAKE_FAILED')
    }
  })

  test('gets nothing of ours, and is taken for nothing else, whatever it says of itself', async () => {
    await using scene = await hostileScene({ foreignPeers: true, shared: [] })
    await enter(scene, { role: 'origin', lanes: 1, haves: 1, zone: 'ours', block: 262_144 })
    const connection = await scene.victim
    const { foreign, role, zone, blockLength } = connection.hello
    expect({ foreign, role, zone, blockLength }).toEqual({
      ...{ foreign: true, role: 'agent', zone: undefined, blockLength: swarmLimits.foreignBlockLength },
    })
    connection.sendBusy([])
    connection.sendHave(1)
    connection.sendHave(2)
    await scene.clock.advance(swarmLimits.originHaveEveryMs)
    const [hello = Buffer.alloc(0), ...rest] = messagesIn(scene.received())
    expect([hello[0], hello[1], hello.includes('shoal'), hello.includes(scene.blob.header.digest)]).toEqual([
      20,
      0,
      true,
      false,
    ])
    expect(rest.map((one) => one.toString('hex'))).toEqual(['0400000001', '0400000002'])
  })

  test('names nobody, opens no other swarm and tells nothing by messages of ours', async () => {
    await using scene = await hostileScene({ foreignPeers: true, shared: [] })
    await enter(scene)
    for (const id of [1, 2, 3, 4, 5]) scene.send(message(20, Buffer.from([id]), Buffer.from('d5:peersle')))
    await scene.settle()
    expect(await scene.outcome()).toBe('open')
    expect([scene.events.log, scene.lanes]).toEqual([[], []])
  })

  test('may tell anew what it has, but not all the time', async () => {
    await using scene = await hostileScene({ foreignPeers: true })
    await enter(scene)
    const connection = await scene.victim
    for (const bits of [0x80, 0xc0, 0xf0]) {
      scene.send(message(5, Buffer.from([bits])), message(2))
      await scene.settle()
    }
    expect([...connection.remoteHave]).toEqual([0, 1, 2, 3])
    for (let i = 0; i <= swarmLimits.maxIdleMessages; i += 1) scene.send(message(5, Buffer.from([0xf0])))
    expect(await scene.outcome()).toBe('WIRE_FRAME_INVALID')
  })

  test.each([
    ['asks for long blocks', 'WIRE_FRAME_INVALID', blocks(1, 32 * 1024)],
    ['asks for more than it takes', 'WIRE_QUEUE_FULL', blocks(swarmLimits.maxForeignRequests + 1, 16 * 1024)],
  ])('that %s is closed', async (_, code, requests) => {
    await using scene = await hostileScene({ foreignPeers: true })
    await enter(scene)
    ;(await scene.victim).sendChoke(false)
    scene.send(...requests)
    expect(await scene.outcome()).toBe(code)
  })

  test('that asks for as much as it may is served', async () => {
    await using scene = await hostileScene({ foreignPeers: true })
    await enter(scene)
    ;(await scene.victim).sendChoke(false)
    scene.send(...blocks(swarmLimits.maxForeignRequests, 16 * 1024))
    expect(await scene.outcome()).toBe('open')
    expect(scene.events.log).toHaveLength(swarmLimits.maxForeignRequests)
  })
})

describe('an agent that pulls from a stock client', () => {
  const blob = swarmBlob(7, 2_000_000)

  /** A tracker that names the stock client to everybody, besides the others. */
  const namingIt = (): Announcer => {
    const { announcer } = labTracker()
    return {
      ...announcer,
      announce: async (...asked) =>
        (await announcer.announce(...asked)).map((answer) => ({ ...answer, peers: [stockPeer, ...answer.peers] })),
    }
  }
  const foreign = { swarmOf: async () => undefined }

  test('gets the whole blob from it when there is nobody else, by the name that the client knows', async () => {
    await using lab = swarmLab([blob], 1, namingIt)
    await using seeder = await stockSeeder(lab.network, blob)
    const agent = await lab.agent({ foreign })
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    expect(Buffer.from(await lab.run(agent.pull(blob))).equals(Buffer.from(blob.bytes))).toBe(true)
    expect(agent.received).toEqual({ peer: blob.bytes.length, origin: 0 })
    expect(seeder.greeted[0]?.toString('hex', 28, 48)).toBe(FOREIGN_NAME)
  })

  test('takes nothing wrong from it, bans it and goes on elsewhere', async () => {
    await using lab = swarmLab([blob], 1, namingIt)
    await using liar = await stockSeeder(lab.network, blob, (block) => block.map((byte) => byte ^ 1))
    const agent = await lab.agent({ foreign })
    expect(Buffer.from(await lab.run(agent.pull(blob))).equals(Buffer.from(blob.bytes))).toBe(true)
    expect([agent.metrics.value('shoal_swarm_bans_total'), liar.greeted.length > 0]).toEqual([1, true])
  })

  test('does not dial it where stock clients are not let in', async () => {
    await using lab = swarmLab([blob], 1, namingIt)
    await using seeder = await stockSeeder(lab.network, blob)
    const agent = await lab.agent()
    await lab.run(agent.pull(blob))
    expect([seeder.greeted, agent.received.peer]).toEqual([[], 0])
  })
})
