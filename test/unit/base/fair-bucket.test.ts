import { describe, expect, test } from '@jest/globals'
import { fairBucket, fakeClock } from '../../../lib/base/index.ts'

/** Empty, 100 tokens per second, with turns of 10. */
async function emptied(init: { readonly reserve?: number } = {}) {
  const clock = fakeClock()
  const bucket = fairBucket(clock, { ratePerSecond: 100, burst: 100, turn: 10, ...init })
  // It weighs so much that it has had nothing for it.
  await bucket.flow({ weight: 1e9 }).take(100)
  const startMs = clock.now()
  const served: string[] = []
  const waits = (name: string, of: ReturnType<typeof bucket.flow>, tokens: number, signal?: AbortSignal) => {
    const taking = of.take(tokens, { signal }).then(() => served.push(`${name} ${clock.now() - startMs}`))
    taking.catch(() => undefined)
    return taking
  }
  return { clock, bucket, served, waits }
}

describe('a fair bucket', () => {
  test('serves a flow with one caller before the tenth of another flow', async () => {
    const { clock, bucket, served, waits } = await emptied()
    const [large, small] = [bucket.flow(), bucket.flow()]
    for (let at = 0; at < 10; at += 1) void waits('large', large, 10)
    void waits('small', small, 10)
    await clock.advance(300)
    expect(served).toEqual(['large 100', 'small 200', 'large 300'])
  })

  test('gives flows the same, whatever the size of what they take', async () => {
    const { clock, bucket, served, waits } = await emptied()
    const [coarse, fine] = [bucket.flow(), bucket.flow()]
    for (let at = 0; at < 100; at += 1) {
      void waits('coarse', coarse, 20)
      void waits('fine', fine, 5)
    }
    await clock.advance(4_000)
    const count = (name: string) => served.filter((line) => line.startsWith(name)).length
    expect([count('coarse') * 20, count('fine') * 5]).toEqual([200, 200])
  })

  test('keeps its reserve for short flows', async () => {
    const { clock, bucket, served, waits } = await emptied({ reserve: 20 })
    const [long, short] = [bucket.flow(), bucket.flow({ short: true })]
    for (let at = 0; at < 10; at += 1) void waits('long', long, 10)
    await clock.advance(350)
    void waits('short', short, 20)
    await clock.advance(0)
    expect(served).toEqual(['long 300', 'short 350'])
  })

  test('lets a long flow have every second turn, however much short flows want', async () => {
    const { clock, bucket, served, waits } = await emptied({ reserve: 20 })
    const [long, short] = [bucket.flow(), bucket.flow({ short: true })]
    for (let at = 0; at < 10; at += 1) {
      void waits('short', short, 10)
      void waits('long', long, 10)
    }
    await clock.advance(1_000)
    const names = served.map((line) => line.split(' ')[0])
    expect(names.slice(0, 6)).toEqual(['short', 'long', 'short', 'long', 'short', 'long'])
  })

  test('gives those of one weight together in proportion to it, however many they are', async () => {
    const { clock, bucket, served, waits } = await emptied()
    const light = Array.from({ length: 10 }, () => bucket.flow({ weight: 1 }))
    const heavy = bucket.flow({ weight: 4 })
    for (let at = 0; at < 50; at += 1) {
      for (const flow of light) void waits('light', flow, 10)
      void waits('heavy', heavy, 10)
    }
    await clock.advance(5_000)
    const count = (name: string) => served.filter((line) => line.startsWith(name)).length
    expect([count('light'), count('heavy')]).toEqual([10, 40])
  })

  test('moves all who wait in a flow with it, when its weight changes', async () => {
    const { clock, bucket, served, waits } = await emptied()
    const [heavy, other] = [bucket.flow({ weight: 100 }), bucket.flow({ weight: 1 })]
    for (let at = 0; at < 50; at += 1) {
      void waits('heavy', heavy, 10)
      void waits('other', other, 10)
    }
    await clock.advance(1_000)
    const others = () => served.filter((line) => line.startsWith('other')).length
    const before = others()
    other.weigh(100)
    await clock.advance(1_000)
    expect([before, others() - before]).toEqual([1, 5])
  })

  test('forgets who gives up, and waits for nothing when nobody does', async () => {
    const { clock, bucket, served, waits } = await emptied()
    const [left, stays] = [bucket.flow(), bucket.flow()]
    const controller = new AbortController()
    const leaving = waits('left', left, 50, controller.signal)
    void waits('stays', stays, 10)
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(100)
    expect([served, clock.pending]).toEqual([['stays 100'], 0])
  })
})
