import { randomBytes } from 'node:crypto'

/** Taken once: where tests run, each look at a global takes as long as a hundred of these steps. */
const { floor, imul } = Math

/** The only source of randomness. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** `length` unpredictable bytes (predictable in `seededRandom`). */
  bytes(length: number): Uint8Array
}

export function systemRandom(): Random {
  return { next: () => Math.random(), bytes: (length) => randomBytes(length) }
}

/** Mulberry32: the same seed gives the same sequence; only for tests and the simulator. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = imul(t ^ (t >>> 15), t | 1)
    t ^= t + imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const bytes = (length: number) => {
    const drawn = new Uint8Array(length)
    for (let i = 0; i < length; i += 1) drawn[i] = floor(next() * 256)
    return drawn
  }
  return { next, bytes }
}

/** A shuffled copy (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random.next() * (i + 1))
    const a = out[i] as T
    out[i] = out[j] as T
    out[j] = a
  }
  return out
}
