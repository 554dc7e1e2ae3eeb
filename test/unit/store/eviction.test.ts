import { describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { type Candidate, chooseVictims } from '../../../lib/store/eviction.ts'

const candidate = (name: string, kind: Candidate['kind'], bytes: number, usedAtMs: number) => ({
  name,
  kind,
  bytes,
  usedAtMs,
  digest: digestOf(Buffer.from(name)),
})

const old = candidate('old blob', 'blob', 10, 1)
const fresh = candidate('fresh blob', 'blob', 10, 9)
const huge = candidate('huge blob', 'blob', 100, 5)
const empty = candidate('empty blob', 'blob', 0, 0)
const oldPartial = candidate('old partial', 'partial', 10, 0)
const freshPartial = candidate('fresh partial', 'partial', 10, 8)
const all = [freshPartial, fresh, empty, huge, oldPartial, old]

describe('the choice of what to evict', () => {
  test.each([
    ['nothing when nothing is wanted', 0, []],
    ['nothing when there is already enough', -5, []],
    ['the least recently used blob, though a partial is older', 1, ['old blob']],
    ['exactly enough when the sizes add up', 10, ['old blob']],
    ['the next one too when a byte is missing', 11, ['old blob', 'huge blob']],
    ['partials after all blobs, the oldest first', 121, ['old blob', 'huge blob', 'fresh blob', 'old partial']],
    [
      'all that frees anything when it cannot suffice',
      1000,
      ['old blob', 'huge blob', 'fresh blob', 'old partial', 'fresh partial'],
    ],
  ])('takes %s', (_, bytes, expected) => {
    const names = new Map(all.map(({ digest, name }) => [digest, name]))
    expect(chooseVictims(all, bytes).map(({ digest }) => names.get(digest))).toEqual(expected)
  })

  test('takes nothing from nobody', () => {
    expect(chooseVictims([], 100)).toEqual([])
  })
})
