import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../lib/base/index.ts'
import { disturbanceKinds, type Step, script, stepText, type World } from './script.ts'

const world: World = {
  agents: ['agent-1', 'agent-2'],
  origins: ['origin-1', 'origin-2'],
  others: ['tracker-1', 'build-index-1'],
  ...{ proxies: ['proxy-1'], liar: 'agent-3', smallDisks: ['agent-1'] },
}

function first(count: number, seed: number, of: World = world): readonly Step[] {
  const steps = script(of, seededRandom(seed))
  return Array.from({ length: count }, () => steps.next().value as Step)
}

const texts = (steps: readonly Step[]) => steps.map(stepText)

describe('a script of chaos', () => {
  test('is the same for the same seed, and another one for another', () => {
    expect(texts(first(200, 7))).toEqual(texts(first(200, 7)))
    expect(texts(first(200, 7))).not.toEqual(texts(first(200, 8)))
  })

  test('has every kind of disturbance, but fills no disk where there is none', () => {
    const kindsOf = (steps: readonly Step[]) => new Set(steps.map(({ disturbance }) => disturbance.kind))
    expect(kindsOf(first(500, 1))).toEqual(new Set(disturbanceKinds))
    expect(kindsOf(first(500, 1, { ...world, smallDisks: [] })).has('full')).toBe(false)
  })

  test('never goes back, disturbs no target in two ways at once, and no more than four', () => {
    const underWay = new Set<string>()
    let at = 0
    let most = 0
    for (const step of first(2000, 3)) {
      const { target } = step.disturbance
      expect(step.at).toBeGreaterThanOrEqual(at)
      expect(underWay.has(target)).toBe(step.does === 'end')
      if (step.does === 'begin') underWay.add(target)
      else underWay.delete(target)
      at = step.at
      most = Math.max(most, underWay.size)
    }
    expect(most).toBe(4)
  })
})
