import { describe, expect, test } from '@jest/globals'
import { entityTag, ifMatchHolds, ifNoneMatchHits, ifRangeHolds } from '../../../lib/http/conditions.ts'
import {
  contentRange,
  parseContentRange,
  parseRange,
  type RangeRequest,
  unsatisfiedContentRange,
} from '../../../lib/http/index.ts'
import { MAX_RANGES } from '../../../lib/http/range.ts'

const whole: RangeRequest = { kind: 'whole' }
const excessive: RangeRequest = { kind: 'excessive' }
const unsatisfiable: RangeRequest = { kind: 'unsatisfiable' }
const single = (start: number, end: number): RangeRequest => ({ kind: 'single', range: { start, end } })
const several = (...ranges: [number, number][]): RangeRequest => ({
  kind: 'several',
  ranges: ranges.map(([start, end]) => ({ start, end })),
})

describe('parseRange', () => {
  test.each<[string | undefined, RangeRequest]>([
    [undefined, whole],
    ['', whole],
    ['bytes=0-0', single(0, 1)],
    ['bytes=2-4', single(2, 5)],
    ['bytes=2-', single(2, 10)],
    ['bytes=-3', single(7, 10)],
    ['bytes=-10', single(0, 10)],
    ['bytes=-99999999999999999999', single(0, 10)],
    ['bytes=0-99999999999999999999', single(0, 10)],
    ['bytes=9-12', single(9, 10)],
    [' Bytes = 2 - 4 ', single(2, 5)],
    ['bytes=10-', unsatisfiable],
    ['bytes=10-12', unsatisfiable],
    ['bytes=4-2', unsatisfiable],
    ['bytes=-0', unsatisfiable],
    ['items=0-1', whole],
    ['bytes', whole],
    ['bytes=', whole],
    ['bytes=-', whole],
    ['bytes=a-b', whole],
    ['bytes=1', whole],
    ['bytes=1.5-2', whole],
    ['bytes=--2', whole],
    ['bytes=0x1-2', whole],
    ['bytes=0-1,x', whole],
    ['bytes=0-1,', whole],
    ['bytes=0-1,4-5', several([0, 2], [4, 6])],
    ['bytes=4-5, 0-1', several([4, 6], [0, 2])],
    ['bytes=0-1,2-3', several([0, 2], [2, 4])],
    ['bytes=0-5,2-3', several([0, 6], [2, 4])],
    ['bytes=0-1,20-30', several([0, 2])],
    ['bytes=0-4,5-9', several([0, 5], [5, 10])],
    ['bytes=0-4,5-9,0-0', excessive],
    ['bytes=0-,0-', excessive],
    ['bytes=0-,x', whole],
    ['bytes=20-30,40-', unsatisfiable],
    ['bytes=0-1,-1', several([0, 2], [9, 10])],
  ])('of 10 bytes, %p', (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected)
  })

  test.each(['bytes=0-0', 'bytes=0-', 'bytes=-1'])('of nothing, %p cannot be satisfied', (header) => {
    expect(parseRange(header, 0)).toEqual(unsatisfiable)
  })

  test('more ranges than a client needs are refused', () => {
    const asking = (count: number) => `bytes=${Array.from({ length: count }, (_, i) => `${i * 2}-${i * 2}`).join()}`
    expect(parseRange(asking(MAX_RANGES), 10_000)).toMatchObject({ kind: 'several', ranges: { length: 1024 } })
    expect(parseRange(asking(MAX_RANGES + 1), 10_000)).toEqual(excessive)
  })
})

describe('Content-Range', () => {
  test('is written with an inclusive end', () => {
    expect(contentRange({ start: 2, end: 5 }, 10)).toBe('bytes 2-4/10')
    expect(unsatisfiedContentRange(10)).toBe('bytes */10')
  })

  test.each([
    ['bytes 2-4/10', { range: { start: 2, end: 5 }, size: 10 }],
    ['bytes 2-4/*', { range: { start: 2, end: 5 }, size: undefined }],
    ['2-4', { range: { start: 2, end: 5 }, size: undefined }],
    ['bytes */10', { range: undefined, size: 10 }],
    ['bytes 4-2/10', undefined],
    ['bytes 2-10/10', undefined],
    ['bytes 2-', undefined],
    ['*', undefined],
    ['', undefined],
    [undefined, undefined],
    ['items 0-1/2', undefined],
  ])('%p is read as %p', (header, expected) => {
    expect(parseContentRange(header)).toEqual(expected)
  })
})

describe('conditions against the tag sha256:aa', () => {
  const tag = 'sha256:aa'

  test.each([
    [undefined, false],
    ['"sha256:aa"', true],
    ['sha256:aa', true],
    ['W/"sha256:aa"', true],
    ['"x", "sha256:aa"', true],
    ['*', true],
    ['"sha256:ab"', false],
    ['', false],
  ])('If-None-Match %p hits: %p', (header, expected) => {
    expect(ifNoneMatchHits(header, tag)).toBe(expected)
  })

  test.each([
    [undefined, true],
    ['"sha256:aa"', true],
    ['*', true],
    ['W/"sha256:aa"', false],
    ['"sha256:ab"', false],
  ])('If-Match %p holds: %p', (header, expected) => {
    expect(ifMatchHolds(header, tag)).toBe(expected)
  })

  test.each([
    [undefined, true],
    [entityTag(tag), true],
    ['W/"sha256:aa"', false],
    ['"sha256:ab"', false],
    ['Wed, 21 Oct 2015 07:28:00 GMT', false],
  ])('If-Range %p holds: %p', (header, expected) => {
    expect(ifRangeHolds(header, tag)).toBe(expected)
  })
})
