import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../../lib/base/index.ts'
import { digestOf } from '../../../../lib/core/index.ts'
import { encodeBencode } from '../../../../lib/metainfo/index.ts'
import { swarmLimits } from '../../../../lib/swarm/limits.ts'
import { encodeLaneMessage, type LaneMessage } from '../../../../lib/swarm/wire/lane-messages.ts'
import {
  extendedBytes,
  type HostileScene,
  handshakeBytes,
  hostileScene,
  lyingMessage,
  message,
  uint32,
} from '../../../kit/hostile-peer.ts'
import { blobFixture } from '../../../kit/metainfo-fixture.ts'

const other = blobFixture(200_000, seededRandom(2))
const third = blobFixture(7_500_000, seededRandom(3))
const shared = [other, third]
const strange = { ...other.header, digest: digestOf(Buffer.from('nobody has it')) }

const extended = (id: number, ...body: readonly Uint8Array[]) => message(20, Buffer.from([id]), ...body)
const lane = (text: LaneMessage) => encodeLaneMessage(text)
const open = (number: number, header: (typeof other)['header'] = other.header) =>
  lane({ kind: 'open', lane: number, header })
const select = (number: number) => extended(5, uint32(number))
const close = (number: number) => lane({ kind: 'close', lane: number })
const haves = (...bytes: readonly number[]) => extended(3, Uint8Array.from(bytes))

/** What the victim says about lanes. The messages are short and sorted by key, so that they can be read as text. */
const said = (scene: HostileScene) =>
  [
    ...scene
      .received()
      .toString('latin1')
      .matchAll(/2:do\d:(\w+?)4:lanei(\d+)e(?:3:why\d:(\w+)e)?/g),
  ].map((found) =>
    found
      .slice(1)
      .filter(Boolean)
      .join(' ')
      .replace(/(\d+) (\w+)e?$/, '$1 $2'),
  )

async function settle(scene: HostileScene) {
  for (let turn = 0; turn < 10; turn += 1) await scene.settle()
}

/** The blob of the first swarm has four pieces, those of the others one and 29; the peer has dialled. */
const refused: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ['selects a lane that was never opened', [select(2)]],
  ['selects a lane of the other side', [select(1)]],
  ['opens a lane with an odd number', [open(3)]],
  ['opens the first lane again', [open(0)]],
  ['opens a lane twice', [open(2), open(2, third.header)]],
  ['opens lanes in descending order', [open(4), open(2)]],
  ['accepts what nobody asked for', [lane({ kind: 'accept', lane: 1 })]],
  ['accepts its own lane', [open(2), lane({ kind: 'accept', lane: 2 })]],
  ['refuses what nobody asked for', [lane({ kind: 'refuse', lane: 1, why: 'full' })]],
  ['refuses the first lane', [lane({ kind: 'refuse', lane: 0, why: 'full' })]],
  ['closes a lane that never was', [close(2)]],
  ['closes a lane of the other side that never was', [close(1)]],
  ['names a lane by text', [extended(4, encodeBencode({ do: 'close', lane: 'x' }))]],
  ['names a lane below 0', [extended(4, encodeBencode({ do: 'close', lane: -1 }))]],
  ['does what nobody knows with a lane', [extended(4, encodeBencode({ do: 'fly', lane: 2 }))]],
  [
    'opens a lane for something that is no digest',
    [extended(4, encodeBencode({ do: 'open', lane: 2, digest: 'x', length: 1, pieceLength: 1 }))],
  ],
  ['sends a message about lanes that is no bencode', [extended(4, Buffer.from('l-3:'))]],
  ['asks for 601 lanes in a minute', Array.from({ length: 601 }, (_, at) => open(2 + 2 * at, strange))],
  ['lists no pieces', [haves(255)]],
  ['lists a piece behind the last', [haves(4)]],
  ['lists a piece of 2^35', [haves(255, 255, 255, 255, 255, 1)]],
  ['lists a piece in six groups', [haves(128, 128, 128, 128, 128, 0)]],
  ['ends a list of pieces in the middle of one', [haves(0, 128)]],
  ['lists the same piece 602 times', Array.from({ length: 602 }, () => haves(1))],
  ['selects the same lane 601 times', Array.from({ length: 601 }, () => select(0))],
]

describe('a peer that shares its link and', () => {
  test.each(refused)('%s is closed with a code', async (_, parts) => {
    await using scene = await hostileScene({ shared })
    await scene.shakeHands()
    scene.send(...parts)
    expect(await scene.outcome()).toBe('WIRE_FRAME_INVALID')
  })

  test('opens another swarm is heard there, by the rules of that swarm', async () => {
    await using scene = await hostileScene({ shared })
    await scene.shakeHands()
    scene.send(open(2, third.header))
    await settle(scene)
    expect(said(scene)).toEqual(['accept 2'])
    const bits = Buffer.from([0, 0x40, 0, 0x08])
    scene.send(select(2), message(5, bits), haves(0, 20), select(0), message(5, Buffer.from([0x90])))
    await settle(scene)
    expect([...(scene.lanes[0]?.remoteHave ?? [])]).toEqual([0, 9, 21, 28])
    expect([...(await scene.victim).remoteHave]).toEqual([0, 3])
    scene.send(select(2), message(5, Buffer.from([0x90])))
    expect(await scene.outcome()).toBe('WIRE_FRAME_INVALID')
  })

  test.each([
    ['speaks for', message(2)],
    ['selects', select(2)],
    ['closes', Buffer.concat(Array.from({ length: 601 }, () => close(2)))],
  ])('%s a lane that it has closed is closed', async (_, bytes) => {
    await using scene = await hostileScene({ shared })
    await scene.shakeHands()
    scene.send(open(2))
    await settle(scene)
    scene.send(select(2), close(2))
    await settle(scene)
    expect([said(scene), await scene.outcome()]).toEqual([['accept 2', 'close 2'], 'open'])
    scene.send(bytes)
    expect(await scene.outcome()).toBe('WIRE_FRAME_INVALID')
  })

  test.each([
    ['a swarm that nobody knows', strange],
    ['a known one with another length', { ...other.header, length: 699_999 }],
    ['a known one with another piece length', { ...other.header, pieceLength: 2 ** 23 }],
  ])('asks for %s is refused and stays', async (_, header) => {
    await using scene = await hostileScene({ shared })
    await scene.shakeHands()
    scene.send(open(2, header))
    await settle(scene)
    expect([said(scene), await scene.outcome()]).toEqual([['refuse 2 unknown'], 'open'])
  })

  test('opens lanes without end gets as many as a link may have', async () => {
    await using scene = await hostileScene({ shared })
    await scene.shakeHands()
    scene.send(...Array.from({ length: 100 }, (_, at) => open(2 + 2 * at)))
    await settle(scene)
    const bound = swarmLimits.maxLanesPerLink - 1
    expect(said(scene).filter((text) => text.startsWith('accept'))).toHaveLength(bound)
    expect(said(scene).filter((text) => text.endsWith('full'))).toHaveLength(100 - bound)
    expect(scene.lanes).toHaveLength(bound)
  })

  test('still speaks on a lane that the victim has closed is not heard, until it has answered', async () => {
    await using scene = await hostileScene({ shared })
    const first = await scene.shakeHands()
    scene.send(open(2))
    await settle(scene)
    first.close()
    await settle(scene)
    expect(said(scene)).toEqual(['accept 2', 'close 0'])
    scene.send(
      message(5, Buffer.from([0x90])),
      message(6, uint32(0, 0, 16)),
      message(7, uint32(0, 0), new Uint8Array(16)),
    )
    scene.send(select(2), message(2), select(0), message(4, uint32(1)))
    await settle(scene)
    expect(await scene.outcome()).toBe('open')
    scene.send(close(0), select(2), message(3))
    await settle(scene)
    expect(await scene.outcome()).toBe('open')
    scene.send(select(0))
    await settle(scene)
    expect(await scene.outcome()).not.toBe('open')
  })

  test('never answers the end of a lane is closed within two minutes', async () => {
    await using scene = await hostileScene({ shared })
    await scene.shakeHands()
    scene.send(open(2))
    await settle(scene)
    scene.lanes[0]?.close()
    for (let minute = 0; minute < 3; minute += 1) {
      scene.send(new Uint8Array(4))
      await scene.clock.advance(60_000)
    }
    expect(await scene.outcome()).toBe('STALLED')
  })

  test('drips a message about lanes is closed', async () => {
    await using scene = await hostileScene({ shared })
    await scene.shakeHands()
    scene.send(lyingMessage(1_000, 20, Buffer.from([4])))
    await scene.clock.advance(20_000)
    expect(await scene.outcome()).toBe('STALLED')
  })

  test('opens a lane in the same breath as its handshakes is heard once they are through', async () => {
    await using scene = await hostileScene({ shared })
    scene.send(Buffer.concat([handshakeBytes(scene.swarmId), extendedBytes(scene.blob.header, { lanes: 1 }), open(2)]))
    await scene.victim
    await settle(scene)
    expect(said(scene)).toEqual(['accept 2'])
  })
})

test('a peer that does not share links gets no lane, and nothing is said of it', async () => {
  await using scene = await hostileScene({ shared })
  scene.send(handshakeBytes(scene.swarmId), extendedBytes(scene.blob.header))
  await scene.victim
  scene.send(open(2), select(7))
  await settle(scene)
  expect([said(scene), scene.lanes.length, await scene.outcome()]).toEqual([[], 0, 'open'])
})
