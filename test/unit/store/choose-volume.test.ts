import { describe, expect, test } from '@jest/globals'
import { chooseVolume } from '../../../lib/store/disk/choose-volume.ts'

const keys = Array.from({ length: 3000 }, (_, i) => `key ${i}`)
const shareOf = (volume: string, rooms: Readonly<Record<string, number>>) => {
  const list = Object.entries(rooms).map(([name, bytes]) => ({ volume: name, bytes }))
  return keys.filter((key) => chooseVolume(key, list) === volume).length / keys.length
}

describe('the choice of a volume', () => {
  test('gives each a share that follows its room', () => {
    expect(shareOf('a', { a: 100, b: 100 })).toBeCloseTo(0.5, 1)
    expect(shareOf('a', { a: 300, b: 100 })).toBeCloseTo(0.75, 1)
  })

  test('gives nothing to a full one, unless all are full', () => {
    expect(shareOf('a', { a: 0, b: 1 })).toBe(0)
    expect(shareOf('a', { a: -5, b: 1 })).toBe(0)
    expect(shareOf('a', { a: 0, b: -1 })).toBeCloseTo(0.5, 1)
  })

  test('is the same for the same key, and moves only to a volume that is added', () => {
    const two = ['a', 'b'].map((volume) => ({ volume, bytes: 100 }))
    const three = [...two, { volume: 'c', bytes: 100 }]
    const moved = keys.filter((key) => chooseVolume(key, two) !== chooseVolume(key, three))
    expect(moved.every((key) => chooseVolume(key, three) === 'c')).toBe(true)
    expect(moved.length / keys.length).toBeCloseTo(1 / 3, 1)
  })

  test('is nothing without volumes', () => {
    expect(chooseVolume('key', [])).toBeUndefined()
  })
})
