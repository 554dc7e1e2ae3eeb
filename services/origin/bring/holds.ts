import type { Clock, Timer } from '../../../lib/base/index.ts'

export interface HoldsInit {
  /** How long a blob stays wanted after the last one who wanted it has left, milliseconds. */
  readonly idleMs: number
  /** It has not been wanted for twice as long: what has begun is given up, too. */
  readonly onGone: () => void
  /** Keeps what is here of it, as long as somebody wants it, until the result is called. */
  readonly keep: () => () => void
}

/**
 * Who wants a blob that is being brought: its readers, those who wait for the whole, those who hear the hashes of its
 * pieces, and the peers who say that they want some of it. Nobody holds it because he brings it himself.
 */
export interface Holds {
  /** Somebody wants it, or all of it with `whole`, until the result is called; once is enough. */
  take(init?: { readonly whole?: boolean | undefined }): () => void
  readonly count: number
  /** Somebody wants all of it. */
  readonly whole: boolean
  /** Nobody has wanted it for a while: nothing more is begun, unless somebody wants it again. */
  readonly over: boolean
  /** Calls `onChange` whenever `whole` or `over` has changed; there is one who listens. */
  listen(onChange: () => void): void
  /** From now on nothing is told. */
  stop(): void
}

class RunHolds implements Holds {
  readonly #clock: Clock
  readonly #init: HoldsInit
  #count = 0
  #wholeCount = 0
  #over = false
  #timer: Timer | undefined
  #letGo: (() => void) | undefined
  #isStopped = false
  #onChange: () => void = () => undefined

  constructor(clock: Clock, init: HoldsInit) {
    this.#clock = clock
    this.#init = init
    this.#wait()
  }

  get count() {
    return this.#count
  }

  get whole() {
    return this.#wholeCount > 0
  }

  get over() {
    return this.#over
  }

  take({ whole = false }: { readonly whole?: boolean | undefined } = {}): () => void {
    this.#timer?.cancel()
    this.#add(1, whole)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#add(-1, whole)
      if (this.#count === 0) this.#wait()
    }
  }

  listen(onChange: () => void): void {
    this.#onChange = onChange
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#release()
  }

  #add(one: 1 | -1, whole: boolean): void {
    const before = [this.whole, this.#over]
    this.#count += one
    if (this.#count === 0) this.#release()
    else if (this.#count === 1 && one > 0 && !this.#isStopped) this.#letGo = this.#init.keep()
    if (whole) this.#wholeCount += one
    if (one > 0) this.#over = false
    if (before[0] !== this.whole || before[1] !== this.#over) this.#onChange()
  }

  #release(): void {
    this.#letGo?.()
    this.#letGo = undefined
  }

  #wait(): void {
    if (this.#isStopped) return
    const { idleMs, onGone } = this.#init
    const later = (then: () => void) => {
      this.#timer = this.#clock.setTimer(idleMs, then, { background: true })
    }
    later(() => {
      this.#over = true
      later(onGone)
      this.#onChange()
    })
  }
}

/** Of a run that has just begun; nobody holds it yet. */
export function holds(clock: Clock, init: HoldsInit): Holds {
  return new RunHolds(clock, init)
}

/** Does the work while somebody wants the blob. */
export async function whileHeld<T>(
  holds: Pick<Holds, 'take'>,
  wish: Parameters<Holds['take']>[0],
  work: () => Promise<T>,
): Promise<T> {
  const release = holds.take(wish)
  try {
    return await work()
  } finally {
    release()
  }
}
