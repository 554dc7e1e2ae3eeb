import { type AbortOptions, type AppError, type Clock, holders, onAbort, throwIfAborted } from '../base/index.ts'

export interface FairGateInit {
  /** Most that are inside at the same time. */
  readonly max: number
  /** One client may have at most this share of them; at least one place. */
  readonly clientShare: number
  /** Most that wait for a place, of all clients; of one client the same share. */
  readonly maxWaiting: number
  /** Longest wait. */
  readonly waitMs: number
  /** What is told to those who cannot enter. */
  readonly refused: () => AppError
}

/** Lets a limited number in, of which no client can have all. */
export interface FairGate {
  /**
   * Waits for a place; call the result once to leave it. Those who wait enter in their order, except that they let
   * others pass while their client has its share. @throws what `refused` gives; ABORTED
   */
  enter(client: string, options?: AbortOptions): Promise<() => void>
}

interface Waiter {
  readonly client: string
  readonly enter: () => void
}

class Gate implements FairGate {
  readonly #clock: Pick<Clock, 'setTimer'>
  readonly #init: FairGateInit
  readonly #inside = holders()
  readonly #outside = holders()
  readonly #waiting = new Set<Waiter>()

  constructor(clock: Pick<Clock, 'setTimer'>, init: FairGateInit) {
    this.#clock = clock
    this.#init = init
  }

  async enter(client: string, { signal }: AbortOptions = {}): Promise<() => void> {
    throwIfAborted(signal)
    if (!this.#isOpenFor(client)) await this.#wait(client, signal)
    else this.#inside.add(client, 1)
    let left = false
    return () => {
      if (left) return
      left = true
      this.#inside.add(client, -1)
      this.#next()
    }
  }

  #share(of: number) {
    return Math.max(1, Math.floor(of * this.#init.clientShare))
  }

  #isOpenFor(client: string) {
    const { max } = this.#init
    return this.#inside.total < max && this.#inside.of(client) < this.#share(max)
  }

  #wait(client: string, signal: AbortSignal | undefined): Promise<void> {
    const { maxWaiting, waitMs, refused } = this.#init
    if (this.#outside.total >= maxWaiting || this.#outside.of(client) >= this.#share(maxWaiting)) throw refused()
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter)
        this.#outside.add(client, -1)
        timer.cancel()
        takeBack()
      }
      const aborted = () => {
        leave()
        reject(signal?.reason as Error)
      }
      const waiter: Waiter = {
        client,
        enter: () => {
          leave()
          this.#inside.add(client, 1)
          resolve()
        },
      }
      const timer = this.#clock.setTimer(waitMs, () => {
        leave()
        reject(refused())
      })
      this.#waiting.add(waiter)
      this.#outside.add(client, 1)
      const takeBack = onAbort(signal, aborted)
    })
  }

  #next() {
    for (const waiter of this.#waiting) {
      if (this.#inside.total >= this.#init.max) return
      if (this.#isOpenFor(waiter.client)) waiter.enter()
    }
  }
}

export function fairGate(clock: Pick<Clock, 'setTimer'>, init: FairGateInit): FairGate {
  return new Gate(clock, init)
}
