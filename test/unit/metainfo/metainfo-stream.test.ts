import { describe, expect, test } from '@jest/globals'
import { announceLimits } from '../../../lib/api/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import {
  digestOf,
  headerOf,
  type MetaInfoHeader,
  newPeerId,
  parseInfoHash,
  pieceLengthFor,
} from '../../../lib/core/index.ts'
import {
  decodeMetainfo,
  encodeMetainfo,
  encodePieces,
  encodeRecord,
  type MetainfoRecord,
  metainfoDecoder,
} from '../../../lib/metainfo/index.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'

const length = 3 * pieceLengthFor(0) + 17
const header: MetaInfoHeader = headerOf(digestOf(Buffer.from('x')), length)
const headerBytes = encodeRecord({ kind: 'header', header })
const hash = (fill: number) => new Uint8Array(32).fill(fill)
const frame = (type: number, payload: Uint8Array = new Uint8Array(0), claimed = payload.length) => {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(type, 0)
  prefix.writeUInt32BE(claimed, 1)
  return Buffer.concat([prefix, payload])
}
const rawHeader = (facts: object, content: Uint8Array = new Uint8Array(0)) => {
  const json = Buffer.from(JSON.stringify(facts))
  const size = Buffer.alloc(2)
  size.writeUInt16BE(json.length)
  return frame(1, Buffer.concat([size, json, content]))
}

async function* chunksOf(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect(source: AsyncIterable<MetainfoRecord>) {
  const records: MetainfoRecord[] = []
  for await (const record of source) records.push(record)
  return records
}

const codeOfPush = (...chunks: Uint8Array[]) => {
  const decoder = metainfoDecoder()
  try {
    for (const chunk of chunks) decoder.push(chunk)
    decoder.end()
    return 'accepted'
  } catch (err) {
    return (err as { code?: string }).code
  }
}
const verified = encodeRecord({ kind: 'verified' })

describe('metainfo stream', () => {
  test.each([1, 7, 4096, 1 << 20])('is the same records when cut into chunks of %d bytes', async (size) => {
    const records: MetainfoRecord[] = [
      { kind: 'header', header },
      { kind: 'piece', index: 2, hash: Buffer.from(hash(2)) },
      { kind: 'heartbeat' },
      { kind: 'piece', index: 0, hash: Buffer.from(hash(1)) },
      { kind: 'failed', code: 'BACKEND_CORRUPT' },
    ]
    const bytes = Buffer.concat(records.map(encodeRecord))
    expect(await collect(decodeMetainfo(chunksOf(bytes, size)))).toEqual(records)
  })

  test('of a verified blob of 3000 pieces is written in three chunks', async () => {
    const many = 3000 * 1024 * 1024
    const hashes = Buffer.alloc(3000 * 32).map((_, at) => (at >> 5) & 255)
    const big = { ...header, length: many, pieceLength: pieceLengthFor(many) }
    const chunks = [...encodeMetainfo({ header: big, hashes })]
    expect(chunks).toHaveLength(3)
    const records = await collect(decodeMetainfo(chunksOf(Buffer.concat(chunks), 10_000)))
    expect(records).toHaveLength(3002)
    expect(records[2999]).toEqual({ kind: 'piece', index: 2998, hash: hashes.subarray(2998 * 32, 2999 * 32) })
    expect(records.at(-1)).toEqual({ kind: 'verified' })
  })

  test.each([0, 1, 65_536])('carries a blob of %d bytes inside the header', async (size) => {
    const blob = blobFixture(size)
    const records = await collect(decodeMetainfo(chunksOf(Buffer.concat([...encodeMetainfo(blob)]), 999)))
    expect(records).toEqual([{ kind: 'header', header: blob.header }, { kind: 'verified' }])
  })

  test('does not keep a view of the chunks it was given', () => {
    const chunk = Buffer.concat([headerBytes, encodePieces(hash(5), 1)])
    const [, piece] = metainfoDecoder().push(chunk)
    chunk.fill(0)
    expect(piece).toMatchObject({ kind: 'piece', hash: Buffer.from(hash(5)) })
  })

  test('without a last record is incomplete', () => {
    expect(codeOfPush()).toBe('METAINFO_INCOMPLETE')
    expect(codeOfPush(headerBytes, encodePieces(hash(1), 0))).toBe('METAINFO_INCOMPLETE')
    expect(codeOfPush(headerBytes, verified.subarray(0, 4))).toBe('METAINFO_INCOMPLETE')
    expect(codeOfPush(headerBytes, verified)).toBe('accepted')
  })

  const peers = [
    { peerId: newPeerId(seededRandom(1)), host: '10.0.0.1', port: 1, role: 'origin', complete: true },
    { peerId: newPeerId(seededRandom(2)), host: 'fd00::1', port: 65_535, role: 'agent', complete: false },
  ] as const

  test.each(['before', 'after'])('names peers %s the header', (place) => {
    const named = { kind: 'peers', intervalMs: 5_000, peers } as const
    const parts = [encodeRecord(named), headerBytes]
    const records = metainfoDecoder().push(Buffer.concat(place === 'before' ? parts : parts.reverse()))
    expect(records).toContainEqual(named)
    expect(records).toContainEqual({ kind: 'header', header })
  })

  test('hints at peers as often as there is somebody to hint at, beside the answer, and not without a bound', () => {
    const named = { kind: 'peers', intervalMs: 5_000, peers: [] } as const
    const hint = { kind: 'hint', peers } as const
    const chunks = [hint, named, hint, hint].map(encodeRecord)
    expect(metainfoDecoder().push(Buffer.concat([...chunks, headerBytes]))).toEqual([
      ...[hint, named, hint, hint],
      { kind: 'header', header },
    ])
    expect(codeOfPush(...Array.from({ length: 65 }, () => encodeRecord(hint)))).toBe('METAINFO_INVALID')
    expect(codeOfPush(frame(0x81, Buffer.from('{}')))).toBe('METAINFO_INVALID')
  })

  const infoHash = parseInfoHash('5a'.repeat(20))

  test('has room for as many peers as a tracker names, with the longest addresses, and not for twice as many', () => {
    const longest = {
      ...peers[0],
      host: '2001:0db8:85a3:1234:5678:8a2e:0370:7334',
      port: 65_535,
      complete: false,
      infoHash,
    }
    const named = (count: number) =>
      ({ kind: 'peers', intervalMs: 120_000, peers: Array.from({ length: count }, () => longest) }) as const
    const { maxPeers } = announceLimits
    expect(metainfoDecoder().push(encodeRecord(named(maxPeers)))).toEqual([named(maxPeers)])
    expect(() => encodeRecord(named(3 * maxPeers))).toThrow('too many peers')
  })

  const rawPeers = (facts: object) => frame(0x80, Buffer.from(JSON.stringify(facts)))
  const oddPeer = (odd: object) => rawPeers({ intervalMs: 1, peers: [{ ...peers[0], ...odd }] })
  test.each([
    ['named twice', [rawPeers({ intervalMs: 1, peers: [] }), rawPeers({ intervalMs: 1, peers: [] })]],
    [
      'that are too many',
      [frame(0x80, Buffer.from(JSON.stringify({ intervalMs: 1, peers, pad: 'x'.repeat(17_000) })))],
    ],
    ['that are not a list', [rawPeers({ intervalMs: 1, peers: {} })]],
    ['without an interval', [rawPeers({ peers: [] })]],
    ['with a negative interval', [rawPeers({ intervalMs: -1, peers: [] })]],
    ['that are not JSON', [frame(0x80, Buffer.from('{'))]],
    ['one of which is null', [rawPeers({ intervalMs: 1, peers: [null] })]],
    ['with a name for an address', [oddPeer({ host: 'localhost' })]],
    ['with an address that is a number', [oddPeer({ host: 1 })]],
    ['with port 0', [oddPeer({ port: 0 })]],
    ['with half a port', [oddPeer({ port: 1.5 })]],
    ['with a port of 17 bits', [oddPeer({ port: 65_536 })]],
    ['with an unknown role', [oddPeer({ role: 'tracker' })]],
    ['with a peer id that is too short', [oddPeer({ peerId: 'ab' })]],
    ['with an info-hash that is too short', [oddPeer({ infoHash: 'ab' })]],
    ['with no word on what they have', [oddPeer({ complete: undefined })]],
  ])('refuses peers %s', (_, chunks) => {
    expect(codeOfPush(...chunks, headerBytes, verified)).toBe('METAINFO_INVALID')
  })

  test('skips optional records of later versions and refuses other unknown ones', () => {
    expect(codeOfPush(headerBytes, frame(0x82, Buffer.from('later')), verified)).toBe('accepted')
    expect(codeOfPush(headerBytes, frame(6), verified)).toBe('METAINFO_INVALID')
  })

  test('takes a failure code of a later version as a failure', () => {
    const decoder = metainfoDecoder()
    const records = decoder.push(Buffer.concat([headerBytes, frame(5, Buffer.from('LATER_CODE'))]))
    expect(records[1]).toEqual({ kind: 'failed', code: 'METAINFO_FAILED' })
  })

  test('stays broken once it was malformed', () => {
    const decoder = metainfoDecoder()
    expect(() => decoder.push(verified)).toThrow('does not begin with a header')
    expect(() => decoder.push(headerBytes)).toThrow('malformed before')
  })

  test('refuses to encode what a reader would refuse', () => {
    const wrong = { ...header, pieceLength: 7 }
    expect(() => encodeRecord({ kind: 'header', header: wrong })).toThrow('piece length')
    expect(() => encodePieces(new Uint8Array(33))).toThrow('32 bytes')
  })

  const facts = { ...header, inline: false }
  const content = Buffer.from('hello')
  const inline = { v: header.v, digest: digestOf(content), length: 5, pieceLength: pieceLengthFor(5), inline: true }
  test.each([
    ['a record before the header', [verified]],
    ['a second header', [headerBytes, headerBytes]],
    ['bytes after the last record', [headerBytes, verified, verified]],
    ['a frame longer than any frame may be', [frame(1, new Uint8Array(0), 70_000)]],
    ['a length of 2^32 - 1', [frame(1, new Uint8Array(0), 0xffffffff)]],
    ['a piece behind the last one', [headerBytes, frame(2, Buffer.concat([Buffer.from([0, 0, 0, 4]), hash(1)]))]],
    ['a run that leaves the blob', [headerBytes, encodePieces(new Uint8Array(3 * 32), 2)]],
    ['half a hash', [headerBytes, frame(2, new Uint8Array(20))]],
    ['a run without a hash', [headerBytes, frame(2, new Uint8Array(4))]],
    ['a heartbeat with a payload', [headerBytes, frame(3, new Uint8Array(1))]],
    ['a header that is not JSON', [frame(1, Buffer.from([0, 1, 0x7b]))]],
    ['a header whose JSON is longer than the frame', [frame(1, Buffer.from([4, 0, 0x7b]))]],
    ['an empty header', [frame(1)]],
    ['a header that is null', [rawHeader(null as never)]],
    ['another version', [rawHeader({ ...facts, v: 1 })]],
    ['a digest without algorithm', [rawHeader({ ...facts, digest: 'abc' })]],
    ['no digest', [rawHeader({ ...facts, digest: undefined })]],
    ['a negative length', [rawHeader({ ...facts, length: -1 })]],
    ['a length of 2^53', [rawHeader({ ...facts, length: 2 ** 53 })]],
    ['a length above the limit', [rawHeader({ ...facts, length: 2 ** 50, pieceLength: 1 << 20 })]],
    ['another piece length', [rawHeader({ ...facts, pieceLength: 2 << 20 })]],
    ['content that is not announced', [rawHeader({ ...inline, inline: false }, content)]],
    ['inline content of another length', [rawHeader(inline, content.subarray(1))]],
    ['inline content of another digest', [rawHeader(inline, Buffer.from('hallo'))]],
    ['pieces of inline content', [rawHeader(inline, content), encodePieces(hash(1), 0)]],
  ])('refuses %s', (_, chunks) => {
    expect(codeOfPush(...chunks, verified)).toBe('METAINFO_INVALID')
  })
})
