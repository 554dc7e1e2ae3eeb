import { describe, expect, test } from '@jest/globals'
import { type BencodeInput, encodeBencode } from '../../../../lib/metainfo/index.ts'
import {
  extendedBytes,
  type HostileScene,
  handshakeBytes,
  hostileScene,
  lyingMessage,
  message,
  uint32,
} from '../../../kit/hostile-peer.ts'

type Script = (scene: HostileScene) => Uint8Array | readonly Uint8Array[]

const zeros = (length: number) => new Uint8Array(length)
const ext = (text: string) => () => message(20, Buffer.from([0]), Buffer.from(text, 'latin1'))
const busy = (value: BencodeInput) => message(20, Buffer.from([2]), encodeBencode(value))
const want = (value: BencodeInput) => message(20, Buffer.from([6]), encodeBencode(value))
const other = { host: '10.0.0.9', id: zeros(20), port: 7, role: 'agent', complete: 1 }

/** The blob of the scene has four pieces: three of 256 KiB and one of 4321 bytes. */
const refusedAfterHandshake: readonly (readonly [string, string, Script])[] = [
  ['a length of 2^32 - 1', 'WIRE_FRAME_INVALID', () => lyingMessage(0xffffffff, 4)],
  ['a length of 2^31', 'WIRE_FRAME_INVALID', () => lyingMessage(0x80000000, 20)],
  ['a piece longer than any block', 'WIRE_FRAME_INVALID', () => lyingMessage(9 + 256 * 1024 + 1, 7)],
  ['a piece without payload', 'WIRE_FRAME_INVALID', () => lyingMessage(9, 7, zeros(8))],
  ['a truncated have', 'WIRE_FRAME_INVALID', () => lyingMessage(1, 4)],
  ['a have of 2^32 - 1', 'WIRE_FRAME_INVALID', () => message(4, uint32(0xffffffff))],
  ['a have of the piece behind the last', 'WIRE_FRAME_INVALID', () => message(4, uint32(4))],
  ['a choke with a body', 'WIRE_FRAME_INVALID', () => message(0, zeros(1))],
  ['a long unchoke', 'WIRE_FRAME_INVALID', () => lyingMessage(100_000, 1)],
  ['a bitfield too short', 'WIRE_FRAME_INVALID', () => message(5)],
  ['a bitfield too long', 'WIRE_FRAME_INVALID', () => message(5, zeros(2))],
  ['a bitfield with spare bits', 'WIRE_FRAME_INVALID', () => message(5, Buffer.from([0xf8]))],
  ['a second bitfield', 'WIRE_FRAME_INVALID', () => [message(5, Buffer.from([0xf0])), message(5, Buffer.from([0xf0]))]],
  ['a have-all after a bitfield', 'WIRE_FRAME_INVALID', () => [message(5, Buffer.from([0x10])), message(14)]],
  ['a bitfield after another message', 'WIRE_FRAME_INVALID', () => [message(2), message(5, Buffer.from([0xf0]))]],
  ['a suggestion of a piece that does not exist', 'WIRE_FRAME_INVALID', () => message(13, uint32(4))],
  ['an allowed-fast of a piece that does not exist', 'WIRE_FRAME_INVALID', () => message(17, uint32(4))],
  ['a request of a piece that does not exist', 'WIRE_FRAME_INVALID', () => message(6, uint32(4, 0, 16))],
  ['a request that leaves its piece', 'WIRE_FRAME_INVALID', () => message(6, uint32(3, 4000, 322))],
  ['a request whose end overflows', 'WIRE_FRAME_INVALID', () => message(6, uint32(0, 0xffffffff, 16))],
  ['a request of nothing', 'WIRE_FRAME_INVALID', () => message(6, uint32(0, 0, 0))],
  ['a request above the block limit', 'WIRE_FRAME_INVALID', () => message(6, uint32(0, 0, 256 * 1024 + 1))],
  ['a cancel that leaves its piece', 'WIRE_FRAME_INVALID', () => message(8, uint32(3, 4321, 1))],
  ['a reject of what was not asked', 'WIRE_FRAME_INVALID', () => message(16, uint32(0, 0, 16))],
  ['a piece that was not asked for', 'WIRE_UNASKED_PIECE', () => message(7, uint32(0, 0), zeros(16))],
  ['a piece that leaves the blob', 'WIRE_FRAME_INVALID', () => message(7, uint32(3, 4320), zeros(2))],
  ['an extended message above 16 KiB', 'WIRE_FRAME_INVALID', () => lyingMessage(16 * 1024 + 3, 20)],
  ['an extended message without id', 'WIRE_FRAME_INVALID', () => lyingMessage(1, 20)],
  [
    'a list of other peers that is no bencode',
    'WIRE_FRAME_INVALID',
    () => message(20, Buffer.from('\x02d5:peersle', 'latin1')),
  ],
  ['other peers that are no list', 'WIRE_FRAME_INVALID', () => busy({ peers: 1 })],
  [
    'another peer with a name for an address',
    'WIRE_FRAME_INVALID',
    () => busy({ peers: [{ ...other, host: 'a.example' }] }),
  ],
  ['another peer at no port', 'WIRE_FRAME_INVALID', () => busy({ peers: [{ ...other, port: 0 }] })],
  ['another peer with half an id', 'WIRE_FRAME_INVALID', () => busy({ peers: [{ ...other, id: zeros(10) }] })],
  ['601 lists of other peers', 'WIRE_FRAME_INVALID', () => Array.from({ length: 601 }, () => busy({ peers: [other] }))],
  ['wanted bytes behind the end of the blob', 'WIRE_FRAME_INVALID', () => want({ priority: 'fill', ranges: [0, 1e9] })],
  [
    'more than 64 KiB of wanted ranges',
    'WIRE_FRAME_INVALID',
    () => lyingMessage(65_536, 20, Buffer.from('\x06d8:priority4:fill6:ranges', 'latin1')),
  ],
  [
    '3,601 messages about wanted bytes in a minute',
    'WIRE_FRAME_INVALID',
    () => Array.from({ length: 3_601 }, (_, at) => want({ priority: 'fill', ranges: [at, at + 1] })),
  ],
  ['an unknown message above the bound', 'WIRE_FRAME_INVALID', () => lyingMessage(16 * 1024 + 1, 99)],
  ['601 keep-alives in a minute', 'WIRE_FRAME_INVALID', () => zeros(4 * 601)],
  ['601 times the same have', 'WIRE_FRAME_INVALID', () => Array.from({ length: 602 }, () => message(4, uint32(1)))],
  ['a class of two bytes', 'WIRE_FRAME_INVALID', () => message(20, Buffer.from([7]), zeros(2))],
  ['121 classes', 'WIRE_FRAME_INVALID', () => Array.from({ length: 121 }, () => message(20, Buffer.from([7, 0])))],
  ['601 unknown messages', 'WIRE_FRAME_INVALID', () => Array.from({ length: 601 }, () => message(99))],
  [
    '20,001 requests',
    'WIRE_QUEUE_FULL',
    () => Array.from({ length: 20_001 }, (_, at) => message(6, uint32(0, at * 16, 16))),
  ],
]

const refusedInHandshake: readonly (readonly [string, Script])[] = [
  ['bencode that never ends in the library', ext('l-3:')],
  ['bencode nested nine deep', ext(`d1:x${'l'.repeat(9)}${'e'.repeat(9)}e`)],
  ['bencode with bytes behind it', ext('dei1e')],
  ['a list for a dictionary', ext('le')],
  ['message ids that are a list', ext('d1:mlee')],
  ['a message id that breaks the library', ext('d1:md1:ad8:toStringi1eeee')],
  ['a message id that is text', ext('d1:md1:a1:xee')],
  ['a message id of 256', ext('d1:md1:ai256eee')],
  ['a request before it', () => message(6, uint32(0, 0, 16))],
]

describe('a peer that sends', () => {
  test.each(refusedAfterHandshake)('%s is closed with %s', async (_, code, script) => {
    await using scene = await hostileScene()
    const connection = await scene.shakeHands()
    connection.sendChoke(false)
    scene.send(...[script(scene)].flat())
    expect(await scene.outcome()).toBe(code)
  })

  test.each(refusedInHandshake)('%s in place of the extension handshake is closed', async (_, script) => {
    await using scene = await hostileScene()
    scene.send(handshakeBytes(scene.swarmId), ...[script(scene)].flat())
    expect(await scene.outcome()).toBe('closed')
    expect(scene.events.log).toEqual([])
  })

  test.each([
    ['another version', { v: 1 }],
    ['another digest', { digest: `sha256:${'0'.repeat(64)}` }],
    ['another length', { length: 1 }],
    ['another piece length', { pieceLength: 2 << 20 }],
    ['a block length of one byte', { block: 1 }],
  ])('%s in the extension handshake is closed', async (_, shoal) => {
    await using scene = await hostileScene()
    scene.send(handshakeBytes(scene.swarmId), extendedBytes(scene.blob.header, shoal))
    expect(await scene.outcome()).toBe('closed')
    expect(scene.events.log).toEqual([])
  })

  test('unknown fields and messages is welcome', async () => {
    await using scene = await hostileScene()
    scene.send(handshakeBytes(scene.swarmId), extendedBytes(scene.blob.header, { later: [1, 2] }))
    await scene.victim
    scene.send(message(99, zeros(100)), message(9, zeros(2)), message(20, Buffer.from([200]), zeros(9)), zeros(4))
    scene.send(message(20, Buffer.from([0]), encodeBencode({ m: {} })), message(4, uint32(2)))
    await scene.events.until('have 2')
    expect(scene.events.log).toEqual(['have 2'])
  })

  test('65 requests while it is choked is closed, having got a rejection for each of the first 64', async () => {
    await using scene = await hostileScene()
    await scene.shakeHands()
    const before = scene.received().length
    scene.send(...Array.from({ length: 64 }, (_, at) => message(6, uint32(0, at * 16, 16))))
    await scene.settle()
    expect(scene.received().length - before).toBe(64 * 17)
    expect(scene.events.log).toEqual([])
    scene.send(message(6, uint32(0, 0, 16)))
    expect(await scene.outcome()).toBe('WIRE_QUEUE_FULL')
  })

  test('what it wants as often as an agent does stays, and is heard', async () => {
    await using scene = await hostileScene()
    await scene.shakeHands()
    for (let minute = 0; minute < 3; minute += 1) {
      for (let at = 0; at < 1_800; at += 1) scene.send(want({ priority: 'onDemand', ranges: [at, at + 5] }))
      await scene.clock.advance(60_000)
    }
    expect(scene.events.log).toHaveLength(3 * 1_800)
    expect(scene.events.log.at(-1)).toBe('want onDemand 1799-1804')
  })

  test('keep-alives at a moderate rate stays', async () => {
    await using scene = await hostileScene()
    await scene.shakeHands()
    for (let minute = 0; minute < 3; minute += 1) {
      scene.send(zeros(4 * 500))
      await scene.clock.advance(60_000)
    }
    expect(scene.events.log).toEqual([])
  })
})
