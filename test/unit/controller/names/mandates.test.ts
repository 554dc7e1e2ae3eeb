import { describe, expect, test } from '@jest/globals'
import type { Mandate } from '../../../../services/controller/names/keeper.ts'
import { mandates } from '../../../../services/controller/names/mandates.ts'

function setUp() {
  const given: (Mandate | undefined)[] = []
  const it = mandates({ empower: (mandate) => void given.push(mandate) })
  const end = new AbortController()
  let isOver = false
  const term = {
    signal: end.signal,
    assert() {
      if (isOver) throw new Error('the term is over')
    },
  }
  const over = () => {
    isOver = true
    end.abort()
  }
  return { it, term, over, end: () => end.abort(), powers: () => given.map((each) => each?.power), given }
}

describe('the right to write', () => {
  test('is the leader’s for its term, and asks the term before each write', async () => {
    const { it, term, over, powers, given } = setUp()
    it.freshness(true)
    const led = it.lead(term)
    expect(() => given[0]?.assert()).not.toThrow()
    over()
    expect(() => given[0]?.assert()).toThrow('the term is over')
    await led
    expect(powers()).toEqual(['leader', undefined])
  })

  test('stays in part with who led until the API server fell silent, and ends when it is heard again', async () => {
    const { it, term, end, powers, given } = setUp()
    it.freshness(false)
    const led = it.lead(term)
    end()
    await led
    expect(powers()).toEqual(['leader', undefined, 'last'])
    expect(given[2]?.signal.aborted).toBe(false)
    it.freshness(true)
    expect(given[2]?.signal.aborted).toBe(true)
    expect(powers()).toEqual(['leader', undefined, 'last', undefined])
  })

  test('does not outlive the process that stops', async () => {
    const { it, term, end, powers } = setUp()
    it.freshness(false)
    const led = it.lead(term)
    await it.stop()
    end()
    await led
    expect(powers()).toEqual(['leader', undefined])
  })
})
