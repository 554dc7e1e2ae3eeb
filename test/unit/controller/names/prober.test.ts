import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock } from '../../../../lib/base/index.ts'
import { prober, probeTargets } from '../../../../services/controller/names/prober.ts'

const lab = async (named: readonly string[], others: readonly string[]) => {
  const clock = fakeClock()
  const down = new Set<string>()
  const silent = new Set<string>()
  const asked: string[] = []
  const targets = { named: new Set(named), others: new Set(others) }
  const ports = prober(
    {
      clock,
      async ask(address, { signal }) {
        asked.push(address)
        if (down.has(address)) throw appError('PEER_CLOSED')
        if (silent.has(address)) await clock.sleep(3_600_000, { signal })
      },
    },
    { targets: () => targets },
  )
  await ports.start()
  return { clock, down, silent, asked, targets, ports }
}

describe('data ports', () => {
  test('are asked: those that are named often, the others less often', async () => {
    const { clock, asked, ports } = await lab(['1'], ['2'])
    await clock.advance(20_500)
    const times = (address: string) => asked.filter((one) => one === address).length
    expect([times('1'), times('2')]).toEqual([11, 3])
    await ports.stop()
  })

  test('that refuse or say nothing twice in a row are taken for dead within five seconds, and not after one time', async () => {
    const { clock, down, silent, ports } = await lab(['1', '2', '3'], [])
    await clock.advance(500)
    expect(['1', '2', '3'].map((address) => ports.answers(address))).toEqual([true, true, true])
    down.add('1')
    silent.add('2')
    down.add('3')
    await clock.advance(2_000)
    down.delete('3')
    expect(ports.answers('1')).toBe(true)
    await clock.advance(3_500)
    expect(['1', '2', '3'].map((address) => ports.answers(address))).toEqual([false, false, true])
    await ports.stop()
  })

  test('of which many are silent keep nobody waiting who is named', async () => {
    const dead = Array.from({ length: 500 }, (_, i) => `dead-${i}`)
    const { clock, down, silent, ports } = await lab(['1'], dead)
    for (const address of dead) silent.add(address)
    await clock.advance(3_000)
    expect(ports.answers('1')).toBe(true)
    down.add('1')
    await clock.advance(4_500)
    expect(ports.answers('1')).toBe(false)
    await ports.stop()
    expect(clock.pending).toBe(0)
  })

  test('that wait for their turn are not asked once more for it', async () => {
    const many = Array.from({ length: 500 }, (_, i) => `${i}`)
    const { clock, silent, asked, ports } = await lab([], many)
    for (const address of many) silent.add(address)
    await clock.advance(120_000)
    silent.clear()
    asked.length = 0
    await clock.advance(1_000)
    const times = many.map((address) => asked.filter((one) => one === address).length)
    expect(Math.max(...times)).toBeLessThanOrEqual(2)
    await ports.stop()
  })

  test('that fail now and then, but never twice in a row, are not dead', async () => {
    const { clock, down, asked, ports } = await lab(['1'], [])
    for (let round = 0; round < 6; round += 1) {
      if (round % 2 === 0) down.delete('1')
      else down.add('1')
      await clock.advance(2_000)
      expect(ports.answers('1')).toBe(true)
    }
    expect(asked.length).toBeGreaterThanOrEqual(6)
    await ports.stop()
  })

  test('that are asked when the process stops are not taken for dead', async () => {
    const { clock, down, silent, ports } = await lab(['1'], [])
    await clock.advance(500)
    down.add('1')
    await clock.advance(2_000)
    down.delete('1')
    silent.add('1')
    await clock.advance(1_500)
    await ports.stop()
    expect(ports.answers('1')).toBe(true)
  })

  test('are forgotten with their pods', async () => {
    const { clock, targets, ports } = await lab(['1'], [])
    await clock.advance(1_000)
    targets.named.delete('1')
    await clock.advance(1_000)
    expect(ports.answers('1')).toBeUndefined()
    await ports.stop()
  })

  test('to ask are those of pods that stay, and of records only ours', () => {
    const pod = (address: string, leaving = false) => ({
      ...{ pod: address, address, node: undefined, zone: undefined, kind: 'node' as const },
      ...{ ready: true, leaving, drained: false, cordoned: false },
    })
    const record = (address: string, own: boolean) => ({ name: 'n', address, ttl: 1, own })
    const found = [record('1', true), record('2', false), record('9', true)]
    const { named, others } = probeTargets(found, [pod('1'), pod('2'), pod('3', true)])
    expect([[...named], [...others]]).toEqual([['1'], ['1', '2']])
  })
})
