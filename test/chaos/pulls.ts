import type { Random } from '../../lib/base/index.ts'
import type { ByteRange } from '../../lib/core/index.ts'
import type { FixtureManifest } from '../kit/image-fixture.ts'
import { type Asked, ask, bodyJudge, type Ended, rangeJudge, rangesJudge } from './ask.ts'
import { drawn, type ModelBlob } from './model-blob.ts'

/** A blob, and the repository that has it. */
export interface PlacedBlob {
  readonly repository: string
  readonly blob: ModelBlob
}

/** An image that a registry has acknowledged. */
export interface PlacedImage {
  readonly repository: string
  readonly tag: string
  readonly manifest: FixtureManifest
  readonly blobs: readonly ModelBlob[]
}

/** What a client reads of a blob. */
export const readKinds = ['whole', 'range', 'tail', 'ranges', 'open', 'left early', 'prefetch'] as const
export type ReadKind = (typeof readKinds)[number]

const KIB = 1024
const MAX_RANGES = 12
const RANGE_BYTES = { from: 1, to: 700 * KIB }
const PART_BYTES = { from: 1, to: 40 * KIB }

function aRange(size: number, { from, to }: { readonly from: number; readonly to: number }, random: Random): ByteRange {
  const length = Math.min(size, drawn(random, from, to))
  const start = drawn(random, 0, size - length + 1)
  return { start, end: start + length }
}

/** Ranges in order that do not touch, so that the answer has them as they were asked for. */
function someRanges(size: number, random: Random): readonly ByteRange[] {
  const count = Math.min(drawn(random, 2, MAX_RANGES), Math.floor(size / (2 * PART_BYTES.to)))
  const share = Math.floor(size / count)
  return Array.from({ length: count }, (_, index) => {
    const { start, end } = aRange(share - 1000, PART_BYTES, random)
    return { start: index * share + start, end: index * share + end }
  })
}

const single = ({ start, end }: ByteRange) => `bytes=${start}-${end - 1}`
/** As nydusd says of what it prefetches. */
const BEHIND = { 'x-dragonfly-priority': '3', 'x-dragonfly-prefetch': 'true' }

/** One request for a blob, with what its answer must be. */
export function readOf(kind: ReadKind, baseUrl: string, { repository, blob }: PlacedBlob, random: Random): Asked {
  const { size } = blob
  const url = `${baseUrl}/v2/${repository}/blobs/${blob.digest}`
  const part = (range: string, judged: ByteRange, enough?: number): Asked => ({
    ...{ url, headers: { range }, status: 206, judge: rangeJudge(blob, judged, enough) },
  })
  switch (kind) {
    case 'whole':
      return { url, status: 200, judge: rangeJudge(blob, { start: 0, end: size }) }
    case 'range': {
      const range = aRange(size, RANGE_BYTES, random)
      return part(single(range), range)
    }
    case 'tail': {
      const { start, end } = aRange(size, RANGE_BYTES, random)
      return part(`bytes=-${end - start}`, { start: size - (end - start), end: size })
    }
    case 'ranges': {
      const ranges = someRanges(size, random)
      const range = `bytes=${ranges.map((each) => single(each).slice('bytes='.length)).join(', ')}`
      return { url, headers: { range }, status: 206, judge: rangesJudge(blob, ranges) }
    }
    case 'open': {
      const start = drawn(random, 1, size)
      return part(`bytes=${start}-`, { start, end: size })
    }
    case 'left early': {
      const start = drawn(random, 1, size)
      return part(`bytes=${start}-`, { start, end: size }, drawn(random, 1, 200 * KIB))
    }
    case 'prefetch': {
      const range = aRange(size, RANGE_BYTES, random)
      const asked = part(single(range), range)
      return { ...asked, headers: { ...asked.headers, ...BEHIND } }
    }
  }
}

/** A whole image by its tag; ends with the first request that does not end well. */
export async function pullImage(baseUrl: string, image: PlacedImage, boundMs: number, random: Random): Promise<Ended> {
  const { repository, tag, manifest, blobs } = image
  const { mediaType, bytes } = manifest
  const url = `${baseUrl}/v2/${repository}/manifests/${tag}`
  let ended = await ask({ url, headers: { accept: mediaType }, status: 200, judge: bodyJudge(bytes) }, boundMs)
  for (const blob of blobs) {
    if (ended.end !== 'ok') break
    ended = await ask(readOf('whole', baseUrl, { repository, blob }, random), boundMs)
  }
  return ended
}
