import type { IncomingMessage } from 'node:http'
import { type AgeLinks, AgeList, type AppError, appError, type Clock, holders } from '../base/index.ts'
import type { Gauge, Metrics } from '../telemetry/index.ts'
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

/** All bodies of a listener together. Beyond it the oldest body of the caller that holds most is refused. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
/** For a whole body, however it trickles: the largest, a manifest of 4 MiB, takes 82 s at 50 KiB/s. */
const MAX_BODY_MS = 120_000

type Why = 'full' | 'late'

interface Open extends AgeLinks<Open> {
  readonly caller: string
  bytes: number
  refuse(why: Why, err: AppError): void
}

export function bodyBudget(components: BodyBudgetComponents, listener: string): BodyBudget {
  return new SharedBudget(components, listener)
}

export interface BodyBudgetComponents {
  readonly clock: Clock
  readonly metrics: Metrics
}

class SharedBudget implements BodyBudget {
  readonly #clock: Clock
  readonly #held = holders()
  /** Of each caller, the oldest first. */
  readonly #byCaller = new Map<string, AgeList<Open>>()
  readonly #gauge: Gauge
  readonly #refused: (why: Why) => void

  constructor({ clock, metrics }: BodyBudgetComponents, listener: string) {
    const help = 'Bytes of bodies that are not whole yet.'
    const refused = metrics.counter(
      { name: 'shoal_http_bodies_refused_total', help: 'Bodies that were given up, by reason.' },
      ['listener', 'why'],
    )
    this.#clock = clock
    this.#gauge = metrics.gauge({ name: 'shoal_http_body_bytes', help }, ['listener']).with({ listener })
    this.#refused = (why) => refused.with({ listener, why }).add()
  }

  open(req: IncomingMessage, refuse: (err: AppError) => void): HeldBody {
    let open = true
    const close = () => {
      if (!open) return
      open = false
      timer.cancel()
      this.#forget(body)
    }
    const body: Open = {
      caller: clientOf(req),
      bytes: 0,
      older: undefined,
      newer: undefined,
      refuse: (why, err) => {
        close()
        this.#refused(why)
        refuse(err)
      },
    }
    const late = () => body.refuse('late', appError('REQUEST_TIMEOUT', { message: 'the body came too slowly' }))
    const timer = this.#clock.setTimer(MAX_BODY_MS, late)
    const own = this.#byCaller.get(body.caller) ?? new AgeList()
    own.add(body)
    this.#byCaller.set(body.caller, own)
    const add = (bytes: number) => {
      if (!open) return
      this.#count(body, bytes)
      this.#makeRoom()
    }
    return { add, close }
  }

  #makeRoom(): void {
    while (this.#held.total > MAX_HELD_BYTES) {
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
    this.#gauge.set(this.#held.total)
  }
}
