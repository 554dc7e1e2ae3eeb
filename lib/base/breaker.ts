import type { AppError } from './app-error.ts'
import { type BackoffPolicy, backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import { countCache } from './count-cache.ts'
import type { Random } from './random.ts'

/**
 * What a failure says of the way to a place: nobody answered (`broken`), somebody answered that he cannot (`doubt`), or
 * nothing at all (`none`), as when the caller left. An answer of any other kind says that the way is whole (`whole`).
 */
export type BreakerVerdict = 'broken' | 'doubt' | 'none' | 'whole'

/** How one call is made. */
export interface BreakerCall<T> {
  readonly work: () => Promise<T>
  /**
   * Asks whether the way is whole again; it fails as `work` does. Nobody waits for it. Without it the first call after the
   * pause does its own work, and waits.
   */
  readonly probe?: (() => Promise<unknown>) | undefined
}

/**
 * Circuit breakers by name. A call finds the way to a place broken at most once, and waits for that; until a probe has
 * found the way whole, all others fail at once.
 *
 *     whole ── broken, or `doubts` doubts in a row ──> broken ── pause ──> the next call fails at once, and a probe begins
 *       ^                                                ^                        |
 *       |                                                '──── longer pause ──────|── broken
 *       '──────────────────────────── whole ─────────────────────────────────────'
 */
export interface Breaker {
  /** @throws what `broken` makes while the way is broken, and also from the call that finds it so; what `work` throws */
  run<T>(name: string, call: BreakerCall<T>): Promise<T>
  /** Milliseconds until the next probe; undefined while the way is not known to be broken. */
  brokenFor(name: string): number | undefined
  /** Somebody else has found the way broken: it counts as broken for one pause. */
  suspect(name: string): void
}

export interface BreakerComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly random: Random
}

export interface BreakerInit {
  /** Names in trouble that are remembered; of more, the one that got into trouble first counts as whole. */
  readonly maxNames: number
  /** Between two probes: half to all of base times 2^n, capped. */
  readonly pause: Omit<BackoffPolicy, 'attempts'>
  /** So many doubts in a row, with nothing whole between them, break the way. */
  readonly doubts: number
  readonly verdict: (err: unknown) => BreakerVerdict
  /** `retryAfterMs` is at least 1. */
  readonly broken: (name: string, about: { readonly retryAfterMs: number; readonly cause?: unknown }) => AppError
  /** Told when the way to a name breaks, and when it is whole again. */
  readonly onChange?: (name: string, isBroken: boolean) => void
}

/** A name in trouble. */
interface Trouble {
  doubts: number
  /** Breaks in a row. */
  breaks: number
  /** When it broke last, and when the next probe may begin; undefined while it is only doubted. */
  broken: { readonly sinceMs: number; readonly untilMs: number } | undefined
  isProbed: boolean
}

export function breaker(components: BreakerComponents, init: BreakerInit): Breaker {
  return new NamedBreaker(components, init)
}

class NamedBreaker implements Breaker {
  readonly #components: BreakerComponents
  readonly #init: BreakerInit
  readonly #troubles: ReturnType<typeof countCache<Trouble>>

  constructor(components: BreakerComponents, init: BreakerInit) {
    this.#components = components
    this.#init = init
    this.#troubles = countCache(components.clock, { maxEntries: init.maxNames })
  }

  brokenFor(name: string): number | undefined {
    const until = this.#troubles.get(name)?.broken?.untilMs
    return until === undefined ? undefined : Math.max(0, until - this.#components.clock.monotonicMs())
  }

  async run<T>(name: string, { work, probe }: BreakerCall<T>): Promise<T> {
    const leftMs = this.brokenFor(name)
    if (leftMs === undefined) return this.#watched(name, work)
    const probing = leftMs === 0 ? this.#probe<unknown>(name, probe ?? work) : undefined
    if (probing !== undefined && probe === undefined) return probing as Promise<T>
    probing?.catch(() => undefined)
    throw this.#init.broken(name, { retryAfterMs: this.#retryAfterMs(name) })
  }

  async #watched<T>(name: string, work: () => Promise<T>): Promise<T> {
    const beganMs = this.#components.clock.monotonicMs()
    try {
      const result = await work()
      this.#settle(name, 'whole', beganMs)
      return result
    } catch (err) {
      const verdict = this.#init.verdict(err)
      this.#settle(name, verdict, beganMs)
      const tellsNothing = verdict === 'none' || verdict === 'whole'
      if (tellsNothing || this.brokenFor(name) === undefined) throw err
      throw this.#init.broken(name, { retryAfterMs: this.#retryAfterMs(name), cause: err })
    }
  }

  suspect(name: string): void {
    if (this.brokenFor(name) !== undefined) return
    const trouble = { doubts: 0, breaks: 0, broken: undefined, isProbed: false }
    this.#break(name, trouble)
    this.#troubles.set(name, trouble)
  }

  /** One probe at a time; the way stays broken until it has ended well. Undefined when there is nothing to probe. */
  #probe<T>(name: string, work: () => Promise<T>): Promise<T> | undefined {
    const trouble = this.#troubles.get(name)
    if (trouble?.broken === undefined || trouble.isProbed) return undefined
    trouble.isProbed = true
    return this.#watched(name, work).finally(() => {
      trouble.isProbed = false
    })
  }

  /** What a call that began before the way broke finds says nothing new of it, unless that it is whole. */
  #settle(name: string, verdict: BreakerVerdict, beganMs: number): void {
    const known = this.#troubles.get(name)
    if (verdict === 'none') return
    if (verdict === 'whole') {
      this.#troubles.delete(name)
      if (known?.broken !== undefined) this.#init.onChange?.(name, false)
      return
    }
    if (known?.broken !== undefined && beganMs < known.broken.sinceMs) return
    const trouble = known ?? { doubts: 0, breaks: 0, broken: undefined, isProbed: false }
    trouble.doubts += 1
    const isBroken = verdict === 'broken' || trouble.broken !== undefined || trouble.doubts >= this.#init.doubts
    if (isBroken) this.#break(name, trouble)
    if (known === undefined) this.#troubles.set(name, trouble)
  }

  #break(name: string, trouble: Trouble): void {
    const { clock, random } = this.#components
    const sinceMs = clock.monotonicMs()
    const longest = { baseMs: this.#init.pause.baseMs, maxMs: this.#init.pause.maxMs, attempts: 1 }
    const mostMs = Math.min(longest.maxMs, longest.baseMs * 2 ** trouble.breaks)
    const untilMs = sinceMs + mostMs / 2 + backoffMs(longest, trouble.breaks, random) / 2
    const isNew = trouble.broken === undefined
    trouble.broken = { sinceMs, untilMs }
    trouble.breaks += 1
    if (isNew) this.#init.onChange?.(name, true)
  }

  #retryAfterMs(name: string): number {
    return Math.ceil(Math.max(1, this.brokenFor(name) ?? 0))
  }
}
