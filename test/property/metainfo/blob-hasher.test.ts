import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { seededRandom } from '../../../lib/base/index.ts'
import { PieceMap, pieceRule } from '../../../lib/core/index.ts'
import { blobHasher, inlineDigester, type PieceDigester, threadDigester } from '../../../lib/metainfo/index.ts'

/** Pieces of 4, 8 or 16 bytes, with borders at 32 and 64 bytes. */
const rule = pieceRule({ least: 4, most: 16, pieces: 8 })
const content = seededRandom(3).bytes(200)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

function expected(length: number) {
  const map = new PieceMap(length, rule(length))
  const piece = (index: number) => content.subarray(map.rangeOf(index).start, map.rangeOf(index).end)
  return {
    sha256: sha256(content.subarray(0, length)).toString('hex'),
    pieces: Buffer.concat(Array.from({ length: map.count }, (_, index) => sha256(piece(index)))),
  }
}

interface Setting {
  readonly digester: PieceDigester
  readonly fewBytes: number
}

async function hashed({ digester, fewBytes }: Setting, chunks: readonly Uint8Array[], least?: number, most?: number) {
  const hasher = blobHasher(digester, { rule, fewBytes })
  hasher.expect({ ...(least === undefined ? {} : { least }), ...(most === undefined ? {} : { most }) })
  for (const chunk of chunks) await hasher.update(chunk)
  const { sha256: whole, pieces } = await hasher.end()
  return { sha256: whole, pieces: pieces && Buffer.from(pieces) }
}

function cut(length: number, sizes: readonly number[]): readonly Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < length; i += 1) {
    const size = Math.min(length - at, sizes[i % sizes.length] ?? length)
    chunks.push(content.subarray(at, at + size))
    at += size
  }
  return chunks
}

const lengths = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(0, 1, 3, 4, 5, 31, 32, 33, 63, 64, 65))
/** Bytes that are kept until the end: none, some, all. */
const few = fc.constantFrom(0, 16, 40, 200)
const sizes = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 })

describe.each([
  ['where it is called', inlineDigester],
  ['in a thread', threadDigester],
])('hashes of a blob of unknown length, computed %s', (_, make) => {
  const digester = make()
  beforeAll(() => digester.start())
  afterAll(() => digester.stop())

  test('are those of the whole and of the pieces, however the bytes come and whatever is known before', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, sizes, fc.nat(3), few, async (length, cuts, known, fewBytes) => {
        const bounds = [[], [length], [Math.floor(length / 2)], [length, length]][known] ?? []
        expect(await hashed({ digester, fewBytes }, cut(length, cuts), ...bounds)).toEqual(expected(length))
      }),
      { numRuns: 60 },
    )
  })
})

test('pieces of lengths that are no longer possible are not hashed', async () => {
  let bytes = 0
  const plain = inlineDigester()
  const counting: PieceDigester = {
    ...plain,
    digest(piece) {
      bytes += piece.length
      return plain.digest(piece)
    },
    running(algorithm) {
      const running = plain.running(algorithm)
      return {
        ...running,
        update(...parts) {
          bytes += parts.reduce((sum, part) => sum + part.length, 0)
          return running.update(...parts)
        },
      }
    },
  }
  const spent = async (...bounds: readonly number[]) => {
    bytes = 0
    await hashed({ digester: counting, fewBytes: 0 }, cut(200, [16]), ...bounds)
    return bytes
  }
  // The whole and the long pieces; and short ones up to the border, middle ones up to theirs.
  expect(await spent()).toBe(200 + 200 + 32 + 64)
  expect(await spent(65)).toBe(200 + 200)
  expect(await spent(33)).toBe(200 + 200 + 64)
})

test.each([0, 200])(
  'pieces are not given when the length is not as was promised; %d bytes are few',
  async (fewBytes) => {
    const setting = { digester: inlineDigester(), fewBytes }
    expect(await hashed(setting, cut(65, [9]), 0, 64)).toEqual({ ...expected(65), pieces: undefined })
    expect(await hashed(setting, cut(32, [9]), 33)).toEqual({ ...expected(32), pieces: undefined })
  },
)

test('a short blob is given to no digester', async () => {
  const nobody: PieceDigester = {
    ...inlineDigester(),
    digest: () => Promise.reject(new Error('a piece was given away')),
    running: () => {
      throw new Error('a digest was begun')
    },
  }
  expect(await hashed({ digester: nobody, fewBytes: 200 }, cut(200, [16]))).toEqual(expected(200))
  await expect(hashed({ digester: nobody, fewBytes: 199 }, cut(200, [16]))).rejects.toThrow('a digest was begun')
})
