import { expect, test } from '@jest/globals'
import type { Upstream } from '../../../lib/backend/index.ts'
import { appError, fakeClock } from '../../../lib/base/index.ts'
import { digestOf, parseRegistryHost, parseRepositoryName, type Referrer } from '../../../lib/core/index.ts'
import { upstreamReferrers } from '../../../services/build-index/upstream/upstream-referrers.ts'

const repository = { registry: parseRegistryHost('registry.test'), name: parseRepositoryName('team/app') }
const subject = digestOf(Buffer.from('subject'))
const referrers = Array.from({ length: 120 }, (_, i): Referrer => {
  return { digest: digestOf(Buffer.from(`${i}`)), mediaType: 'a/b', size: i }
})
const sorted = referrers.map(({ digest }) => digest).toSorted()

/** Lists of an upstream that says what it is told to. */
function lab(fresh: number) {
  const clock = fakeClock()
  const state = { asked: 0, says: async (): Promise<readonly Referrer[] | undefined> => referrers }
  const upstream = {
    referrers() {
      state.asked += 1
      return state.says()
    },
  } as unknown as Upstream
  const lists = upstreamReferrers({ clock }, { freshMs: () => fresh })
  return { clock, state, list: (last?: Referrer['digest']) => lists.list(upstream, repository, subject, { last }) }
}

const out = () => Promise.reject(appError('UPSTREAM_UNREACHABLE'))

test('an upstream is asked once in the time that a list counts as fresh', async () => {
  const { clock, state, list } = lab(60_000)
  await list()
  await clock.advance(59_999)
  await list()
  expect(state.asked).toBe(1)
  await clock.advance(1)
  await list()
  expect(state.asked).toBe(2)
})

test('pages are of one list, in the order of the digests, also when it counts as fresh at no time', async () => {
  const { state, list } = lab(0)
  const first = await list()
  const second = await list(first.next)
  const third = await list(second.next)
  expect([first, second, third].flatMap((page) => page.referrers.map(({ digest }) => digest))).toEqual(sorted)
  expect([first, second, third].map(({ referrers: { length }, merged }) => [length, merged])).toEqual([
    [50, true],
    [50, true],
    [20, true],
  ])
  expect([third.next, state.asked]).toEqual([undefined, 1])
  await list()
  expect(state.asked).toBe(2)
})

test('what an upstream listed last is given with its time while it is out', async () => {
  const { clock, state, list } = lab(0)
  const saidAt = clock.now()
  const { staleSinceMs, referrers: before } = await list()
  expect(staleSinceMs).toBeUndefined()
  await clock.advance(5_000)
  state.says = out
  expect(await list()).toMatchObject({ referrers: before, merged: true, staleSinceMs: saidAt })
})

test.each([
  ['lists none', async () => undefined],
  ['is out, and nothing is known', out],
  ['does not show it', () => Promise.reject(appError('BACKEND_DENIED'))],
])('the fallback tag is asked when the upstream %s', async (_, says) => {
  const { state, list } = lab(0)
  state.says = says
  expect(await list()).toEqual({ referrers: [] })
})

test('an upstream whose list cannot be read is not taken for one that has none', async () => {
  const { state, list } = lab(0)
  state.says = () => Promise.reject(appError('UNSUPPORTED'))
  await expect(list()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
})
