import { describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { type Candidate, evictInRounds } from '../../../lib/store/eviction.ts'

const candidate = (name: string, kind: 'blob' | 'partial', bytes: number, usedAtMs: number) => ({
  name,
  kind,
  bytes,
  usedAtMs,
  volume: 'disk',
  digest: digestOf(Buffer.from(name)),
})

const old = candidate('old blob', 'blob', 10, 1)
const fresh = candidate('fresh blob', 'blob', 10, 9)
const huge = candidate('huge blob', 'blob', 100, 5)
const empty = candidate('empty blob', 'blob', 0, 0)
const oldPartial = candidate('old partial', 'partial', 10, 0)
const freshPartial = candidate('fresh partial', 'partial', 10, 8)
const upload = (id: string, abandoned: boolean, usedAtMs: number): Candidate => ({
  ...{ kind: 'upload', id, abandoned, usedAtMs },
  bytes: 10,
  volume: 'disk',
})
const all = [freshPartial, fresh, empty, huge, oldPartial, old]

const names = new Map(all.map(({ digest, name }) => [digest, name]))

const nameOf = (each: Candidate) => (each.kind === 'upload' ? each.id : (names.get(each.digest) ?? ''))

/** Names of the evicted blobs in order. `kept` must not be evicted; `busy` is in use when its turn comes. */
async function evicted(
  bytes: number,
  rules: { kept?: readonly string[]; busy?: readonly string[]; all?: readonly Candidate[] } = {},
) {
  const gone: string[] = []
  await evictInRounds(rules.all ?? all, bytes, {
    mayEvict: async (each) => rules.kept?.includes(nameOf(each)) !== true,
    isOver: () => false,
    async evict(each) {
      const name = nameOf(each)
      if (rules.busy?.includes(name) === true) return false
      gone.push(name)
      return true
    },
  })
  return gone
}

describe('an eviction', () => {
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
  ])('takes %s', async (_, bytes, expected) => {
    expect(await evicted(bytes)).toEqual(expected)
  })

  test('passes over what may not go or is in use by then, and takes the next ones for it', async () => {
    expect(await evicted(10, { kept: ['old blob'] })).toEqual(['huge blob'])
    expect(await evicted(101, { busy: ['huge blob'], kept: ['fresh blob'] })).toEqual([
      'old blob',
      'old partial',
      'fresh partial',
    ])
  })

  test('takes abandoned uploads before any blob, and those that are only quiet after everything else', async () => {
    const uploads = [upload('quiet', false, 0), upload('left', true, 8), upload('left long ago', true, 7)]
    const order = await evicted(1000, { all: [...all, ...uploads] })
    expect(order.slice(0, 3)).toEqual(['left long ago', 'left', 'old blob'])
    expect(order.slice(-2)).toEqual(['fresh partial', 'quiet'])
  })

  test('ends when its time is over, so that a writer does not wait for all answers', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => candidate(`blob ${i}`, 'blob', 10, i))
    let asked = 0
    const mayEvict = async () => {
      asked += 1
      return false
    }
    await evictInRounds(many, 10_000, { mayEvict, evict: async () => true, isOver: () => asked > 20 })
    expect(asked).toBe(32)
  })
})
