import { expect, test } from '@jest/globals'
import { bufferPool } from '../../../../../lib/swarm/torrent/shared/buffer-pool.ts'

test('uses memory again, for any length that its capacity holds', () => {
  const pool = bufferPool(1_000, 1_000)
  const first = pool.take(100, 100)
  expect(pool.usedBytes).toBe(100)
  pool.give(first)
  const second = pool.take(60, 100)
  expect(second.buffer).toBe(first.buffer)
  expect(second).toHaveLength(60)
  expect(pool.take(100, 100).buffer).not.toBe(first.buffer)
  expect(pool.usedBytes).toBe(200)
})

test('keeps memory of each capacity apart', () => {
  const pool = bufferPool(1_000, 1_000)
  const small = pool.take(50, 50)
  pool.give(small)
  expect(pool.take(100, 100).buffer.byteLength).toBe(100)
  expect(pool.take(50, 50).buffer).toBe(small.buffer)
})

test('keeps no more idle memory than its bound', () => {
  const pool = bufferPool(1_000, 100)
  const [first, second] = [pool.take(100, 100), pool.take(100, 100)]
  pool.give(first)
  pool.give(second)
  expect(pool.take(100, 100).buffer).toBe(first.buffer)
  expect(pool.take(100, 100).buffer).not.toBe(second.buffer)
  expect(pool.usedBytes).toBe(200)
})

test('does not use again what was forsaken', () => {
  const pool = bufferPool(1_000, 1_000)
  const lost = pool.take(100, 100)
  pool.forsake(lost)
  expect(pool.usedBytes).toBe(0)
  expect(pool.take(100, 100).buffer).not.toBe(lost.buffer)
})

test('keeps a whole wave as long as something is out, within the bound on all', () => {
  const pool = bufferPool(300, 100)
  const [first, second, third] = [pool.take(100, 100), pool.take(100, 100), pool.take(100, 100)]
  pool.give(first)
  pool.give(second)
  expect([pool.take(100, 100).buffer, pool.take(100, 100).buffer]).toEqual([second.buffer, first.buffer])
  const beyond = pool.take(100, 100)
  pool.give(third)
  pool.give(beyond)
  expect(pool.take(100, 100).buffer === beyond.buffer).toBe(true)
  expect(pool.take(100, 100).buffer === third.buffer).toBe(false)
})

test('lets go of idle memory when it rests', () => {
  const pool = bufferPool(100, 100)
  const used = pool.take(100, 100)
  pool.rest()
  pool.give(used)
  expect(pool.take(100, 100).buffer).toBe(used.buffer)
  pool.give(used)
  pool.rest()
  expect(pool.take(100, 100).buffer).not.toBe(used.buffer)
})
