import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { pieceLengthFor, swarmIdOf } from '../../../../lib/core/index.ts'
import { swarmLimits } from '../../../../lib/swarm/limits.ts'
import { acceptPeers, dialPeer, memoryNetwork } from '../../../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { fetchBlock } from '../../../kit/fetch-block.ts'
import {
  extendedBytes,
  FOREIGN_NAME,
  handshakeBytes,
  hostileScene,
  lyingMessage,
  message,
  uint32,
} from '../../../kit/hostile-peer.ts'
import { blobFixture } from '../../../kit/metainfo-fixture.ts'
import { peerSelf } from '../../../kit/peer-pair.ts'

describe('an incoming connection', () => {
  test('that says nothing is closed after five seconds', async () => {
    await using scene = await hostileScene()
    await scene.clock.advance(swarmLimits.handshakeTimeoutMs)
    expect(await scene.outcome()).toBe('closed')
  })

  test('that drips its handshake is closed after five seconds', async () => {
    await using scene = await hostileScene()
    const bytes = handshakeBytes(scene.swarmId)
    for (let second = 0; second < 5; second += 1) {
      scene.send(bytes.subarray(second * 10, second * 10 + 10))
      await scene.clock.advance(1000)
    }
    expect(await scene.outcome()).toBe('closed')
  })

  test('that speaks another protocol is closed at its first byte', async () => {
    await using scene = await hostileScene()
    scene.send(Buffer.from('G'))
    expect(await scene.outcome()).toBe('closed')
    expect(scene.received()).toHaveLength(0)
  })

  test.each([
    ['names a swarm nobody knows', { swarmId: 'f'.repeat(40) }],
    ['comes from ourselves', { peerId: peerSelf(1).peerId }],
    ['knows neither BEP 6 nor BEP 10', { reserved: '0000000000000000' }],
    ['does not know BEP 6', { reserved: '0000000000100000' }],
  ])('whose handshake %s is closed', async (_, overrides) => {
    await using scene = await hostileScene()
    scene.send(handshakeBytes(scene.swarmId, overrides))
    expect(await scene.outcome()).toBe('closed')
  })

  test('that never sends the extension handshake is closed after five seconds', async () => {
    await using scene = await hostileScene()
    scene.send(handshakeBytes(scene.swarmId))
    await scene.settle()
    expect(scene.received().length).toBeGreaterThan(68)
    await scene.clock.advance(swarmLimits.handshakeTimeoutMs)
    expect(await scene.outcome()).toBe('closed')
  })

  test('too many at once closes the one that is silent for the longest time, of the address with the most', async () => {
    await using scene = await hostileScene()
    const acceptor = acceptPeers(
      { clock: scene.clock, logger: silentLogger() },
      { self: peerSelf(1), admit: async () => undefined, onPeer: () => undefined },
    )
    const network = memoryNetwork()
    const address = { host: '10.0.0.1', port: 1 }
    await network.host('10.0.0.1').listen(address, acceptor.accept)
    const closed: number[] = []
    for (let at = 0; at <= swarmLimits.maxPendingHandshakes; at += 1) {
      const channel = await network.host('10.0.0.2').dial(address)
      channel.read({ onBytes: () => undefined, onClose: () => closed.push(at) })
    }
    await scene.settle()
    expect(closed).toEqual([0])
    const other = await network.host('10.0.0.3').dial(address)
    other.read({ onBytes: () => undefined, onClose: () => closed.push(-1) })
    await network.host('10.0.0.2').dial(address)
    await scene.settle()
    expect(closed).toEqual([0, 1, 2])
    await acceptor.stop()
    await scene.settle()
    expect(closed).toContain(-1)
  })

  test('beyond what the node may have is closed unread', async () => {
    await using scene = await hostileScene()
    let room = 2
    const acceptor = acceptPeers(
      { clock: scene.clock, logger: silentLogger() },
      { self: peerSelf(1), admit: async () => undefined, onPeer: () => undefined, room: () => room },
    )
    const network = memoryNetwork()
    const address = { host: '10.0.0.1', port: 1 }
    await network.host('10.0.0.1').listen(address, acceptor.accept)
    const closed: string[] = []
    for (const name of ['first', 'second', 'third', 'fourth']) {
      const channel = await network.host('10.0.0.2').dial(address)
      channel.read({ onBytes: () => undefined, onClose: () => closed.push(name) })
      if (name === 'third') room = 3
    }
    await scene.settle()
    const unread = [...closed]
    await acceptor.stop()
    expect(unread).toEqual(['third'])
  })

  test('of a client without our extension is welcome when foreign peers are', async () => {
    await using scene = await hostileScene({ foreignPeers: true })
    scene.send(handshakeBytes(FOREIGN_NAME, { reserved: '0000000000000000' }))
    const connection = await scene.victim
    expect(connection.hello).toMatchObject({ role: 'agent', blockLength: 16 * 1024, listenPort: undefined })
    scene.send(message(5, Buffer.from([0x90])), message(1))
    await scene.events.until('unchoke')
    expect([...connection.remoteHave]).toEqual([0, 3])
  })
})

describe('a dialled host', () => {
  test.each([
    ['means another swarm', { swarmId: 'f'.repeat(40) }],
    ['is ourselves', { peerId: peerSelf(2).peerId }],
  ])('that %s is refused', async (_, overrides) => {
    const clock = fakeClock()
    const blob = blobFixture(70_000)
    const swarmId = swarmIdOf(blob.header.digest)
    const network = memoryNetwork()
    const address = { host: '10.0.0.1', port: 1 }
    await network.host('10.0.0.1').listen(address, (channel) => {
      channel.write(handshakeBytes(swarmId, overrides))
      channel.write(extendedBytes(blob.header))
    })
    const dialling = dialPeer(
      { clock, logger: silentLogger(), transport: network.host('10.0.0.2') },
      { address, swarmId, header: blob.header, self: peerSelf(2) },
    )
    await expect(dialling).rejects.toMatchObject({ code: 'WIRE_HANDSHAKE_FAILED' })
    expect(clock.pending).toBe(0)
  })
})

describe('a client without BEP 6 that sends', () => {
  test.each([
    ['have-all', message(14)],
    ['have-none', message(15)],
    ['a suggestion', message(13, uint32(0))],
    ['allowed-fast', message(17, uint32(0))],
  ])('%s is closed', async (_, bytes) => {
    await using scene = await hostileScene({ foreignPeers: true })
    scene.send(handshakeBytes(FOREIGN_NAME, { reserved: '0000000000000000' }))
    await scene.victim
    scene.send(bytes)
    expect(await scene.outcome()).toBe('WIRE_FRAME_INVALID')
  })
})

describe('a peer after the handshakes', () => {
  test('that drips the head of a message is closed', async () => {
    await using scene = await hostileScene()
    await scene.shakeHands()
    for (const byte of uint32(5)) {
      scene.send(Buffer.from([byte]))
      await scene.clock.advance(4000)
    }
    expect(await scene.outcome()).toBe('STALLED')
  })

  test('that drips the payload of a piece is closed', async () => {
    await using scene = await hostileScene()
    const connection = await scene.shakeHands()
    scene.send(message(1))
    await scene.events.until('unchoke')
    const answer = fetchBlock(connection, { piece: 0, offset: 0, length: 1000 }, new Uint8Array(1000))
    const refused = expect(answer).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    scene.send(lyingMessage(1009, 7, uint32(0, 0)))
    for (let second = 0; second < 66; second += 3) {
      scene.send(new Uint8Array(1))
      await scene.clock.advance(3000)
    }
    expect(await scene.outcome()).toBe('STALLED')
    await refused
  })

  test('that falls silent is closed, and is told meanwhile that we are there', async () => {
    await using scene = await hostileScene()
    await scene.shakeHands()
    const before = scene.received().length
    await scene.clock.advance(70_000)
    expect(scene.received().subarray(before)).toEqual(Buffer.alloc(4))
    await scene.clock.advance(90_000)
    expect(await scene.outcome()).toBe('STALLED')
  })

  test('that reads nothing holds back blocks and is closed in the end', async () => {
    await using scene = await hostileScene({ blob: blobFixture(4 * pieceLengthFor(0)) })
    const connection = await scene.shakeHands()
    connection.sendChoke(false)
    await scene.settle()
    scene.stopReading()
    const block = (at: number) => ({ piece: Math.floor(at / 4), offset: (at % 4) * 65_536, length: 65_536 })
    scene.send(...Array.from({ length: 16 }, (_, at) => message(6, uint32(block(at).piece, block(at).offset, 65_536))))
    await scene.events.until('request 3:196608:65536')
    let settled = 0
    const answers = Array.from({ length: 16 }, (_, at) =>
      connection.sendBlock(block(at), scene.blob.bytes.subarray(at * 65_536, (at + 1) * 65_536)).then(
        () => (settled += 1),
        () => undefined,
      ),
    )
    await scene.settle()
    expect(settled).toBeLessThan(8)
    for (let step = 0; step < 10; step += 1) {
      scene.send(new Uint8Array(4))
      await scene.clock.advance(5000)
    }
    expect(await scene.outcome()).toBe('STALLED')
    await Promise.all(answers)
  })

  test('that asks and cancels but reads no rejection is closed before memory grows', async () => {
    await using scene = await hostileScene()
    const connection = await scene.shakeHands()
    connection.sendChoke(false)
    await scene.settle()
    scene.stopReading()
    const turn = Buffer.concat([message(6, uint32(0, 0, 16)), message(8, uint32(0, 0, 16))])
    const turns = Buffer.concat(Array.from({ length: 2000 }, () => turn))
    for (let round = 0; round < 200 && !scene.events.log.includes('close'); round += 1) {
      scene.send(turns)
      await scene.settle()
    }
    expect(await scene.outcome()).toBe('WIRE_QUEUE_FULL')
  })

  test('whose messages come before anybody listens has them told in order', async () => {
    await using scene = await hostileScene({ attach: false })
    scene.send(
      handshakeBytes(scene.swarmId),
      Buffer.concat([
        extendedBytes(scene.blob.header),
        message(5, Buffer.from([0x80])),
        message(2),
        message(6, uint32(1, 0, 16)),
        message(1),
        message(6, uint32(2, 0, 16)),
        message(8, uint32(2, 0, 16)),
        message(4, uint32(3)),
        message(13, uint32(2)),
      ]),
    )
    const connection = await scene.victim
    connection.sendChoke(false)
    connection.attach(scene.events)
    expect(scene.events.log).toEqual([])
    await scene.events.until('suggest 2')
    expect(scene.events.log).toEqual(['have set', 'interested', 'unchoke', 'have 3', 'suggest 2'])
    scene.send(message(6, uint32(1, 0, 16)), message(3), message(8, uint32(1, 0, 16)), message(0))
    await scene.events.until('choke')
    expect(scene.events.log.slice(5)).toEqual(['request 1:0:16', 'uninterested', 'cancel 1:0:16', 'choke'])
  })
})
