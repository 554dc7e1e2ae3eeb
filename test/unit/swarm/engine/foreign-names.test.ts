import { describe, expect, test } from '@jest/globals'
import { abortController, type Deferred, deferred, fakeClock } from '../../../../lib/base/index.ts'
import { digestOf, type InfoHash, parseInfoHash, type SwarmId, swarmIdOf } from '../../../../lib/core/index.ts'
import { foreignNames } from '../../../../lib/swarm/engine/foreign-names.ts'

const nameOf = (number: number) => parseInfoHash(number.toString(16).padStart(40, '0'))
const swarmId = swarmIdOf(digestOf(Buffer.from('blob')))

/** Names whose answers the test gives. */
function asked() {
  const clock = fakeClock()
  const looks: {
    readonly infoHash: InfoHash
    readonly answer: Deferred<SwarmId | undefined>
    readonly signal: AbortSignal | undefined
  }[] = []
  const names = foreignNames(clock, {
    swarmOf(infoHash, { signal }) {
      const answer = deferred<SwarmId | undefined>()
      looks.push({ infoHash, answer, signal })
      return answer.promise
    },
  })
  return { clock, looks, names }
}

describe('the names by which stock clients call', () => {
  test('are asked for once, and remembered', async () => {
    const { looks, names } = asked()
    const both = [names.swarmOf(nameOf(1)), names.swarmOf(nameOf(1))]
    looks[0]?.answer.resolve(swarmId)
    expect(await Promise.all(both)).toEqual([swarmId, swarmId])
    expect(await names.swarmOf(nameOf(1))).toBe(swarmId)
    expect(looks).toHaveLength(1)
  })

  test('that nobody knows are asked for again after a while', async () => {
    const { clock, looks, names } = asked()
    const first = names.swarmOf(nameOf(1))
    looks[0]?.answer.resolve(undefined)
    expect([await first, await names.swarmOf(nameOf(1))]).toEqual([undefined, undefined])
    expect(looks).toHaveLength(1)
    await clock.advance(5_000)
    const second = names.swarmOf(nameOf(1))
    looks[1]?.answer.resolve(swarmId)
    expect(await second).toBe(swarmId)
  })

  test('are not asked for by all who make some up', async () => {
    const { clock, looks, names } = asked()
    const some = Array.from({ length: 30 }, (_, i) => names.swarmOf(nameOf(i)))
    expect(looks).toHaveLength(8)
    for (const { answer } of looks) answer.resolve(undefined)
    await Promise.all(some)
    for (let i = 100; i < 130; i += 1) {
      const before = looks.length
      const one = names.swarmOf(nameOf(i))
      if (looks.length > before) looks.at(-1)?.answer.resolve(undefined)
      await one
    }
    expect(looks.length).toBeLessThanOrEqual(20)
    await clock.advance(1_000)
    void names.swarmOf(nameOf(200))
    expect(looks.at(-1)?.infoHash).toBe(nameOf(200))
    looks.at(-1)?.answer.resolve(undefined)
  })

  test('are no longer asked for when nobody waits', async () => {
    const { looks, names } = asked()
    const controller = abortController()
    const one = names.swarmOf(nameOf(1), { signal: controller.signal })
    controller.abort()
    await expect(one).rejects.toMatchObject({ code: 'ABORTED' })
    expect(looks[0]?.signal?.aborted).toBe(true)
  })
})
