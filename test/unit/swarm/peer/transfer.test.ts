import { describe, expect, test } from '@jest/globals'
import { appError, Bitset, codeOf } from '../../../../lib/base/index.ts'
import type { PeerInfo } from '../../../../lib/core/index.ts'
import { swarmLimits } from '../../../../lib/swarm/limits.ts'
import { fetchBlock } from '../../../kit/fetch-block.ts'
import {
  FOREIGN_NAME,
  type HostileScene,
  handshakeBytes,
  hostileScene,
  lyingMessage,
  message,
  uint32,
} from '../../../kit/hostile-peer.ts'
import { peerPair, peerSelf, recorder, serving } from '../../../kit/peer-pair.ts'

const block = { piece: 0, offset: 0, length: 1000 }

/** A victim that the raw side has unchoked; the test answers its requests by hand. */
async function asking(scene: HostileScene) {
  const connection = await scene.shakeHands()
  scene.send(message(1))
  await scene.events.until('unchoke')
  return connection
}
const pieceOf = (scene: HostileScene, offset = 0, length = 1000) =>
  message(7, uint32(0, offset), scene.blob.bytes.subarray(offset, offset + length))

describe('two peers', () => {
  test('learn of each other in the handshakes', async () => {
    await using pair = await peerPair()
    const common = { blockLength: 262_144 }
    expect(pair.left.hello).toMatchObject({
      ...common,
      direction: 'dialled',
      role: 'origin',
      listenPort: 7001,
      zone: 'zone 1 é',
    })
    expect(pair.right.hello).toMatchObject({
      ...common,
      direction: 'accepted',
      role: 'agent',
      listenPort: 7002,
      zone: 'zone 2 é',
    })
  })

  test('tell what they have and give blocks of it', async () => {
    await using pair = await peerPair()
    const { left, right, blob } = pair
    const events = recorder()
    left.attach(events)
    right.attach(serving(() => right, blob))
    right.sendBitfield(Bitset.full(blob.map.count))
    right.sendChoke(false)
    right.sendSuggest(2)
    await events.until('suggest 2')
    expect(events.log).toEqual(['have set', 'unchoke', 'suggest 2'])
    expect(left.remoteHave.complete).toBe(true)
    const into = new Uint8Array(100_000)
    await fetchBlock(left, { piece: 1, offset: 5, length: 100_000 }, into)
    const start = blob.map.pieceLength + 5
    expect(Buffer.compare(into, blob.bytes.subarray(start, start + 100_000))).toBe(0)
    await pair.clock.advance(0)
    expect(left.stats).toEqual({ receivedBytes: 100_000, sentBytes: 0 })
    expect(right.stats).toEqual({ receivedBytes: 0, sentBytes: 100_000 })
    expect(left.openRequests).toBe(0)
  })

  test('say that they are full and who else may have the blob', async () => {
    await using pair = await peerPair()
    const { left, right } = pair
    right.attach(recorder())
    const named = Array.from({ length: swarmLimits.maxNamedPeers + 1 }, (_, at) => ({
      ...{ peerId: peerSelf(at).peerId, host: at === 0 ? '::1' : '10.0.0.9', port: 7000 + at },
      ...{ role: at === 0 ? 'origin' : 'agent', complete: at === 0 },
    })) as readonly PeerInfo[]
    let heard: readonly PeerInfo[] = []
    left.attach({
      ...recorder(),
      onBusy: (peers) => {
        heard = peers
      },
    })
    right.sendBusy(named)
    await pair.clock.advance(10)
    expect(heard).toEqual(named.slice(0, swarmLimits.maxNamedPeers))
  })

  test.each([
    ['everything', [0, 1, 2, 3]],
    ['nothing', []],
    ['some', [1, 3]],
  ])('that have %s say so and tell of the rest later', async (_, pieces) => {
    await using pair = await peerPair()
    const events = recorder()
    pair.left.attach(events)
    pair.right.attach(recorder())
    const have = new Bitset(4)
    for (const piece of pieces) have.add(piece)
    pair.right.sendBitfield(have)
    pair.right.sendInterested(true)
    await events.until('interested')
    expect([...pair.left.remoteHave]).toEqual(pieces)
    pair.right.sendHave(2)
    pair.right.sendInterested(false)
    await events.until('uninterested')
    expect(pair.left.remoteHave.has(2)).toBe(true)
  })

  test('a choked request is refused at once, a rejected one when the rejection comes', async () => {
    await using pair = await peerPair()
    const { left, right } = pair
    const events = recorder()
    left.attach(events)
    right.attach(recorder((asked) => right.sendReject(asked)))
    const into = new Uint8Array(1000)
    await expect(fetchBlock(left, block, into)).rejects.toMatchObject({ code: 'PEER_REJECTED' })
    right.sendChoke(false)
    await events.until('unchoke')
    await expect(fetchBlock(left, block, into)).rejects.toMatchObject({ code: 'PEER_REJECTED' })
  })

  test('choking rejects every open request, and an answer after it is skipped', async () => {
    await using pair = await peerPair()
    const { left, right, blob } = pair
    const [events, asked] = [recorder(), recorder()]
    left.attach(events)
    right.attach(asked)
    right.sendChoke(false)
    await events.until('unchoke')
    const request = fetchBlock(left, block, new Uint8Array(1000))
    const refused = expect(request).rejects.toMatchObject({ code: 'PEER_REJECTED' })
    await asked.until('request 0:0:1000')
    right.sendChoke(true)
    await right.sendBlock(block, blob.bytes.subarray(0, 1000))
    await refused
    expect(right.stats.sentBytes).toBe(0)
    expect(left.openRequests).toBe(0)
  })

  test('more than 64 open requests are refused here before they are refused there', async () => {
    await using pair = await peerPair()
    const { left, right } = pair
    const events = recorder()
    left.attach(events)
    right.attach(recorder())
    right.sendChoke(false)
    await events.until('unchoke')
    const requests = Array.from({ length: 64 }, (_, at) =>
      fetchBlock(left, { ...block, offset: at }, new Uint8Array(1000)),
    )
    await expect(fetchBlock(left, block, new Uint8Array(1000))).rejects.toMatchObject({ code: 'WIRE_QUEUE_FULL' })
    left.close()
    const codes = await Promise.all(requests.map((request) => request.catch(codeOf)))
    expect(new Set(codes)).toEqual(new Set(['PEER_CLOSED']))
  })

  test('closing tells both sides once, never from within the call', async () => {
    await using pair = await peerPair()
    const [mine, theirs] = [recorder(), recorder()]
    pair.left.attach(mine)
    pair.right.attach(theirs)
    await pair.clock.advance(0)
    pair.left.close()
    pair.left.close(appError('UNKNOWN'))
    expect(mine.log).toEqual([])
    expect(await mine.closed).toBeUndefined()
    expect(await theirs.closed).toBe('PEER_CLOSED')
    await pair.clock.advance(0)
    expect(mine.log).toEqual(['close'])
    await expect(fetchBlock(pair.left, block, new Uint8Array(1000))).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await expect(pair.left.sendBlock(block, new Uint8Array(1000))).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    pair.left.sendHave(0)
    pair.left.sendBitfield(new Bitset(4))
    pair.left.sendChoke(false)
    pair.left.sendInterested(true)
    pair.left.sendSuggest(0)
    pair.left.sendReject(block)
  })

  test('a listener that throws closes its own connection and nothing else', async () => {
    await using pair = await peerPair()
    const theirs = recorder()
    pair.right.attach(theirs)
    const closed = new Promise((resolve) => {
      pair.left.attach({
        ...recorder(),
        onInterest: () => {
          throw appError('STORE_FULL')
        },
        onClose: (err) => resolve(err?.code),
      })
    })
    pair.right.sendInterested(true)
    expect(await closed).toBe('STORE_FULL')
    expect(await theirs.closed).toBe('PEER_CLOSED')
  })
})

describe('giving up a request', () => {
  test('sends a cancel, and a block that crosses it is dropped', async () => {
    await using scene = await hostileScene()
    const connection = await asking(scene)
    const controller = new AbortController()
    const into = new Uint8Array(1000)
    const before = scene.received().length
    const request = fetchBlock(connection, block, into, { signal: controller.signal })
    controller.abort()
    await expect(request).rejects.toMatchObject({ code: 'ABORTED' })
    expect(connection.openRequests).toBe(0)
    await scene.settle()
    const sent = scene.received().subarray(before)
    expect(sent).toEqual(Buffer.concat([message(6, uint32(0, 0, 1000)), message(8, uint32(0, 0, 1000))]))
    scene.send(pieceOf(scene), message(4, uint32(0)))
    await scene.events.until('have 0')
    expect(into.every((byte) => byte === 0)).toBe(true)
  })

  test('in the middle of its payload leaves the buffer as it is and the connection in step', async () => {
    await using scene = await hostileScene()
    const connection = await asking(scene)
    const controller = new AbortController()
    const into = new Uint8Array(1000)
    const request = fetchBlock(connection, block, into, { signal: controller.signal })
    const second = new Uint8Array(1000)
    const other = fetchBlock(connection, { ...block, offset: 1000 }, second)
    const bytes = pieceOf(scene)
    scene.send(bytes.subarray(0, 513))
    await scene.settle()
    controller.abort()
    await expect(request).rejects.toMatchObject({ code: 'ABORTED' })
    scene.send(bytes.subarray(513), pieceOf(scene, 1000))
    await other
    expect(Buffer.compare(second, scene.blob.bytes.subarray(1000, 2000))).toBe(0)
    expect(Buffer.compare(into.subarray(0, 500), scene.blob.bytes.subarray(0, 500))).toBe(0)
    expect(into.subarray(500).every((byte) => byte === 0)).toBe(true)
  })

  test('and asking again works, whichever of the two is answered', async () => {
    await using scene = await hostileScene()
    const connection = await asking(scene)
    for (const answers of [
      [message(16, uint32(0, 0, 1000)), pieceOf(scene)],
      [pieceOf(scene), pieceOf(scene)],
      [pieceOf(scene), message(16, uint32(0, 0, 1000))],
    ]) {
      const controller = new AbortController()
      const first = fetchBlock(connection, block, new Uint8Array(1000), { signal: controller.signal })
      controller.abort()
      await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
      const into = new Uint8Array(1000)
      const again = fetchBlock(connection, block, into)
      scene.send(...answers)
      await again
      expect(Buffer.compare(into, scene.blob.bytes.subarray(0, 1000))).toBe(0)
    }
    scene.send(pieceOf(scene))
    expect(await scene.events.closed).toBe('WIRE_UNASKED_PIECE')
  })

  test('more often than a peer answers closes it', async () => {
    await using scene = await hostileScene()
    const connection = await asking(scene)
    for (let at = 0; at <= swarmLimits.maxCancelledRequests; at += 1) {
      const controller = new AbortController()
      const request = fetchBlock(connection, { ...block, offset: at }, new Uint8Array(1000), {
        signal: controller.signal,
      })
      controller.abort()
      await expect(request).rejects.toMatchObject({ code: 'ABORTED' })
    }
    expect(await scene.events.closed).toBe('STALLED')
  })

  test('is answered by a rejection when the block has not left', async () => {
    await using scene = await hostileScene()
    const connection = await scene.shakeHands()
    connection.sendChoke(false)
    scene.send(message(6, uint32(0, 0, 1000)), message(8, uint32(0, 0, 1000)))
    await scene.events.until('cancel 0:0:1000')
    await connection.sendBlock(block, scene.blob.bytes.subarray(0, 1000))
    await scene.settle()
    expect(scene.received().subarray(-17)).toEqual(message(16, uint32(0, 0, 1000)))
  })

  test('before it was sent costs nothing', async () => {
    await using scene = await hostileScene()
    const connection = await asking(scene)
    const before = scene.received().length
    const late = fetchBlock(connection, block, new Uint8Array(1000), { signal: AbortSignal.abort() })
    await expect(late).rejects.toMatchObject({ code: 'ABORTED' })
    await scene.settle()
    expect(scene.received()).toHaveLength(before)
  })
})

describe('a block', () => {
  test('of another length than was asked for is unasked', async () => {
    await using scene = await hostileScene()
    const connection = await asking(scene)
    const refused = expect(fetchBlock(connection, block, new Uint8Array(1000))).rejects.toMatchObject({
      code: 'PEER_CLOSED',
    })
    scene.send(pieceOf(scene, 0, 999))
    expect(await scene.events.closed).toBe('WIRE_UNASKED_PIECE')
    await refused
  })

  test('cut off by the end of the connection is refused', async () => {
    await using scene = await hostileScene()
    const connection = await asking(scene)
    const refused = expect(fetchBlock(connection, block, new Uint8Array(1000))).rejects.toMatchObject({
      code: 'PEER_CLOSED',
    })
    scene.send(lyingMessage(1009, 7, Buffer.concat([uint32(0, 0), new Uint8Array(10)])))
    await scene.settle()
    connection.close()
    await refused
  })

  test('must fit its buffer', async () => {
    await using scene = await hostileScene()
    const connection = await asking(scene)
    await expect(fetchBlock(connection, block, new Uint8Array(999))).rejects.toMatchObject({ code: 'SIZE_INVALID' })
    await expect(connection.sendBlock(block, new Uint8Array(999))).rejects.toMatchObject({ code: 'SIZE_INVALID' })
  })

  test('for a client without BEP 6 is refused by a choke and may still arrive', async () => {
    await using scene = await hostileScene({ foreignPeers: true })
    scene.send(handshakeBytes(FOREIGN_NAME, { reserved: '0000000000000000' }), message(1))
    const connection = await scene.victim
    await scene.events.until('unchoke')
    const into = new Uint8Array(1000)
    const refused = expect(fetchBlock(connection, block, into)).rejects.toMatchObject({ code: 'PEER_REJECTED' })
    scene.send(message(0))
    await refused
    scene.send(pieceOf(scene), message(2))
    await scene.events.until('interested')
    expect(into.every((byte) => byte === 0)).toBe(true)
  })
})
