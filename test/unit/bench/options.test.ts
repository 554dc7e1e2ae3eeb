import { describe, expect, test } from '@jest/globals'
import { numberOptions, sizeOptions } from '../../bench/options.ts'

describe('the options of a bench', () => {
  test('are lists of numbers, and the defaults where nothing is given', () => {
    const defaults = { agents: [10, 50], layers: [1, 4] }
    expect(numberOptions(['--agents', '2,3'], defaults)).toEqual({ agents: [2, 3], layers: [1, 4] })
  })

  test('are one number each where a list makes no sense', () => {
    expect(sizeOptions(['--gib', '0.5'], { gib: 3, pulls: 50 })).toEqual({ gib: 0.5, pulls: 50 })
    expect(() => sizeOptions(['--gib', '1,2'], { gib: 3 })).toThrow('--gib takes one number')
  })

  test.each(['0', '-1', 'many', ''])('refuse "%s"', (text) => {
    expect(() => numberOptions([`--agents=${text}`], { agents: [1] })).toThrow('must be a number above 0')
  })

  test('refuse an option that the bench does not have', () => {
    expect(() => numberOptions(['--agent', '1'], { agents: [1] })).toThrow("Unknown option '--agent'")
  })
})
