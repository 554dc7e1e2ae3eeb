import { describe, expect, test } from '@jest/globals'
import { upstreamWays } from '../../../../lib/backend/upstream/upstream-ways.ts'
import { appError, background, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { parseRepositoryName } from '../../../../lib/core/index.ts'

const WAIT_MS = 2_000
const [bad, good] = ['team/bad', 'team/good'].map((name) => parseRepositoryName(name)) as [
  ReturnType<typeof parseRepositoryName>,
  ReturnType<typeof parseRepositoryName>,
]

/** An upstream whose pings go as `ping` says at that time. */
function rig() {
  const clock = fakeClock()
  const changes: boolean[] = []
  const upstream = { ping: () => Promise.resolve(), pings: 0 }
  const ways = upstreamWays(
    {
      clock,
      random: seededRandom(5),
      tasks: background(() => undefined),
      onChange: (isBroken) => void changes.push(isBroken),
    },
    {
      ...{ registry: 'registry.test', waitMs: WAIT_MS },
      ping: () => {
        upstream.pings += 1
        return upstream.ping()
      },
    },
  )
  return { clock, changes, upstream, ways }
}

const silence = () => Promise.reject(appError('BACKEND_UNAVAILABLE', { detail: { waitMs: WAIT_MS } }))
const failure = () => Promise.reject(appError('BACKEND_UNAVAILABLE', { detail: { status: 500 } }))
const answer = () => Promise.resolve('answer')
const outOf = (detail: object) => ({ code: 'UPSTREAM_UNREACHABLE', detail: expect.objectContaining(detail) })

describe('what a repository of an upstream fails with', () => {
  test('by its answers breaks the way to this repository, and to no other one', async () => {
    const { ways, upstream } = rig()
    for (let n = 0; n < 4; n += 1)
      await expect(ways.run(bad, failure)).rejects.toMatchObject({ detail: { status: 500 } })
    for (let n = 0; n < 20; n += 1)
      await expect(ways.run(bad, failure)).rejects.toMatchObject(outOf({ repository: bad }))
    await expect(ways.run(bad, answer)).rejects.toMatchObject(outOf({ repository: bad }))
    expect(await ways.run(good, answer)).toBe('answer')
    expect(ways.brokenFor()).toBeUndefined()
    expect(upstream.pings).toBe(0)
  })

  test('by silence breaks the way to this repository, and has the upstream pinged, which stays whole when it answers', async () => {
    const { ways, upstream, clock, changes } = rig()
    await expect(ways.run(bad, silence)).rejects.toMatchObject(outOf({ repository: bad }))
    await clock.advance(0)
    expect(upstream.pings).toBe(1)
    await expect(ways.run(bad, answer)).rejects.toMatchObject(outOf({ repository: bad }))
    expect(await ways.run(good, answer)).toBe('answer')
    expect(changes).toEqual([])
    await clock.advance(2 * (WAIT_MS + 1_000))
    expect(await ways.run(bad, answer)).toBe('answer')
  })
})

describe('an upstream that does not answer a ping', () => {
  test('is out for all its repositories at once, until it answers one', async () => {
    const { ways, upstream, clock, changes } = rig()
    upstream.ping = silence
    await expect(ways.run(bad, silence)).rejects.toMatchObject(outOf({ repository: bad }))
    await clock.advance(0)
    await expect(ways.run(good, answer)).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      detail: { registry: 'registry.test', retryAfterMs: expect.any(Number) },
    })
    upstream.ping = () => Promise.resolve()
    await clock.advance(1_000)
    await expect(ways.run(good, answer)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
    await clock.advance(0)
    expect(await ways.run(good, answer)).toBe('answer')
    expect(await ways.run(bad, answer)).toBe('answer')
    expect(changes).toEqual([true, false])
  })

  test('is out for who hears from somebody else that he waits in vain', async () => {
    const { ways, upstream, clock } = rig()
    upstream.ping = silence
    ways.suspect(bad)
    expect(ways.refusedFor(bad)).toBeGreaterThan(0)
    expect(ways.refusedFor(good)).toBeUndefined()
    await expect(ways.run(bad, answer)).rejects.toMatchObject(outOf({ repository: bad }))
    await clock.advance(0)
    expect(ways.refusedFor(good)).toBeGreaterThan(0)
  })

  test('is pinged once for all who find it silent at the same time', async () => {
    const { ways, upstream, clock } = rig()
    upstream.ping = () => clock.sleep(WAIT_MS).then(silence)
    const names = Array.from({ length: 10 }, (_, n) => parseRepositoryName(`team/app-${n}`))
    const asked = names.map((name) => ways.run(name, silence).catch((err: unknown) => err))
    for (const outcome of await Promise.all(asked)) expect(outcome).toMatchObject(outOf({}))
    expect(upstream.pings).toBe(1)
    await clock.advance(WAIT_MS)
    expect(ways.brokenFor()).toBeGreaterThan(0)
  })
})
