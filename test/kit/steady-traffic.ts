import { expect } from '@jest/globals'
import { eventually } from './eventually.ts'

/** Work that goes on while a test changes something under it. */
export interface SteadyTraffic {
  /** Waits until what is under way now has ended, and another one after it. */
  round(): Promise<void>
  /** Ends it after the one under way; what failed. */
  end(): Promise<readonly unknown[]>
}

/** Does one thing after the other, numbered from 0, until it is told to end. */
export function steadyTraffic(one: (count: number) => Promise<unknown>): SteadyTraffic {
  const failures: unknown[] = []
  let [count, ends] = [0, false]
  const work = async () => {
    for (; !ends; count += 1) await one(count).catch((err: unknown) => failures.push(err))
  }
  const done = work()
  return {
    async round() {
      const from = count
      await eventually(async () => expect(count).toBeGreaterThan(from + 1))
    },
    async end() {
      ends = true
      await done
      return failures
    },
  }
}
