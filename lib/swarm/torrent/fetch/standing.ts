import type { Alarm, Wheel } from '../../../base/index.ts'
import { isHigherClass, type PullClass } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { PeerConnection } from '../../peer/index.ts'

export interface StandingComponents {
  readonly wheel: Wheel
  readonly limits: Pick<SwarmLimits, 'classSinkMs'>
}

export interface StandingInit {
  /** That of the most important reader; undefined while nobody reads. */
  readonly wanted: () => PullClass | undefined
  readonly onChange: (pullClass: PullClass) => void
}

type Told = Pick<PeerConnection, 'hello' | 'sendClass'>

/**
 * The class at which a blob is asked for, which each peer that gives is told. It rises at once with a more important reader,
 * and sinks a while after the last one left, so that readers who come and go cost no messages. What nobody reads stays where
 * it was.
 */
export class Standing {
  readonly #components: StandingComponents
  readonly #init: StandingInit
  readonly #peers = new Map<string, Told>()
  /** Due when it may sink. */
  readonly #sink: Alarm
  #now: PullClass

  constructor(components: StandingComponents, init: StandingInit) {
    this.#components = components
    this.#init = init
    this.#sink = components.wheel.alarm(() => this.#become(this.#wanted))
    this.#now = init.wanted() ?? 'normal'
  }

  get pullClass(): PullClass {
    return this.#now
  }

  add(connection: Told): void {
    this.#peers.set(connection.hello.peerId, connection)
    // Who is told nothing takes it for the usual one.
    if (this.#now !== 'normal') connection.sendClass(this.#now)
  }

  remove(id: string): void {
    this.#peers.delete(id)
  }

  /** Who reads may have changed. */
  look(): void {
    const wanted = this.#wanted
    if (isHigherClass(this.#now, wanted))
      this.#sink.by(this.#components.wheel.nowMs + this.#components.limits.classSinkMs)
    else {
      this.#sink.cancel()
      this.#become(wanted)
    }
  }

  stop(): void {
    this.#sink.cancel()
    this.#peers.clear()
  }

  get #wanted(): PullClass {
    return this.#init.wanted() ?? this.#now
  }

  #become(pullClass: PullClass): void {
    if (pullClass === this.#now) return
    this.#now = pullClass
    for (const peer of this.#peers.values()) peer.sendClass(pullClass)
    this.#init.onChange(pullClass)
  }
}
