import { expect, test } from '@jest/globals'
import type { RequestEvents } from '../../../../../lib/swarm/peer/index.ts'
import { requestBlock } from '../../../../../lib/swarm/torrent/fetch/request-block.ts'
import { type ScriptedRequest, scriptedPeer } from '../../../../kit/scripted-peer.ts'

const KIB = 1024
const block = { piece: 0, offset: 256 * KIB, length: 40 * KIB }

function asking() {
  const log: string[] = []
  const events: RequestEvents = {
    onBlock: () => log.push('block'),
    onFailed: ({ code }) => log.push(code),
    onUnwanted: (bytes) => log.push(`unwanted ${bytes}`),
  }
  const peer = scriptedPeer('s', { pieces: 1, blockLength: 16 * KIB })
  const into = new Uint8Array(block.length)
  const withdraw = requestBlock(peer.connection, block, into, events)
  return { peer, log, into, withdraw }
}

const give = (request: ScriptedRequest | undefined, value: number) =>
  request?.answer(new Uint8Array(request.block.length).fill(value))

test('a block for a peer that takes small requests comes in parts, each at its place, and is told once', () => {
  const { peer, log, into } = asking()
  expect(peer.open.map((open) => [open.block.offset / KIB, open.block.length / KIB])).toEqual([
    [256, 16],
    [272, 16],
    [288, 8],
  ])
  const [first, second, third] = peer.open
  give(third, 3)
  give(first, 1)
  expect(log).toEqual([])
  give(second, 2)
  expect(log).toEqual(['block'])
  expect([into[0], into[16 * KIB], into[32 * KIB]]).toEqual([1, 2, 3])
})

test('one failed part withdraws the others: their bytes come nowhere, and the failure is told once', async () => {
  const { peer, log, into } = asking()
  const [first, second, third] = peer.open
  first?.reject('PEER_REJECTED')
  second?.reject('PEER_CLOSED')
  await Promise.resolve()
  expect(log).toEqual(['PEER_REJECTED'])
  expect(third?.cancelled).toBe(true)
  give(third, 3)
  expect(log).toEqual(['PEER_REJECTED', `unwanted ${8 * KIB}`])
  expect(into.every((byte) => byte === 0)).toBe(true)
})

test('what is withdrawn is told neither of a block nor of a failure', async () => {
  const { peer, log, withdraw } = asking()
  const [first] = peer.open
  first?.reject('PEER_REJECTED')
  withdraw()
  await Promise.resolve()
  expect(peer.open).toEqual([])
  expect(log).toEqual([])
})
