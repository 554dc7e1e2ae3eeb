import { describe, expect, test } from '@jest/globals'
import { digestOf, pieceLengthFor } from '../../../lib/core/index.ts'
import { hashPiece, hashPieces, metainfoLog, pieceHasher } from '../../../lib/metainfo/index.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'

const blob = blobFixture(2 * pieceLengthFor(0) + 5)
const head = { kind: 'header', header: blob.header } as const
const piece = (index: number, hash = blob.hashes.subarray(index * 32, (index + 1) * 32)) =>
  ({ kind: 'piece', index, hash }) as const
const verified = { kind: 'verified' } as const
const codeFrom = (work: () => unknown) => {
  try {
    work()
    return undefined
  } catch (err) {
    return (err as { code?: string }).code
  }
}

describe('metainfo log', () => {
  test('knows each piece from its record on and is verified once all are known', () => {
    const log = metainfoLog()
    expect(log.map).toBeUndefined()
    expect(log.apply(head)).toEqual(head)
    expect(log.map?.count).toBe(3)
    expect(log.hashOf(2)).toBeUndefined()
    expect(log.apply(piece(2))).toEqual({ kind: 'piece', index: 2 })
    expect(log.hashOf(2)).toEqual(new Uint8Array(blob.hashes.subarray(64)))
    log.apply(piece(0))
    log.apply(piece(1))
    expect(log.verified).toBe(false)
    expect(log.metaInfo).toBeUndefined()
    expect(log.apply(verified)).toEqual(verified)
    expect(log.metaInfo).toEqual({ header: blob.header, hashes: new Uint8Array(blob.hashes) })
  })

  test('drops what a second stream repeats', () => {
    const log = metainfoLog()
    for (const record of [head, piece(0)]) log.apply(record)
    expect([head, piece(0), piece(1), piece(2), verified, verified].map((record) => log.apply(record)?.kind)).toEqual([
      undefined,
      undefined,
      'piece',
      'piece',
      'verified',
      undefined,
    ])
  })

  test('does not take the word of a stream that has not named every piece', () => {
    const log = metainfoLog()
    for (const record of [head, piece(0), verified, piece(1), piece(2)]) log.apply(record)
    expect(log.verified).toBe(false)
  })

  test('tells of a failure once', () => {
    const log = metainfoLog()
    log.apply(head)
    const failed = { kind: 'failed', code: 'DIGEST_REFUSED' } as const
    expect(log.apply(failed)).toEqual(failed)
    expect(log.apply(failed)).toBeUndefined()
  })

  test.each([
    ['another hash for a known piece', 'METAINFO_CONFLICT', [head, piece(1), piece(1, new Uint8Array(32))]],
    ['another length', 'METAINFO_CONFLICT', [head, { ...head, header: { ...blob.header, length: 9 } }]],
    [
      'another blob',
      'METAINFO_INVALID',
      [head, { ...head, header: { ...blob.header, digest: digestOf(Buffer.from('other')) } }],
    ],
    ['a piece before the header', 'METAINFO_INVALID', [piece(0)]],
    ['a piece outside', 'METAINFO_INVALID', [head, piece(3, new Uint8Array(32))]],
    ['a short hash', 'METAINFO_INVALID', [head, piece(0, new Uint8Array(31))]],
  ] as const)('refuses %s', (_, code, records) => {
    const log = metainfoLog()
    const applyAll = () => {
      for (const record of records) log.apply(record)
    }
    expect(codeFrom(applyAll)).toBe(code)
  })

  test('begins complete with metainfo that was kept', () => {
    const log = metainfoLog(blob)
    expect(log.verified).toBe(true)
    expect(log.hashOf(1)).toEqual(blob.hashes.subarray(32, 64))
    expect(codeFrom(() => metainfoLog({ ...blob, hashes: blob.hashes.subarray(32) }))).toBe('METAINFO_INVALID')
  })

  test('of an inline blob needs no piece', () => {
    const small = blobFixture(100)
    const log = metainfoLog()
    log.apply({ kind: 'header', header: small.header })
    expect(log.apply(verified)).toEqual(verified)
  })
})

describe('piece hashing', () => {
  async function* cut(size: number) {
    for (let at = 0; at < blob.bytes.length; at += size) yield blob.bytes.subarray(at, at + size)
  }

  test.each([65_536, 1 << 20, (1 << 20) + 1, 1 << 23])(
    'gives the hash of every piece for chunks of %d bytes',
    async (size) => {
      const expected = [0, 1, 2].map((i) =>
        hashPiece(blob.bytes.subarray(blob.map.rangeOf(i).start, blob.map.rangeOf(i).end)),
      )
      expect(Buffer.from(await hashPieces(cut(size), blob.map))).toEqual(Buffer.concat(expected))
    },
  )

  test('refuses too few and too many bytes', () => {
    const hasher = pieceHasher(blob.map)
    expect(codeFrom(() => hasher.digest())).toBe('SIZE_INVALID')
    hasher.update(blob.bytes)
    expect(codeFrom(() => hasher.update(new Uint8Array(1)))).toBe('SIZE_INVALID')
  })

  test('stops when the caller gives up', async () => {
    const aborted = hashPieces(cut(1000), blob.map, { signal: AbortSignal.abort() })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
