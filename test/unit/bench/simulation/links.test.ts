import { describe, expect, test } from '@jest/globals'
import { fakeClock, tokenBucket } from '../../../../lib/base/index.ts'
import { Link } from '../../../bench/simulation/link.ts'
import { Timeline } from '../../../bench/simulation/timeline.ts'
import { Turns } from '../../../bench/simulation/turns.ts'

const MB = 1e6

describe('a link', () => {
  test('lets one pass after the other', () => {
    const link = new Link(MB)
    expect([link.pass(0, 100_000), link.pass(0, 100_000), link.pass(500, 100_000)]).toEqual([100, 200, 600])
  })

  test('with a head start lets pass when the rate limit of a node does', async () => {
    const clock = fakeClock()
    const burst = MB
    const bucket = tokenBucket(clock, { ratePerSecond: MB, burst })
    const link = new Link(MB, burst)
    const sizes = [600_000, 600_000, 300_000, 1_000_000, 200_000]
    const real: number[] = []
    const taken = sizes.map((size) => bucket.take(size).then(() => real.push(clock.monotonicMs())))
    for (let step = 0; step < 400; step += 1) await clock.advance(5)
    await Promise.all(taken)
    for (const [at, size] of sizes.entries()) expect(Math.abs(link.pass(0, size) - (real[at] ?? 0))).toBeLessThan(6)
  })
})

describe('turns at a link', () => {
  const sent = (torrents: number, sizes: readonly (readonly [number, number, boolean?])[]) => {
    const timeline = new Timeline()
    const seen: (readonly [number, number])[] = []
    const onPassed = ({ name }: { readonly name: number }, nowMs: number) => seen.push([name, nowMs])
    const link = new Link(MB)
    type Item = { readonly name: number; readonly tokens: number; readonly over: boolean }
    const turns = new Turns<Item>({ timeline, link, turn: 1_000, torrents, onPassed })
    for (const [name, [torrent, tokens, over = false]] of sizes.entries()) turns.add(torrent, { name, tokens, over })
    timeline.run(1_000, () => false)
    return seen
  }

  test('are those of the torrents, not of the requests', () => {
    const order = sent(2, [...Array.from({ length: 4 }, () => [0, 1_000] as const), [1, 1_000], [1, 1_000]])
    expect(order.slice(0, 3).map(([name]) => name)).toContain(4)
    expect(order.at(-1)).toEqual([3, 6])
  })

  test('are not taken by what nobody waits for any more', () => {
    expect(
      sent(1, [
        [0, 1_000],
        [0, 1_000, true],
        [0, 1_000],
      ]),
    ).toEqual([
      [0, 1],
      [2, 2],
    ])
  })
})
