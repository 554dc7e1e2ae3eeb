import { EventEmitter, getEventListeners, getMaxListeners } from 'node:events'
import { expect, test } from '@jest/globals'
import type { PeerConnection } from '../../../../lib/swarm/peer/index.ts'
import { requestBlock, supplier } from '../../../../lib/swarm/torrent/supplier.ts'
import { peerPair, recorder } from '../../../kit/peer-pair.ts'
import { scriptedPeer } from '../../../kit/scripted-peer.ts'

const KIB = 1024

test('a block in many parts listens no more often to its signal than the signal allows without a warning', async () => {
  await using pair = await peerPair()
  const { left, right } = pair
  left.attach(recorder())
  right.attach(recorder())
  right.sendChoke(false)
  await pair.clock.advance(10)
  const request: PeerConnection['request'] = (...args) => left.request(...args)
  const takesSmall = { ...scriptedPeer('s', { pieces: 1, blockLength: 16 * KIB }).connection, request }
  const small = supplier(takesSmall, 0)
  const controller = new AbortController()
  const block = { piece: 0, offset: 0, length: 256 * KIB }
  const asking = requestBlock(small, block, new Uint8Array(block.length), controller)
  asking.catch(() => undefined)
  const listeners = getEventListeners(controller.signal, 'abort').length
  expect(listeners).toBeGreaterThan(EventEmitter.defaultMaxListeners)
  expect(listeners).toBeLessThanOrEqual(getMaxListeners(controller.signal))
  controller.abort()
  await expect(asking).rejects.toMatchObject({ code: 'ABORTED' })
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
})
