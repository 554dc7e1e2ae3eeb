import type { IncomingMessage } from 'node:http'
import { type AgeLinks, AgeList, type AppError, appError, type Clock, holders } from '../base/index.ts'
import type { Metrics } from '../telemetry/index.ts'
import { clientOf } from './client-of.ts'

/** One body that is being read into memory. */
export interface HeldBody {
  /** So many bytes more have come. */
  add(bytes: number): void
  close(): void
}

/** The bodies that a listener holds in memory while they come in, whoever sends them. */
export interface BodyBudget {
  /**
   * Begins a body. `refuse` is called at most once, possibly within `add`, and then the body counts no more: with
   * TOOMANYREQUESTS when it has to make room, with REQUEST_TIMEOUT when it takes too long.
   */
  open(req: IncomingMessage, refuse: (err: AppError) => void): HeldBody
}

/** The bodies of all listeners of a service: one budget, and a small one for those who look after the service. */
export interface BodyBudgets {
  /** `reserved` bodies make room for nobody but each other. */
  of(listener: string, init?: { readonly reserved?: boolean }): BodyBudget
}

/** All bodies of a service together, but for the reserved. Beyond it the oldest body of the caller that holds most is refused. */
const MAX_HELD_BYTES = 60 * 1024 * 1024
/** All reserved bodies of a service together; the same beyond it. */
const MAX_RESERVED_BYTES = 4 * 1024 * 1024
/** For a whole body, however it trickles: the largest, a manifest of 4 MiB, takes 82 s at 50 KiB/s. */
const MAX_BODY_MS = 120_000

type Why = 'full' | 'late'

interface Open extends AgeLinks<Open> {
  readonly caller: string
  readonly meter: Meter
  bytes: number
  refuse(why: Why, err: AppError): void
}

export interface BodyBudgetComponents {
  readonly clock: Clock
  readonly metrics: Metrics
}

export function bodyBudgets({ clock, metrics }: BodyBudgetComponents): BodyBudgets {
  const [shared, reserve] = [new Pool(clock, MAX_HELD_BYTES), new Pool(clock, MAX_RESERVED_BYTES)]
  const bytes = metrics.gauge({ name: 'shoal_http_body_bytes', help: 'Bytes of bodies that are not whole yet.' }, [
    'listener',
  ])
  const refused = metrics.counter(
    { name: 'shoal_http_bodies_refused_total', help: 'Bodies that were given up, by reason.' },
    ['listener', 'why'],
  )
  return {
    of(listener, { reserved = false } = {}) {
      const pool = reserved ? reserve : shared
      const gauge = bytes.with({ listener })
      let held = 0
      const meter: Meter = {
        count(more) {
          held += more
          gauge.set(held)
        },
        refused: (why) => refused.with({ listener, why }).add(),
      }
      return { open: (req, refuse) => pool.open(clientOf(req), meter, refuse) }
    },
  }
}

/** What a listener counts of its bodies. */
interface Meter {
  count(bytes: number): void
  refused(why: Why): void
}

class Pool {
  readonly #clock: Clock
  readonly #maxBytes: number
  readonly #held = holders()
  /** Of each caller, the oldest first. */
  readonly #byCaller = new Map<string, AgeList<Open>>()

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock
    this.#maxBytes = maxBytes
  }

  open(caller: string, meter: Meter, refuse: (err: AppError) => void): HeldBody {
    let open = true
    const close = () => {
      if (!open) return
      open = false
      timer.cancel()
      this.#forget(body)
    }
    const body: Open = {
      caller,
      meter,
      bytes: 0,
      older: undefined,
      newer: undefined,
      refuse: (why, err) => {
        close()
        meter.refused(why)
        refuse(err)
      },
    }
    const late = () => body.refuse('late', appError('REQUEST_TIMEOUT', { message: 'the body came too slowly' }))
    const timer = this.#clock.setTimer(MAX_BODY_MS, late)
    const own = this.#byCaller.get(caller) ?? new AgeList()
    own.add(body)
    this.#byCaller.set(caller, own)
    const add = (bytes: number) => {
      if (!open) return
      this.#count(body, bytes)
      this.#makeRoom()
    }
    return { add, close }
  }

  #makeRoom(): void {
    while (this.#held.total > this.#maxBytes) {
      const oldest = this.#byCaller.get(this.#held.largest ?? '')?.oldest
      if (oldest === undefined) return
      oldest.refuse('full', appError('TOOMANYREQUESTS', { message: 'too many bodies are on their way; try again' }))
    }
  }

  #forget(body: Open): void {
    const own = this.#byCaller.get(body.caller)
    own?.remove(body)
    if (own?.size === 0) this.#byCaller.delete(body.caller)
    this.#count(body, -body.bytes)
  }

  #count(body: Open, bytes: number): void {
    body.bytes += bytes
    this.#held.add(body.caller, bytes)
    body.meter.count(bytes)
  }
}
