import { expect, test } from '@jest/globals'
import { randomChunks } from '../../kit/images/random-stream.ts'

const sizeBytes = (1 << 20) + 7

test('the same seed gives the same bytes, another seed others, and neither compresses', () => {
  const bytes = (seed: string) => Buffer.concat([...randomChunks(seed, sizeBytes)])
  expect(bytes('a').length).toBe(sizeBytes)
  expect(bytes('a').equals(bytes('a'))).toBe(true)
  expect(bytes('a').equals(bytes('b'))).toBe(false)
  expect(new Set(bytes('a').subarray(-1000)).size).toBeGreaterThan(200)
})
