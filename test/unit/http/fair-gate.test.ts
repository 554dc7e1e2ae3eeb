import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock } from '../../../lib/base/index.ts'
import { type FairGateInit, fairGate } from '../../../lib/http/fair-gate.ts'

const busy = { code: 'LISTENER_BUSY' }

function gateLab(init: Partial<FairGateInit> = {}) {
  const clock = fakeClock()
  const refused = () => appError('LISTENER_BUSY')
  const gate = fairGate(clock, { max: 4, clientShare: 0.5, maxWaiting: 4, waitMs: 1000, refused, ...init })
  /** Who came in, in order. */
  const entered: string[] = []
  const enter = async (client: string, signal?: AbortSignal) => {
    const leave = await gate.enter(client, { signal })
    entered.push(client)
    return leave
  }
  return { clock, gate, enter, entered }
}

describe('a gate', () => {
  test('lets one client have its share only, and others pass those of it that wait', async () => {
    const { enter, entered } = gateLab()
    const leave = await enter('a')
    await enter('a')
    const third = enter('a')
    await enter('b')
    expect(entered).toEqual(['a', 'a', 'b'])
    leave()
    leave()
    await third
    expect(entered).toEqual(['a', 'a', 'b', 'a'])
  })

  test('never has more inside than it may, and no more of one client, in whatever order they come and go', async () => {
    const { enter } = gateLab({ maxWaiting: 1000, waitMs: 1e9 })
    const inside: string[] = []
    let most = 0
    let mostOfOne = 0
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const client = i % 5 < 3 ? 'eager' : `client ${i % 5}`
        const leave = await enter(client)
        inside.push(client)
        most = Math.max(most, inside.length)
        mostOfOne = Math.max(mostOfOne, inside.filter((each) => each === client).length)
        for (let turn = 0; turn < 20 + (i % 4); turn += 1) await Promise.resolve()
        inside.splice(inside.indexOf(client), 1)
        leave()
      }),
    )
    expect([most, mostOfOne]).toEqual([4, 2])
  })

  test('refuses at once when too many wait already, of all or of one client', async () => {
    const { enter, clock } = gateLab()
    for (const client of ['a', 'a', 'b', 'b']) await enter(client)
    const waiting = [enter('a'), enter('a')].map((each) => expect(each).rejects.toMatchObject(busy))
    await expect(enter('a')).rejects.toMatchObject(busy)
    waiting.push(...[enter('b'), enter('c')].map((each) => expect(each).rejects.toMatchObject(busy)))
    await expect(enter('d')).rejects.toMatchObject(busy)
    await clock.advance(1000)
    await Promise.all(waiting)
    expect(clock.pending).toBe(0)
  })

  test('forgets who gives up, and keeps nothing of it', async () => {
    const { enter, clock } = gateLab()
    const leaves = [await enter('a'), await enter('a')]
    const controller = new AbortController()
    const given = expect(enter('a', controller.signal)).rejects.toMatchObject({ code: 'ABORTED' })
    controller.abort(appError('ABORTED'))
    await given
    expect(clock.pending).toBe(0)
    for (const leave of leaves) leave()
    await Promise.all([enter('a'), enter('a')])
  })
})
