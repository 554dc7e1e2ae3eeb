import { join } from 'node:path'
import { codeOf, isAppError, makeOwnFolder, readSmall, replaceFile } from '../base/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import type { LiveSettings, ShownSetting } from './live-settings.ts'
import { hashOfValues } from './steering.ts'
import {
  compareSteering,
  type KeptSteering,
  keptSteeringSchema,
  noSteering,
  type SteeringHealth,
  type SteeringReport,
  type SteeringWord,
} from './steering-words.ts'

const FILE = 'settings.json'
const MAX_MESSAGE = 200

/** How a pull ended, for whoever compares settings; `left` and `unread` say nothing of them. */
export type PullEnd = 'done' | 'failed' | 'stalled'

/** A service that obeys what a manager has given to the trackers. */
export interface Steered {
  /** Takes what was kept before the last stop. What no longer fits is left out, and said. */
  load(): Promise<void>
  /** What to tell a tracker. */
  report(): SteeringReport
  /**
   * What a tracker has answered to a report; its word is undefined when it has nothing else to say. A later document is
   * taken at once, an earlier one when all `trackers` have said that they have none as late as the one that runs.
   */
  hear(tracker: string, answer: HeardSteering, trackers: readonly string[]): void
  count(end: PullEnd): void
  /** Resolves when what was taken is kept. */
  settled(): Promise<void>
  readonly status: SteeredStatus
}

export interface HeardSteering {
  readonly asked: SteeringReport
  readonly word: SteeringWord | undefined
}

export interface SteeredStatus extends SteeringReport {
  /** Empty when nobody holds settings. */
  readonly manager: string
  readonly settings: readonly ShownSetting[]
}

export interface SteeredComponents {
  readonly live: LiveSettings
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface SteeredInit {
  /** Where the last settings that could be applied are kept over a restart; undefined: nowhere. */
  readonly folder: string | undefined
}

export function steered(components: SteeredComponents, init: SteeredInit): Steered {
  return new SteeredService(components, init)
}

const nothing: KeptSteering = { version: noSteering, manager: '', values: {} }
const noPulls: SteeringHealth = { done: 0, failed: 0, stalled: 0 }

class SteeredService implements Steered {
  readonly #live: LiveSettings
  readonly #logger: Logger
  readonly #folder: string | undefined
  readonly #taken: (outcome: 'applied' | 'failed') => void
  readonly #generation: (generation: number) => void
  /** Runs, and is kept. */
  #now: KeptSteering = nothing
  #told: SteeringReport = reportOf(nothing)
  /** The last word of each tracker. */
  readonly #words = new Map<string, Pick<SteeringWord, 'version' | 'manager'>>()
  #health = noPulls
  #isSplit = false
  #saving: Promise<void> = Promise.resolve()

  constructor({ live, logger, metrics }: SteeredComponents, { folder }: SteeredInit) {
    this.#live = live
    this.#logger = logger
    this.#folder = folder
    const help = 'Settings from trackers, by what became of them.'
    const taken = metrics.counter({ name: 'shoal_settings_taken_total', help }, ['outcome'])
    for (const outcome of ['applied', 'failed']) taken.with({ outcome })
    const generation = {
      name: 'shoal_settings_generation',
      help: 'Generation of the settings from trackers that run; 0: none.',
    }
    const gauge = metrics.gauge(generation).with({})
    this.#taken = (outcome) => taken.with({ outcome }).add()
    this.#generation = (number) => gauge.set(number)
  }

  get status(): SteeredStatus {
    return { ...this.report(), manager: this.#now.manager, settings: this.#live.shown() }
  }

  async load(): Promise<void> {
    const kept = await this.#kept()
    if (kept !== undefined) this.#take(kept)
  }

  report(): SteeringReport {
    return { ...this.#told, health: this.#health }
  }

  count(end: PullEnd): void {
    const { done, failed, stalled } = this.#health
    this.#health =
      end === 'done'
        ? { done: done + 1, failed, stalled }
        : { done, failed: failed + 1, stalled: stalled + Number(end === 'stalled') }
  }

  hear(tracker: string, { asked, word }: HeardSteering, trackers: readonly string[]): void {
    const { version: told } = this.#told
    this.#words.set(tracker, word ?? { version: asked.version, manager: '' })
    for (const id of this.#words.keys()) if (!trackers.includes(id)) this.#words.delete(id)
    this.#noteManagers()
    if (word === undefined) return
    const isLater = compareSteering(word.version, told) > 0
    if (isLater && word.values !== undefined) this.#takeWord({ ...word, values: word.values })
    else if (isLater && word.hash === this.#told.hash) this.#rename(word)
    else if (!isLater) this.#mayGoBack(trackers)
  }

  async settled(): Promise<void> {
    await this.#saving
  }

  async #kept(): Promise<KeptSteering | undefined> {
    if (this.#folder === undefined) return undefined
    try {
      const bytes = await readSmall(join(this.#folder, FILE))
      return bytes === undefined ? undefined : keptSteeringSchema.parse(JSON.parse(bytes.toString()))
    } catch (err) {
      this.#logger.warn('failed to read the kept settings; those of the config hold until a tracker is heard', { err })
      return undefined
    }
  }

  #takeWord({ version, manager, values }: KeptSteering): void {
    const wanted = { version, manager, values }
    if (this.#take(wanted)) this.#keep(wanted)
  }

  /** False when it cannot be applied: then what ran before runs on. */
  #take(wanted: KeptSteering): boolean {
    const { version, manager, values } = wanted
    const facts = { manager, generation: version.generation }
    this.#health = noPulls
    try {
      this.#live.apply(values)
    } catch (err) {
      const code = codeOf(err) ?? 'UNKNOWN'
      const why = isAppError(err) ? { message: err.message.slice(0, MAX_MESSAGE) } : {}
      this.#told = { ...reportOf(wanted), state: 'failed', code, ...why, runs: this.#now.version.generation }
      this.#taken('failed')
      this.#logger.error('failed to apply settings; those from before hold', { ...facts, err })
      return false
    }
    this.#now = wanted
    this.#told = reportOf(wanted)
    this.#generation(version.generation)
    this.#taken('applied')
    this.#logger.info('settings applied', { ...facts, keys: Object.keys(values) })
    return true
  }

  /** A later document says the same for this host, also when it cannot be applied. */
  #rename({ version, manager }: SteeringWord): void {
    this.#told = { ...this.#told, version }
    if (this.#told.state === 'failed') return
    this.#now = { ...this.#now, version, manager }
    this.#told = reportOf(this.#now)
    this.#generation(version.generation)
    this.#keep(this.#now)
  }

  /** Trackers that have lost what they had say what they have now; one that was only away must not bring back old things. */
  #mayGoBack(trackers: readonly string[]): void {
    const { version: told } = this.#told
    const said = trackers.map((id) => this.#words.get(id)?.version)
    const isEarlier = (version: (typeof said)[number]) => version !== undefined && compareSteering(version, told) < 0
    const isNone = (version: (typeof said)[number]) =>
      version !== undefined && compareSteering(version, noSteering) === 0
    if (!said.every(isEarlier) || said.every(isNone)) return
    this.#logger.warn('all trackers have earlier settings than those that run; theirs are taken', { version: told })
    this.#words.clear()
    this.#told = { ...this.#told, version: noSteering, hash: '' }
  }

  #noteManagers(): void {
    const term = Math.max(...[...this.#words.values()].map(({ version }) => version.term))
    const words = [...this.#words.values()].filter(({ version, manager }) => version.term === term && manager !== '')
    const managers = [...new Set(words.map(({ manager }) => manager))]
    const isSplit = managers.length > 1
    if (isSplit && !this.#isSplit) this.#logger.warn('trackers have settings of different managers', { managers })
    this.#isSplit = isSplit
  }

  #keep(kept: KeptSteering): void {
    const folder = this.#folder
    if (folder === undefined) return
    const save = async () => {
      try {
        await makeOwnFolder(folder)
        await replaceFile(join(folder, FILE), JSON.stringify(kept))
      } catch (err) {
        this.#logger.warn('failed to keep settings; after a restart they come from a tracker', { err })
      }
    }
    this.#saving = this.#saving.then(save)
  }
}

const reportOf = ({ version, values }: KeptSteering): SteeringReport => ({
  ...{ version, hash: hashOfValues(values), state: 'applied', runs: version.generation, health: noPulls },
})
