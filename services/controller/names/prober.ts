import {
  type AbortOptions,
  type Background,
  background,
  type Clock,
  deadline,
  rounds,
  type Slots,
  type Startable,
  slots,
} from '../../../lib/base/index.ts'
import type { CachePod } from './rules/cache-pod.ts'
import type { FoundRecord } from './rules/plan.ts'

/** Asks the data port at an address; throws, in whatever way, when it does not answer as a cache. */
export type AskPort = (address: string, options: AbortOptions) => Promise<void>

export interface ProbeTargets {
  /** What has a record or is to have one: asked often. */
  readonly named: ReadonlySet<string>
  /** Who may get one: asked less often. */
  readonly others: ReadonlySet<string>
}

/** Whom to ask: caches that have a record, and all that may get one. */
export function probeTargets(found: readonly FoundRecord[], pods: readonly CachePod[]): ProbeTargets {
  const others = new Set<string>()
  for (const { address, leaving } of pods) if (address !== undefined && !leaving) others.add(address)
  // What somebody else has put there is none of ours.
  const named = new Set<string>()
  for (const { own, address } of found) if (own && others.has(address)) named.add(address)
  return { named, others }
}

/** Milliseconds. */
export interface ProbeTimes {
  readonly namedMs: number
  readonly othersMs: number
  /** Longest wait for one answer. */
  readonly answerMs: number
}

export interface ProberInit {
  readonly targets: () => ProbeTargets
  readonly times?: ProbeTimes
}

/** Together with the write they keep a dead cache out of the records within 10 s: two failures and their waits take 5 s. */
const TIMES: ProbeTimes = { namedMs: 2_000, othersMs: 10_000, answerMs: 1_000 }
/** Answers that differ from what is known change it when they come so often in a row. */
const IN_A_ROW = 2
/** Of each of the two kinds of targets: those that are named do not wait behind a thousand that are silent. */
const AT_ONCE = 32
const TICK_MS = 500

interface Known {
  answers: boolean | undefined
  /** Answers in a row that differ from it. */
  against: number
  askedMs: number
  isAsked: boolean
}

/** Knows whether data ports answer, by asking them again and again. */
export interface Prober extends Startable {
  /** Undefined as long as it has not been asked. */
  answers(address: string): boolean | undefined
}

export interface ProberComponents {
  readonly clock: Clock
  readonly ask: AskPort
}

export function prober(components: ProberComponents, init: ProberInit): Prober {
  const ports = new Ports(components, init)
  let tasks = background(() => undefined)
  const sweeps = rounds(components.clock, {
    work: async () => {
      ports.sweep(tasks)
      return TICK_MS
    },
    onFailure: () => undefined,
    retryMs: TICK_MS,
  })
  return {
    answers: (address) => ports.answers(address),
    async start() {
      tasks = background(() => undefined)
      await sweeps.start()
    },
    async stop() {
      await sweeps.stop()
      await tasks.stop()
    },
  }
}

class Ports {
  readonly #clock: Clock
  readonly #ask: AskPort
  readonly #init: ProberInit
  readonly #times: ProbeTimes
  readonly #known = new Map<string, Known>()
  readonly #slots = { named: slots(AT_ONCE), others: slots(AT_ONCE) }

  constructor({ clock, ask }: ProberComponents, init: ProberInit) {
    this.#clock = clock
    this.#ask = ask
    this.#init = init
    this.#times = init.times ?? TIMES
  }

  answers(address: string): boolean | undefined {
    return this.#known.get(address)?.answers
  }

  /** Asks whoever is due, and forgets who is no target any more. */
  sweep(tasks: Background): void {
    const { named, others } = this.#init.targets()
    for (const address of this.#known.keys())
      if (!named.has(address) && !others.has(address)) this.#known.delete(address)
    for (const address of named)
      this.#askIfDue(address, tasks, { everyMs: this.#times.namedMs, slots: this.#slots.named })
    for (const address of others)
      if (!named.has(address))
        this.#askIfDue(address, tasks, { everyMs: this.#times.othersMs, slots: this.#slots.others })
  }

  #askIfDue(address: string, tasks: Background, manner: { readonly everyMs: number; readonly slots: Slots }): void {
    const nowMs = this.#clock.monotonicMs()
    const never = { answers: undefined, against: 0, askedMs: Number.NEGATIVE_INFINITY, isAsked: false }
    const known = this.#known.get(address) ?? never
    this.#known.set(address, known)
    if (known.isAsked || nowMs - known.askedMs < manner.everyMs) return
    known.isAsked = true
    known.askedMs = nowMs
    tasks.run('probe', async (signal) => {
      try {
        const answered = await manner.slots.run(() => this.#once(address, signal), { signal })
        // Nobody is taken for dead since this process stops.
        if (!signal.aborted) this.#note(known, answered)
      } finally {
        known.isAsked = false
      }
    })
  }

  async #once(address: string, outer: AbortSignal): Promise<boolean> {
    const cut = deadline(this.#clock, this.#times.answerMs, outer)
    try {
      await this.#ask(address, { signal: cut.signal })
      return true
    } catch {
      return false
    } finally {
      cut.release()
    }
  }

  #note(known: Known, answered: boolean): void {
    const isNew = known.answers === undefined
    known.against = answered === known.answers ? 0 : known.against + 1
    if (!isNew && known.against < IN_A_ROW) return
    known.answers = answered
    known.against = 0
  }
}
