import type { Startable } from '../../../lib/base/index.ts'

/** One thing at a time, which is replaced while it is in use: each is stopped when the last that began with it has ended. */
export interface Succession<T> extends Startable {
  readonly now: T
  /** Whoever begins from now on has `next`. `onFailed` hears it when that does not start. */
  replace(next: T, onFailed: (err: unknown) => void): void
  /** `work` has one and the same until it ends. */
  during<R>(work: (it: T) => Promise<R>): Promise<R>
}

interface Reign<T> {
  readonly it: T
  /** Never fails. */
  started: Promise<unknown>
  uses: number
}

/** Its start is that of the first. `stop` also stops those that are still in use. */
export function succession<T extends Startable>(first: T): Succession<T> {
  let now: Reign<T> = { it: first, started: Promise.resolve(), uses: 0 }
  let isRunning = false
  /** Replaced, and not stopped yet. */
  const former = new Set<Reign<T>>()
  const ending = new Set<Promise<unknown>>()

  const end = (one: Reign<T>) => {
    former.delete(one)
    const stopped: Promise<unknown> = one.it
      .stop()
      .catch(() => undefined)
      .finally(() => ending.delete(stopped))
    ending.add(stopped)
  }
  const endUnused = (one: Reign<T>) => {
    if (one !== now && one.uses === 0 && former.has(one)) end(one)
  }

  return {
    get now() {
      return now.it
    },
    async start() {
      if (isRunning) return
      await now.it.start()
      isRunning = true
    },
    async stop() {
      isRunning = false
      for (const one of former) end(one)
      await Promise.all([now.it.stop(), ...ending])
    },
    replace(next, onFailed) {
      const before = now
      now = { it: next, started: isRunning ? next.start().catch(onFailed) : Promise.resolve(), uses: 0 }
      former.add(before)
      endUnused(before)
    },
    async during(work) {
      const mine = now
      mine.uses += 1
      try {
        await mine.started
        return await work(mine.it)
      } finally {
        mine.uses -= 1
        endUnused(mine)
      }
    },
  }
}
