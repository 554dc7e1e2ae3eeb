import type { Random } from '../../lib/base/index.ts'

/**
 * Up to `limit` different numbers below `count` with equal chances: the first steps of a Fisher-Yates shuffle, stored
 * sparsely, so that the time does not depend on `count`.
 */
export function pick(count: number, limit: number, random: Random): number[] {
  if (count <= limit) return Array.from({ length: count }, (_, i) => i)
  const moved = new Map<number, number>()
  const out: number[] = []
  for (let i = 0; i < limit; i += 1) {
    const j = i + Math.floor(random.next() * (count - i))
    out.push(moved.get(j) ?? j)
    moved.set(j, moved.get(i) ?? i)
  }
  return out
}
