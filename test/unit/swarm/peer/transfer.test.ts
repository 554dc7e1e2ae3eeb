import { describe, expect, test } from '@jest/globals'
import { Bitset } from '../../../../lib/base/index.ts'
import { peerPair, recorder, serving } from '../../../kit/peer-pair.ts'

describe('two peers over memory', () => {
  test('learn of each other in the handshakes', async () => {
    await using pair = await peerPair()
    expect(pair.left.hello).toMatchObject({
      direction: 'dialled',
      role: 'origin',
      listenPort: 7001,
      blockLength: 262_144,
    })
    expect(pair.right.hello).toMatchObject({ direction: 'accepted', role: 'agent', listenPort: 7002 })
  })

  test('tell what they have and give blocks of it', async () => {
    await using pair = await peerPair()
    const { left, right, blob } = pair
    const events = recorder()
    left.attach(events)
    right.attach(serving(() => right, blob))
    right.sendBitfield(Bitset.full(blob.map.count))
    right.sendChoke(false)
    await events.until('unchoke')
    expect(events.log).toEqual(['have set', 'unchoke'])
    expect(left.remoteHave.complete).toBe(true)
    const into = new Uint8Array(100_000)
    await left.request({ piece: 1, offset: 5, length: 100_000 }, into)
    const start = blob.map.pieceLength + 5
    expect(Buffer.compare(into, blob.bytes.subarray(start, start + 100_000))).toBe(0)
    expect(left.stats.receivedBytes).toBe(100_000)
    expect(left.openRequests).toBe(0)
  })
})
