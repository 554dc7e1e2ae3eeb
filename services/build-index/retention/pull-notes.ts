import type { BuildIndex } from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  type Background,
  background,
  type Clock,
  countCache,
  inTurns,
  type Startable,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import { type Repository, repositoryText, type Tag } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { IndexRecords } from '../index-records.ts'
import { pullKey, retentionKeys } from './retention-keys.ts'

/** Of one tag at most one pull is written in this time, in the whole cluster. */
const HOUR_MS = 3_600_000
/** Pulls wait so long to be written. */
const FLUSH_MS = 60_000
/** When nobody has said for so long that pulls are written, some may not have been. */
const GAP_MS = 2 * HOUR_MS
/** How often it is said. */
const SAID_MS = HOUR_MS / 3
/** Tags whose pull was written lately. */
const MAX_NOTED = 100_000
/** Tags whose pull waits to be written. */
const MAX_WAITING = 20_000
/** Records written at the same time. */
const WRITES = 8

export interface PullNotesComponents {
  readonly records: IndexRecords
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * When tags were asked for last, to the hour. A pull is written a minute later at most; one of the last minute before a
 * process was killed is lost.
 */
export interface PullNotes extends Startable {
  /** Somebody asked for the tag, and it is there. */
  note(repository: Repository, tag: Tag): void
  /**
   * From now on `note` is called for others than before: pulls of those were left out since the start. Without any, nothing is
   * said.
   */
  change(to: { readonly isAny: boolean }): void
  /** Since when no pull was left out; undefined: they are not written. @throws what the backend throws */
  recordedSinceMs(options: AbortOptions): Promise<number | undefined>
  /** When the tag was asked for last, as far as that is known. @throws what the backend throws */
  pulledAtMs(repository: Repository, tag: Tag, options: AbortOptions): Promise<number | undefined>
}

interface Waiting {
  readonly repository: Repository
  readonly tag: Tag
  readonly atMs: number
}

export interface PullNotesInit {
  /** As in `change`; default true. */
  readonly isAny?: boolean
}

export function pullNotes(components: PullNotesComponents, init: PullNotesInit = {}): PullNotes {
  return new Notes(components, init)
}

/** The same index, which tells of the tags that are asked for and found, and of those that are set. */
export function withPullNotes(index: BuildIndex, notes: Pick<PullNotes, 'note'>): BuildIndex {
  return {
    ...index,
    async getTag(repository, tag, options) {
      const found = await index.getTag(repository, tag, options)
      if (found !== undefined) notes.note(repository, tag)
      return found
    },
    async putTag(repository, tag, target) {
      await index.putTag(repository, tag, target)
      // The same bytes again do not make a tag younger, but somebody wants it.
      notes.note(repository, tag)
    },
  }
}

class Notes implements PullNotes {
  readonly #components: PullNotesComponents
  readonly #noted
  readonly #waiting = new Map<string, Waiting>()
  #isAny: boolean
  /** How often pulls had to be left out, and how much of that was said. */
  #gaps = 0
  #saidGaps = 0
  #saidMs: number | undefined
  #tasks: Background | undefined

  constructor(components: PullNotesComponents, { isAny = true }: PullNotesInit) {
    this.#components = components
    this.#isAny = isAny
    this.#noted = countCache<true>(components.clock, { ttlMs: HOUR_MS, maxEntries: MAX_NOTED })
  }

  async start(): Promise<void> {
    const { logger } = this.#components
    this.#tasks = background((task, err) => logger.error('background task failed', { task, err }))
    this.#tasks.run('writes when tags were pulled', (signal) => this.#writeOn(signal))
  }

  async stop(): Promise<void> {
    const tasks = this.#tasks
    this.#tasks = undefined
    await tasks?.stop()
    if (tasks !== undefined) await this.#flush({}).catch(() => undefined)
  }

  note(repository: Repository, tag: Tag): void {
    const key = `${repositoryText(repository)} ${tag}`
    if (this.#noted.get(key) === true || this.#waiting.has(key)) return
    if (this.#waiting.size < MAX_WAITING)
      this.#waiting.set(key, { repository, tag, atMs: this.#components.clock.now() })
    else this.#gaps += 1
  }

  change({ isAny }: { readonly isAny: boolean }): void {
    this.#isAny = isAny
    // Before the start the same were noted by those who ran until then.
    if (this.#tasks !== undefined) this.#gaps += 1
  }

  async recordedSinceMs(options: AbortOptions): Promise<number | undefined> {
    if (!this.#isAny || this.#gaps > this.#saidGaps) return undefined
    return (await this.#components.records.read(retentionKeys.pulls, spanIn, options))?.value.sinceMs
  }

  async pulledAtMs(repository: Repository, tag: Tag, options: AbortOptions): Promise<number | undefined> {
    const waits = this.#waiting.get(`${repositoryText(repository)} ${tag}`)
    return waits?.atMs ?? (await this.#components.records.read(pullKey(repository, tag), atMsIn, options))?.value
  }

  async #writeOn(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#components
    for (;;) {
      try {
        await this.#flush({ signal })
      } catch (err) {
        throwIfAborted(signal)
        logger.warn('failed to write when tags were pulled; it is tried again', { err })
      }
      await clock.sleep(FLUSH_MS, { signal })
    }
  }

  async #flush(options: AbortOptions): Promise<void> {
    await inTurns([...this.#waiting], WRITES, async ([key, { repository, tag, atMs }]) => {
      const decide = (writtenMs: number | undefined) =>
        writtenMs !== undefined && atMs < writtenMs + HOUR_MS ? undefined : { atMs }
      await this.#components.records.change(pullKey(repository, tag), { parse: atMsIn, decide }, options)
      this.#waiting.delete(key)
      this.#noted.set(key, true)
    })
    await this.#say(options)
  }

  /** Says that pulls are written, after those until now are. */
  async #say(options: AbortOptions): Promise<void> {
    const { records, clock } = this.#components
    const nowMs = clock.now()
    if (!this.#isAny) return
    const gaps = this.#gaps
    const hasGap = gaps > this.#saidGaps
    if (!hasGap && this.#saidMs !== undefined && nowMs < this.#saidMs + SAID_MS) return
    const decide = (found: Span | undefined) => {
      const goesOn = found !== undefined && !hasGap && nowMs - found.lastMs < GAP_MS
      return { sinceMs: goesOn ? found.sinceMs : nowMs, lastMs: Math.max(nowMs, found?.lastMs ?? 0) }
    }
    await records.change(retentionKeys.pulls, { parse: spanIn, decide }, options)
    this.#saidMs = nowMs
    this.#saidGaps = gaps
  }
}

interface Span {
  readonly sinceMs: number
  readonly lastMs: number
}

/** @throws when it is none */
function numberIn(value: unknown, name: string): number {
  const found: unknown = Reflect.get(Object(value), name)
  if (typeof found === 'number' && Number.isFinite(found)) return found
  throw new TypeError(`${name} is no number`)
}

const atMsIn = (value: unknown): number => numberIn(value, 'atMs')
const spanIn = (value: unknown): Span => ({ sinceMs: numberIn(value, 'sinceMs'), lastMs: numberIn(value, 'lastMs') })
