import { describe, expect, test } from '@jest/globals'
import { appError, type BreakerVerdict, breaker, deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'

const PAUSE = { baseMs: 1_000, maxMs: 4_000 }

function rig() {
  const clock = fakeClock()
  const changes: string[] = []
  const made = breaker(
    { clock, random: seededRandom(4) },
    {
      maxNames: 2,
      pause: PAUSE,
      doubts: 3,
      verdict: (err) => (err as { verdict: BreakerVerdict }).verdict,
      broken: (name, { retryAfterMs, cause }) =>
        appError('UPSTREAM_UNREACHABLE', { detail: { name, retryAfterMs }, cause }),
      onChange: (name, isBroken) => void changes.push(`${name} ${isBroken ? 'broken' : 'whole'}`),
    },
  )
  const counts = { works: 0, probes: 0 }
  const fails = (verdict: BreakerVerdict) => () => Promise.reject(Object.assign(new Error(verdict), { verdict }))
  const run = (work: () => Promise<unknown>, { name = 'a', probe = work } = {}) =>
    made.run(name, {
      work: () => {
        counts.works += 1
        return work()
      },
      probe: () => {
        counts.probes += 1
        return probe()
      },
    })
  return { clock, changes, counts, fails, run, made }
}

const unreachable = expect.objectContaining({ code: 'UPSTREAM_UNREACHABLE' })
const good = () => Promise.resolve('good')

describe('a breaker', () => {
  test('lets one call find the way broken, and fails all others at once', async () => {
    const { run, fails, counts, changes } = rig()
    await expect(run(fails('broken'))).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      cause: { message: 'broken' },
      detail: { name: 'a', retryAfterMs: expect.any(Number) },
    })
    for (let n = 0; n < 20; n += 1) await expect(run(good)).rejects.toEqual(unreachable)
    expect(counts).toEqual({ works: 1, probes: 0 })
    expect(changes).toEqual(['a broken'])
    expect(await run(good, { name: 'b' })).toBe('good')
  })

  test('asks by one probe after the pause, for which nobody waits, and is whole when that succeeds', async () => {
    const { run, fails, clock, counts, changes } = rig()
    await expect(run(fails('broken'))).rejects.toEqual(unreachable)
    await clock.advance(PAUSE.baseMs)
    const probed = deferred<string>()
    const probe = () => probed.promise
    await expect(run(good, { probe })).rejects.toEqual(unreachable)
    await expect(run(good, { probe })).rejects.toEqual(unreachable)
    expect(counts).toEqual({ works: 1, probes: 1 })
    probed.resolve('it answers')
    await clock.advance(0)
    expect(await run(good)).toBe('good')
    expect(changes).toEqual(['a broken', 'a whole'])
  })

  test('without a probe has the first call after the pause look, and nobody else', async () => {
    const { fails, clock, made } = rig()
    await expect(made.run('a', { work: fails('broken') })).rejects.toEqual(unreachable)
    await clock.advance(PAUSE.baseMs)
    const answered = deferred<string>()
    const looking = made.run('a', { work: () => answered.promise })
    await expect(made.run('a', { work: good })).rejects.toEqual(unreachable)
    answered.resolve('it answers')
    expect(await looking).toBe('it answers')
    expect(await made.run('a', { work: good })).toBe('good')
  })

  test('takes a probe that leaves doubts for a broken way', async () => {
    const { run, fails, clock, made } = rig()
    await expect(run(fails('broken'))).rejects.toEqual(unreachable)
    await clock.advance(PAUSE.baseMs)
    await expect(run(good, { probe: fails('doubt') })).rejects.toEqual(unreachable)
    await clock.advance(0)
    expect(made.brokenFor('a')).toBeGreaterThan(0)
  })

  test('pauses longer after each probe that fails, up to the longest', async () => {
    const { run, fails, clock, made } = rig()
    await expect(run(fails('broken'))).rejects.toEqual(unreachable)
    const pauses: number[] = []
    for (let n = 0; n < 5; n += 1) {
      pauses.push(made.brokenFor('a')!)
      await clock.advance(Math.ceil(pauses.at(-1)!))
      await expect(run(fails('broken'))).rejects.toEqual(unreachable)
      await clock.advance(0)
    }
    expect(pauses[1]! > pauses[0]! && pauses[2]! > pauses[1]!).toBe(true)
    for (const [n, pause] of pauses.entries()) {
      const most = Math.min(PAUSE.maxMs, PAUSE.baseMs * 2 ** n)
      expect(pause).toBeGreaterThanOrEqual(most / 2)
      expect(pause).toBeLessThanOrEqual(most)
    }
  })

  test('takes doubts in a row for a broken way, but not with an answer between them', async () => {
    const { run, fails } = rig()
    const doubted = expect.objectContaining({ message: 'doubt' })
    await expect(run(fails('doubt'))).rejects.toEqual(doubted)
    await expect(run(fails('doubt'))).rejects.toEqual(doubted)
    await expect(run(fails('whole'))).rejects.toEqual(expect.objectContaining({ message: 'whole' }))
    await expect(run(fails('doubt'))).rejects.toEqual(doubted)
    await expect(run(fails('doubt'))).rejects.toEqual(doubted)
    await expect(run(fails('doubt'))).rejects.toEqual(unreachable)
    await expect(run(good)).rejects.toEqual(unreachable)
  })

  test('learns nothing from a caller who left, also while the way is broken', async () => {
    const { run, fails } = rig()
    const left = deferred<never>()
    const leaving = run(() => left.promise)
    await expect(run(fails('none'))).rejects.toEqual(expect.objectContaining({ message: 'none' }))
    expect(await run(good)).toBe('good')
    await expect(run(fails('broken'))).rejects.toEqual(unreachable)
    left.reject(Object.assign(new Error('left'), { verdict: 'none' }))
    await expect(leaving).rejects.toEqual(expect.objectContaining({ message: 'left' }))
    await expect(run(good)).rejects.toEqual(unreachable)
  })

  test('does not count calls that began before the way broke', async () => {
    const { run, fails, clock, made } = rig()
    const late = deferred<never>()
    const waiting = run(() => late.promise)
    await clock.advance(1)
    await expect(run(fails('broken'))).rejects.toEqual(unreachable)
    const leftMs = made.brokenFor('a')
    late.reject(Object.assign(new Error('late'), { verdict: 'broken' }))
    await expect(waiting).rejects.toEqual(unreachable)
    expect(made.brokenFor('a')).toBe(leftMs)
  })

  test('believes who else has found the way broken, for one pause', async () => {
    const { run, clock, made, counts } = rig()
    made.suspect('a')
    await expect(run(good)).rejects.toEqual(unreachable)
    expect(counts).toEqual({ works: 0, probes: 0 })
    await clock.advance(PAUSE.baseMs)
    await expect(run(good)).rejects.toEqual(unreachable)
    await clock.advance(0)
    expect(await run(good)).toBe('good')
  })

  test('remembers only so many names in trouble', async () => {
    const { run, fails } = rig()
    for (const name of ['a', 'b', 'c']) await expect(run(fails('broken'), { name })).rejects.toEqual(unreachable)
    expect(await run(good, { name: 'a' })).toBe('good')
    await expect(run(good, { name: 'c' })).rejects.toEqual(unreachable)
  })
})
