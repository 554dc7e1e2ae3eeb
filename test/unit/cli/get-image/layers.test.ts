import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../../lib/base/index.ts'
import { digestOf } from '../../../../lib/core/index.ts'
import { LayerIndex } from '../../../../services/cli/get/image/layer-index.ts'
import { imageLab } from '../../../kit/image-lab.ts'
import { file, type LayerFile, layerOf, tarOf, zstdOf } from '../../../kit/layer-files.ts'
import { tempFolder } from '../../../kit/temp-folder.ts'

const random = seededRandom(4)
const big = Buffer.from(random.bytes(300_000))
const files = [file('first', 'one'), file('big', big), file('last', 'end')]
const tar = tarOf(files)

const failure = (layer: Buffer, path = '/big') => imageLab([layerOf(layer)]).bytes(path)

/** `d/lines` (numbers and letters) and 200,000 zeros, by `zstd -19`. */
const REAL_ZSTD =
  'KLUv/aAASAMABBkAhjZwF5CrMhwo/astCjMjnJRSJplSSsu7frZ2ewBhAGEAwhBkKpFGRSPzifF0OMKwKRqRS4gwWCqUSdHI/7jf87swFI3EI8IhDA3GomjEwnCH7Zqei0b6Rt1WGNi1aISnMATNkhyLhGEEES6E4AoCBADAQGFYEAQBAwkkoMAWKAAAAws0EATBhoBzuWAB/3JBhCxYgAAEDDjgwAABryhXi7UqIhoSOgWZSqRRDc3IfGI8Hc6mhGRE5BJiqVAmdfrI/7jf83sFxYTEI8LRYCzK5LH4Dts1PRd1Kn2jbsuuReJQeAbNkhxrNJNRGD6O4ziORSP1inK1hIG1KhqhU8LAeXMV1Ui9olwt1qqIhoROQaYSaVRDMyPzifF0OJsiGRG5hFgqlEmdPpf/cb/n9wqakHhEOBqMRZk8Ft9hu6bnKnWkb9Rt2bVIHArPoFmSY402k/VrrMLgtSvXrUU1UgH2cLtMgqAAAwI4MEAQCEMV1ZTUK8rVYq2KaEjoFGQqkUZFMyPzifF0OJsSkhG5hFgqlEmdPpf/cb/n9wqKCYlHhKPBWBR5LL7Ddk3PVepU+kbdll2LxKHwDJolOdZoM5k/x+y5c4GUqCEg9SRJoTmBS5JkWAPiGIpHIBaDeAIEFCAvoJdRRvmVtGf95S1gTKgE9+8AVjRKwpPHhqccvv2pnpU8Pcaj56zwIHKMGEpEjwpPhGGlQErKGkIOWxWykhH98+Jzlhg6ZMmRnxQSkyD1sJZT/ML4SOk+hCqyJAPNxxuS6NPwc5YYOmSfrDBjirAp+lzsUg7a/lTPyitqXFqYJoRJJkHqSUhKcWBKdqFUkSUZ6T7PkESfhp+zxNAh+2SFGVOETdHnYpdy2KpIlfNCEeOSghShILs5gjFLScmyqpXVUlbPZHWSsXdRdp+CjZAnbJv9MmDb8jJhQbwVT/4sXyCqmmHAWwW/NydL/QoWwvB5nixbVt3HSkJt1T6RBadjJjnGMWBt0HE9Ci8d1dmopVF1Rn2YSJAFFzyBKt0QLbIh5tlMcGeBkwJkUjxp/4B/i4ZDsKu8CKreqQJ8kSvDHBUDQAoA'
const LINES = Array.from({ length: 400 }, (_, i) => `${i} ${'abc'.repeat(i % 7)}\n`).join('')

describe('a layer', () => {
  const half = tar.subarray(0, 150_000)
  const rest = tar.subarray(150_000)
  const skippable = Buffer.from('5a2a4d1803000000ffffff', 'hex')
  test.each([
    ['is not packed', tar],
    ['is gzip', gzipSync(tar)],
    ['is gzip of several members', Buffer.concat([gzipSync(half), gzipSync(rest)])],
    ['is gzip with zeros behind it', Buffer.concat([gzipSync(tar), Buffer.alloc(70_000)])],
    ['is zstd', zstdOf(tar)],
    ['is zstd of several frames', Buffer.concat([skippable, zstdOf(half), skippable, zstdOf(rest), skippable])],
    ['has no end of its tar', tar.subarray(0, -1024)],
  ])('that %s is read: whole files and parts, and each byte of the layer counts', async (_what, bytes) => {
    const lab = imageLab([layerOf(bytes)])
    expect((await lab.bytes('/big')).equals(big)).toBe(true)
    expect((await lab.bytes('/big', 131_000, 262_145)).equals(big.subarray(131_000, 262_145))).toBe(true)
    expect((await lab.bytes('/last')).toString()).toBe('end')
    expect(lab.read[0]).toBe(bytes.length * 4)
    const lie = { ...layerOf(bytes), digest: digestOf(Buffer.from('another')) }
    await expect(imageLab([lie]).find('/first')).rejects.toMatchObject({ code: 'DIGEST_INVALID' })
  })

  test('that zstd itself has packed is read', async () => {
    const lab = imageLab([layerOf(Buffer.from(REAL_ZSTD, 'base64'))])
    expect((await lab.bytes('/d/lines')).toString()).toBe(LINES)
    expect((await lab.bytes('/d/big')).equals(Buffer.alloc(200_000))).toBe(true)
  })

  const cut = (bytes: Buffer) => bytes.subarray(0, -2_000)
  const changed = (bytes: Buffer, at: number) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from([255]), bytes.subarray(at + 1)])
  test.each([
    ['xz', Buffer.from('fd377a585a000000', 'hex'), /packed by xz/],
    ['bzip2', Buffer.from('BZh91AY&SY'), /packed by bzip2/],
    ['no tar', Buffer.from(random.bytes(2_000)), /no tar/],
    ['a short one', Buffer.from('short'), /in the middle/],
    ['a tar that is cut off', cut(tar), /in the middle/],
    ['gzip that is cut off', cut(gzipSync(tar)), /gzip/],
    ['zstd that is cut off', cut(zstdOf(tar)), /zstd/],
    ['gzip that is broken', changed(gzipSync(tar), 5_000), /gzip|in the middle|no tar/],
    ['zstd with other bytes behind', Buffer.concat([zstdOf(tar.subarray(0, -1024)), Buffer.from('oops')]), /behind/],
    ['zstd with a dictionary', Buffer.from('28b52ffd2305', 'hex'), /dictionary/],
    ['zstd with an impossible block', Buffer.from('28b52ffd2005ffffff', 'hex'), /too large/],
    ['a type that nobody knows', changedType(tarOf([file('a')]), 'S'), /not read/],
    ['an entry without a size', tarOf([{ ...file('a'), size: -5 }]), /./],
  ])('that is %s is unreadable', async (_what, bytes, message) => {
    await expect(failure(bytes)).rejects.toMatchObject({
      code: 'LAYER_UNREADABLE',
      message: expect.stringMatching(message),
    })
  })

  test.each([
    [
      'a header of 2 MiB before an entry',
      tarOf([{ name: 'pax', type: 'GlobalExtendedHeader', size: 2 * 1024 * 1024 }]),
    ],
    ['a path of 5,000 bytes', tarOf([file(`${'d/'.repeat(2_500)}f`)])],
    ['a link to a path of 5,000 bytes', tarOf([{ name: 'l', type: 'SymbolicLink', link: 'x'.repeat(5_000) }])],
    ['zstd with a window of 256 MiB', Buffer.from('28b52ffd0090000000', 'hex')],
    ['zstd of one segment of 2 GiB', Buffer.from('28b52ffda0000000800000', 'hex')],
    ['a file of 2 TiB', tarOf([{ ...file('a'), size: 2 * 1024 ** 4 }])],
  ])('with %s is too large', async (_what, bytes) => {
    await expect(failure(bytes)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
  })

  test('with more names than all layers may have is too large, implied folders among them', () => {
    const index = new LayerIndex({ left: 3 })
    const entry = { kind: 'file', size: 0, at: 0 } as const
    index.add('a/b', entry)
    index.add('a/b', entry)
    index.add('a/.wh.c', entry)
    expect(() => index.add('a/d', entry)).toThrow(expect.objectContaining({ code: 'IMAGE_TOO_LARGE' }))
  })
})

/** The type is byte 156, and part of the checksum. */
function changedType(bytes: Buffer, type: string): Buffer {
  const sum = Number.parseInt(bytes.toString('latin1', 148, 154), 8) + type.charCodeAt(0) - (bytes[156] ?? 0)
  const copy = Buffer.from(bytes)
  copy.write(type, 156)
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return copy
}

test.each(['ustar', 'gnu', 'pax'])('what GNU tar writes is read, in the form %s', async (form) => {
  await using folder = await tempFolder('tar')
  const names = ['plain', 'deep/er/file', `long-${'n'.repeat(80)}/${'m'.repeat(90)}`, 'ünï/čôdé']
  if (form !== 'ustar') names.push(`${'very'.repeat(40)}/${'long'.repeat(50)}`, 'é'.repeat(120))
  for (const name of names) {
    mkdirSync(join(folder.path, dirname(name)), { recursive: true })
    writeFileSync(join(folder.path, name), `content of ${name}`)
  }
  const bytes = execFileSync('tar', [`--format=${form}`, '-C', folder.path, '-cf', '-', '.'])
  const lab = imageLab([layerOf(bytes)])
  for (const name of names) expect((await lab.bytes(name)).toString()).toBe(`content of ${name}`)
})

test('a file with holes, as GNU tar writes it, is not taken for a whole one', async () => {
  const sparse: LayerFile = { name: 'PaxHeader', type: 'GlobalExtendedHeader', body: '22 GNU.sparse.major=1\n' }
  const lab = imageLab([layerOf(changedType(tarOf([sparse, file('sparse', 'x')]), 'x'))])
  expect((await lab.find('/sparse')).entry.kind).toBe('special')
})
