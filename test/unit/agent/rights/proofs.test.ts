import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../../lib/core/index.ts'
import { proofs } from '../../../../services/agent/rights/proofs.ts'

const repository = parseRepository('registry.example.com/team/app')
const other = parseRepository('registry.example.com/team/other')
const elsewhere = parseRepository('registry.example.org/team/app')
const blob = digestOf(Buffer.from('a layer'))
const shown = 'Bearer opaque'
const claim = { shown, repository }

const book = (seed = 1) => {
  const clock = fakeClock()
  const kept = proofs({ clock, random: seededRandom(seed) })
  const keep = (what: Parameters<typeof kept.keep>[0], forMs: number) =>
    kept.keep(what, { askedMs: clock.monotonicMs(), forMs })
  return { clock, kept, keep }
}

/** A token that names its end, in seconds of the wall clock. */
const tokenUntil = (exp: unknown) => `Bearer h.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.s`

describe('a proof of right', () => {
  test.each([
    ['other credentials', { shown: 'Bearer opaquf', repository }],
    ['no credentials', { shown: undefined, repository }],
    ['another repository', { shown, repository: other }],
    ['another registry', { shown, repository: elsewhere }],
    ['one blob only', { shown, repository, blob }],
  ])('says nothing of %s', (_, another) => {
    const { kept, keep } = book()
    keep(claim, 1000)
    expect([kept.holds(claim), kept.holds(another)]).toEqual([true, false])
  })

  test('of one blob says nothing of the repository', () => {
    const { kept, keep } = book()
    keep({ ...claim, blob }, 1000)
    expect([kept.holds({ ...claim, blob }), kept.holds(claim)]).toEqual([true, false])
  })

  test('counts from the question, to the end of its time', async () => {
    const { clock, kept } = book()
    const askedMs = clock.monotonicMs()
    await clock.advance(400)
    kept.keep(claim, { askedMs, forMs: 1000 })
    await clock.advance(599)
    expect(kept.holds(claim)).toBe(true)
    await clock.advance(1)
    expect(kept.holds(claim)).toBe(false)
  })

  test('counts no longer than the token with which it was given', async () => {
    const { clock, kept, keep } = book()
    const soon = { shown: tokenUntil(clock.now() / 1000 + 2), repository }
    keep(soon, 60_000)
    await clock.advance(1_999)
    expect(kept.holds(soon)).toBe(true)
    await clock.advance(1)
    expect(kept.holds(soon)).toBe(false)
  })

  test.each([
    ['over already', -1],
    ['over at once', 0],
  ])('is not kept of a token that is %s by this clock', (_, seconds) => {
    const { clock, kept, keep } = book()
    const past = { shown: tokenUntil(clock.now() / 1000 + seconds), repository }
    keep(past, 60_000)
    expect(kept.holds(past)).toBe(false)
  })

  test.each([
    ['text', 'soon'],
    ['nothing', undefined],
    ['a list', [1]],
  ])('takes the time of the config for a token whose end is %s', async (_, exp) => {
    const { clock, kept, keep } = book()
    const odd = { shown: tokenUntil(exp), repository }
    keep(odd, 1000)
    await clock.advance(999)
    expect(kept.holds(odd)).toBe(true)
    await clock.advance(1)
    expect(kept.holds(odd)).toBe(false)
  })

  test('is not kept when the config gives no time', () => {
    const { kept, keep } = book()
    keep(claim, 0)
    expect(kept.holds(claim)).toBe(false)
  })

  test('has a name that does not tell what was shown, and another one in each process', () => {
    const names = [book(1), book(2)].map(({ kept }) => kept.nameOf(claim))
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9+/]{43}=$/)
  })

  test('makes room for others when there are too many', () => {
    const { kept, keep } = book()
    keep(claim, 1000)
    for (let n = 0; n < 20_000; n += 1) keep({ shown: `Bearer ${n}`, repository }, 1000)
    expect([kept.holds(claim), kept.holds({ shown: 'Bearer 19999', repository })]).toEqual([false, true])
  })
})
