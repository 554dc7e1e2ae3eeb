import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../../lib/base/index.ts'
import { tocItems } from '../../../../services/cli/get/image/toc.ts'
import { imageLab } from '../../../kit/image-lab.ts'
import {
  type BuiltLayer,
  estargzOf,
  file,
  folder,
  hardlink,
  layerOf,
  symlink,
  whiteout,
  zstdChunkedOf,
} from '../../../kit/layer-files.ts'

const random = seededRandom(5)
const big = Buffer.from(random.bytes(450_000))
const other = Buffer.from(random.bytes(2_000_000))
const files = [
  folder('opt'),
  file('opt/other', other),
  file('opt/big', big),
  hardlink('opt/same', 'opt/big'),
  symlink('opt/now', 'big'),
  file('opt/empty'),
  whiteout('gone'),
]

const kinds = [
  ['eStargz', estargzOf],
  ['zstd:chunked', zstdChunkedOf],
] as const

/** The same layer with one byte of it changed. */
function changed({ bytes, annotations }: BuiltLayer, at: number): BuiltLayer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return layerOf(copy, annotations)
}

const placeOf = ({ bytes }: BuiltLayer, part: Uint8Array) => bytes.indexOf(part.subarray(1_000, 1_100))

describe.each(kinds)('a layer with a table of contents (%s)', (_kind, build) => {
  const layer = build(files)

  test('is read only where it has the table and the file', async () => {
    const lab = imageLab([layer])
    for (const path of ['/opt/big', '/opt/same', '/opt/now']) expect((await lab.bytes(path)).equals(big)).toBe(true)
    expect(lab.read[0]).toBeLessThan(3 * big.length + 100_000)
    expect(await lab.bytes('/opt/empty')).toEqual(Buffer.alloc(0))
  })

  test('gives of a part of a file the chunks that have it, and no others', async () => {
    const lab = imageLab([layer])
    expect((await lab.bytes('/opt/big', 199_999, 200_001)).equals(big.subarray(199_999, 200_001))).toBe(true)
    expect(lab.read[0]).toBeLessThan(250_000)
  })

  test('has whiteouts as every other', async () => {
    const lab = imageLab([layer, [file('gone', '1'), file('there', '2')]])
    await expect(lab.find('/gone')).rejects.toMatchObject({ code: 'FILE_UNKNOWN' })
    expect((await lab.bytes('/there')).toString()).toBe('2')
  })

  test('is not believed where a chunk has another digest than its table says', async () => {
    const lab = imageLab([changed(layer, placeOf(layer, big.subarray(200_000)))])
    await expect(lab.bytes('/opt/big', 200_000, 300_000)).rejects.toMatchObject({
      code: expect.stringMatching(/^(DIGEST_INVALID|LAYER_UNREADABLE)$/),
    })
    expect((await lab.bytes('/opt/big', 0, 100_000)).equals(big.subarray(0, 100_000))).toBe(true)
  })

  const lied = Object.fromEntries(
    Object.entries(layer.annotations).map(([name, text]) => [name, text.replace(/^sha256:..../, 'sha256:0000')]),
  )
  const offset = { 'io.github.containers.zstd-chunked.manifest-position': '99999999:5:5:1' }
  test.each([
    ['nobody vouches for', layerOf(layer.bytes)],
    ['somebody vouches for another', layerOf(layer.bytes, lied)],
    ['lies nowhere', layerOf(layer.bytes.subarray(0, -51), { ...layer.annotations, ...offset })],
    ['is that of an empty layer', layerOf(Buffer.alloc(0), layer.annotations)],
  ])('which %s is read from end to end, and proven as a whole', async (_what, odd) => {
    const lab = imageLab([odd])
    const names = await lab.list('/opt').catch(() => [])
    expect(lab.read[0]).toBeGreaterThanOrEqual(odd.bytes.length)
    if (odd.bytes.length > 0) expect(names).toContain('file 450000 opt/big')
  })
})

const one = { name: 'f', type: 'reg', size: 10, offset: 100, chunkDigest: `sha256:${'0'.repeat(64)}` }

test.each([
  ['no JSON', '{'],
  ['no list', { entries: 1 }],
  ['a row that is none', { entries: [null] }],
  ['a type that is unknown', { entries: [{ ...one, type: 'door' }] }],
  ['a name that is none', { entries: [{ ...one, name: 5 }] }],
  ['a size below zero', { entries: [{ ...one, size: -1 }] }],
  ['no digest of a chunk', { entries: [{ ...one, chunkDigest: undefined }] }],
  [
    'a digest of a file for one of its chunks',
    { entries: [{ ...one, chunkDigest: '', digest: one.chunkDigest, chunkSize: 5 }] },
  ],
  ['a chunk before all files', { entries: [{ ...one, type: 'chunk' }] }],
  ['a file that is not whole', { entries: [{ ...one, chunkSize: 5 }] }],
  [
    'chunks that overlap',
    {
      entries: [
        { ...one, chunkSize: 5 },
        { ...one, type: 'chunk', chunkOffset: 4, chunkSize: 6 },
      ],
    },
  ],
  ['a chunk behind the table', { entries: [{ ...one, offset: 1_000 }] }],
  ['a name that is too long', { entries: [{ ...one, name: 'x'.repeat(5_000) }] }],
])('a table with %s proves nothing', (_what, table) => {
  const json = Buffer.from(typeof table === 'string' ? table : JSON.stringify(table))
  expect(tocItems(json, 1_000)).toBeUndefined()
  expect(tocItems(Buffer.from(JSON.stringify({ entries: [one] })), 1_000)).toHaveLength(1)
})

test('a hole of zstd:chunked is zeros, and no byte of the layer is read for it', async () => {
  const hole = { name: 'f', type: 'reg', size: 200_000, chunkType: 'zeros', offset: 5, chunkSize: 200_000 }
  const [item] = tocItems(Buffer.from(JSON.stringify({ entries: [hole] })), 1_000) ?? []
  expect(item?.chunks).toEqual([{ from: 0, size: 200_000, start: 5, end: 1_000, before: 0, digest: undefined }])
})
