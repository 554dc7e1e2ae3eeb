import { abortable, type Deferred, deferred } from '../../lib/base/index.ts'
import { type Disturbance, type Step, stepText } from './script.ts'
import type { Stage } from './stage.ts'

/** Plays a script: counts pulls that have ended, and takes the steps when it is their turn. */
export interface Conductor {
  /** One more pull has ended. */
  ended(): void
  /** Takes steps, one at a time, until `goOn` says no; then ends what goes on still. */
  play(steps: Iterable<Step>, goOn: (taken: number) => boolean): Promise<void>
  /** All steps so far. */
  readonly taken: readonly string[]
}

/** A service that stops or starts takes less. */
const STEP_LIMIT_MS = 120_000

export interface ConductorInit {
  /** The next step does not wait longer: pulls may all be waiting for the end of a disturbance. */
  readonly stepMs: number
  /** Told of each step. */
  readonly tell: (line: string) => void
}

export function conductor(stage: Stage, { stepMs, tell }: ConductorInit): Conductor {
  const taken: string[] = []
  let count = 0
  let another: Deferred<void> = deferred()
  const underWay = new Set<Disturbance>()

  const until = async (at: number): Promise<void> => {
    const patience = AbortSignal.timeout(stepMs)
    while (count < at) {
      await abortable(another.promise, patience).catch(() => undefined)
      if (patience.aborted) count = Math.max(count, at)
    }
  }
  const take = async (step: Step): Promise<void> => {
    const { does, disturbance } = step
    const text = stepText(step)
    taken.push(text)
    tell(text)
    const limit = AbortSignal.timeout(STEP_LIMIT_MS)
    await abortable(stage[does](disturbance), limit).catch((cause: unknown) => {
      throw new Error(`failed: ${text}`, { cause })
    })
    if (does === 'begin') underWay.add(disturbance)
    else underWay.delete(disturbance)
  }
  return {
    taken,
    ended() {
      count += 1
      another.resolve()
      another = deferred()
    },
    async play(steps, goOn) {
      for (const step of steps) {
        if (!goOn(taken.length)) break
        await until(step.at)
        await take(step)
      }
      for (const disturbance of underWay) await take({ at: count, does: 'end', disturbance })
    },
  }
}
