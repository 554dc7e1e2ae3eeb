import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Backend } from '../../lib/backend/index.ts'
import type { FakeClock } from '../../lib/base/index.ts'
import { everyCall } from './every-call.ts'

/** Two that use one backend, each through its own view of it. */
export interface Actors {
  readonly first: (backend: Backend) => Promise<unknown>
  readonly second: (backend: Backend) => Promise<unknown>
}

/** Time that passes when whoever is next waits for the clock. */
const STEP_MS = 2_000
/** Turns of the event loop until a process has come to its next call. */
const TURNS = 4

/**
 * Runs both to their ends, one call of the backend at a time: bit by bit, `schedule` says whose call is made next, 0 the
 * first one's. When the bits are used up, or it has ended, the other one goes on alone.
 */
export async function interleaved(
  { clock, backend }: { readonly clock: FakeClock; readonly backend: Backend },
  { first, second }: Actors,
  schedule: readonly number[],
): Promise<readonly [PromiseSettledResult<unknown>, PromiseSettledResult<unknown>]> {
  const gates: (() => void)[][] = [[], []]
  const isOver = [false, false]
  const run = async (who: 0 | 1, work: (backend: Backend) => Promise<unknown>) => {
    try {
      return await work(stepped(backend, gates[who] as (() => void)[]))
    } finally {
      isOver[who] = true
    }
  }
  const both = Promise.allSettled([run(0, first), run(1, second)])
  const settle = async () => {
    for (let i = 0; i < TURNS; i += 1) await nextTurn()
  }
  await settle()
  for (let at = 0; !isOver.every(Boolean); at += 1) {
    const wanted = schedule[at] ?? 0
    const who = isOver[wanted] === true ? 1 - wanted : wanted
    const gate = gates[who]?.shift()
    if (gate === undefined) await clock.advance(STEP_MS)
    else gate()
    await settle()
    // Who waits for the other one is not waited for: after the schedule both go on by turns.
    if (at >= schedule.length) gates[1 - who]?.shift()?.()
    await settle()
  }
  return both
}

/** The same backend; each call waits until its gate is opened. */
function stepped(backend: Backend, gates: (() => void)[]): Backend {
  const call = async <T>(make: () => Promise<T>): Promise<T> => {
    await new Promise<void>((resolve) => {
      gates.push(resolve)
    })
    return make()
  }
  return everyCall(backend, call)
}

/** All schedules of so many calls. */
export function schedulesOf(calls: number): readonly (readonly number[])[] {
  return Array.from({ length: 2 ** calls }, (_, bits) => Array.from({ length: calls }, (__, at) => (bits >> at) & 1))
}
