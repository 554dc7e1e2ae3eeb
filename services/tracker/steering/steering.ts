import {
  compareSteering,
  type EffectiveSettings,
  type HeldSteering,
  noSteering,
  type SteeredHost,
  type SteeringDocument,
  type SteeringRules,
  type SteeringVersion,
  steeringLimits,
  steeringRules,
  type TrackerSettings,
} from '../../../lib/api/index.ts'
import { appError, type Clock, codeOf, isAppError, type Startable } from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { Control } from '../control/control.ts'
import type { EventLog } from '../events/event-log.ts'
import { ownSettings } from './own-settings.ts'
import type { SteeringFile } from './steering-file.ts'

/** What this tracker itself has made of the settings. */
export interface OwnSteering {
  readonly state: 'applied' | 'failed'
  readonly code?: string
  readonly message?: string
  /** Held by the manager here. */
  readonly settings: TrackerSettings
}

/** The settings that a manager holds: in memory, and in a file before the answer. */
export interface Steering extends Startable {
  /**
   * Takes a later generation, also one of which this tracker itself cannot have its part: `own` says so, and all others get
   * theirs. `check` is called when nothing else is being changed. @throws STEERING_HELD, STEERING_STALE, BODY_INVALID when it
   * is too long, and what `check` throws
   */
  put(document: SteeringDocument, check?: () => void): Promise<HeldSteering>
  /** Lets go of all. @throws STEERING_UNKNOWN, and what `check` throws, as at `put` */
  release(check?: () => void): Promise<HeldSteering>
  /** Takes what another tracker holds, when it is later. */
  learn(held: HeldSteering): Promise<void>
  /** What is said to a host. */
  for(host: SteeredHost): EffectiveSettings
  /** Called after each change. */
  onChange(listener: () => void): void
  readonly held: HeldSteering
  readonly own: OwnSteering
}

export interface SteeringComponents {
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Logger
  readonly metrics: Metrics
  readonly file: SteeringFile
  readonly control: Pick<Control, 'steer'>
  readonly events: Pick<EventLog, 'add'>
}

export interface SteeringInit {
  /** The name of this tracker among the others. */
  readonly member: string
}

const nothing: HeldSteering = { version: noSteering }
const noRules: SteeringRules = steeringRules({ manager: '', generation: 0, layers: [] })

export function steering(components: SteeringComponents, init: SteeringInit): Steering {
  return new HeldSettings(components, init)
}

class HeldSettings implements Steering {
  readonly #components: SteeringComponents
  readonly #member: string
  readonly #listeners: (() => void)[] = []
  readonly #generation: (generation: number) => void
  #held = nothing
  #rules = noRules
  #own: OwnSteering = { state: 'applied', settings: {} }
  #last: Promise<unknown> = Promise.resolve()

  constructor(components: SteeringComponents, { member }: SteeringInit) {
    this.#components = components
    this.#member = member
    const help = 'Generation of the settings that a manager holds at this tracker; 0: none.'
    const gauge = components.metrics.gauge({ name: 'shoal_tracker_steering_generation', help }).with({})
    this.#generation = (generation) => gauge.set(generation)
  }

  get held() {
    return this.#held
  }

  get own() {
    return this.#own
  }

  async start(): Promise<void> {
    const kept = await this.#components.file.load()
    if (kept !== undefined) this.#apply(kept)
  }

  async stop(): Promise<void> {
    await this.#last
  }

  put(document: SteeringDocument, check?: () => void): Promise<HeldSteering> {
    return this.#inTurn(async () => {
      check?.()
      const { version, document: before } = this.#held
      assertMayFollow(before, document)
      if (JSON.stringify(before) === JSON.stringify(document)) return this.#held
      assertFits(document)
      const atMs = Math.max(this.#components.clock.now(), version.atMs + 1)
      return this.#take({
        version: { term: version.term, generation: document.generation, ...this.#said(atMs) },
        document,
      })
    })
  }

  release(check?: () => void): Promise<HeldSteering> {
    return this.#inTurn(() => {
      check?.()
      const { version, document } = this.#held
      if (document === undefined) throw appError('STEERING_UNKNOWN')
      const atMs = Math.max(this.#components.clock.now(), version.atMs + 1)
      return this.#take({ version: { term: version.term + 1, generation: 0, ...this.#said(atMs) } })
    })
  }

  async learn(held: HeldSteering): Promise<void> {
    await this.#inTurn(async () => {
      if (compareSteering(held.version, this.#held.version) > 0) await this.#take(held)
    })
  }

  for(host: SteeredHost): EffectiveSettings {
    return this.#rules.of(host)
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #said(atMs: number): Pick<SteeringVersion, 'atMs' | 'by'> {
    return { atMs, by: this.#member }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  /** What is not kept does not hold. */
  async #take(held: HeldSteering): Promise<HeldSteering> {
    await this.#components.file.save(held)
    this.#apply(held)
    const { generation } = held.version
    this.#components.events.add('steering', { generation, manager: held.document?.manager ?? '' })
    for (const listener of this.#listeners) listener()
    return held
  }

  #apply(held: HeldSteering): void {
    const { document } = held
    this.#held = held
    this.#rules = document === undefined ? noRules : steeringRules(document)
    this.#generation(held.version.generation)
    try {
      const settings = this.#ownOf(this.#rules)
      this.#components.control.steer(settings)
      this.#own = { state: 'applied', settings }
    } catch (err) {
      const why = isAppError(err) ? { message: err.message.slice(0, 200) } : {}
      this.#own = { state: 'failed', code: codeOf(err) ?? 'UNKNOWN', ...why, settings: this.#own.settings }
      this.#components.logger.error('failed to apply the settings of a manager; those from before hold', { err })
    }
  }

  #ownOf(rules: SteeringRules): TrackerSettings {
    const id = this.#member
    return ownSettings(rules.of({ kind: 'tracker', id, names: [id] }).values)
  }
}

/** @throws BODY_INVALID */
function assertFits(document: SteeringDocument): void {
  const bytes = Buffer.byteLength(JSON.stringify(document))
  if (bytes <= steeringLimits.maxDocumentBytes) return
  const message = `the document has ${bytes} bytes, and may have ${steeringLimits.maxDocumentBytes}: name fewer hosts`
  throw appError('BODY_INVALID', { message })
}

/** @throws STEERING_HELD, STEERING_STALE */
function assertMayFollow(before: SteeringDocument | undefined, document: SteeringDocument): void {
  if (before === undefined) return
  const { manager, generation } = before
  if (manager !== document.manager) {
    const message = `the settings are held by "${manager}", generation ${generation}; let it let go of them first`
    throw appError('STEERING_HELD', { message, detail: { manager, generation } })
  }
  const isSame = document.generation === generation && JSON.stringify(before) === JSON.stringify(document)
  if (document.generation > generation || isSame) return
  const message = `this tracker has generation ${generation}; give a later one`
  throw appError('STEERING_STALE', { message, detail: { manager, generation } })
}
