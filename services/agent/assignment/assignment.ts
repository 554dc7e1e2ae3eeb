import { type AssignmentAnswer, type AssignmentAsker, askAssignment } from '../../../lib/api/index.ts'
import {
  appError,
  type BackoffPolicy,
  backoffMs,
  codeOf,
  deadline,
  isAbort,
  readLinked,
  rounds,
  type Startable,
} from '../../../lib/base/index.ts'
import type { ChangingCluster } from '../../../lib/cluster/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { AssignmentConfig } from './config.ts'
import { type KeptAnswer, keptAnswer } from './kept-answer.ts'
import { type Place, placeRings, placesOf } from './places.ts'

/** Between two looks whether a tracker is left. */
const LOOK_MS = 1_000
/** Longest waits between two questions: at first, and later. */
const RETRY: BackoffPolicy = { baseMs: 1_000, maxMs: 60_000, attempts: Number.POSITIVE_INFINITY }
/** So long a cluster is passed over whose trackers have all failed. */
const OUT_MS = 60_000
/** Who is not where it belongs asks again after this, and at random half of it longer. */
const RETURN_MS = 600_000
/** A manager that does not answer is away. */
const CALL_MS = 5_000
/** Who knows a cluster from before need not be among the first who ask. */
const SPREAD_MS = 5_000
const MAX_TOKEN_BYTES = 4_096

/** Each is replaced as a whole. */
export type AssignedRings = Readonly<Record<(typeof placeRings)[number], ChangingCluster>>

export interface AssignmentComponents extends Pick<Runtime, 'clock' | 'random' | 'logger' | 'metrics'> {
  readonly http: HttpClient
  readonly rings: AssignedRings
}

export interface AssignmentInit extends Omit<AssignmentAsker, 'token'>, AssignmentConfig {
  /** Where the last answer is kept. */
  readonly folder: string
}

/**
 * Puts the agent into the cluster that a manager says. It asks at the start, when all trackers are away, and again while it
 * is elsewhere than it belongs. Nothing waits for the answer: until then, and while no manager answers, the last answer
 * counts, and before any the config. A cluster whose trackers have all failed here is passed over for the next one.
 */
export function assignment(components: AssignmentComponents, init: AssignmentInit): Startable {
  return new Assignment(components, init)
}

class Assignment implements Startable {
  readonly #components: AssignmentComponents
  readonly #init: AssignmentInit
  readonly #kept: KeptAnswer
  readonly #own: Place
  readonly #rounds: Startable
  readonly #count: (outcome: 'answered' | 'refused' | 'failed') => void
  /** Of the last answer that could be used, the best first. */
  #places: readonly Place[] = []
  #now: Place
  /** Until when those are passed over that have failed, by name. */
  readonly #out = new Map<string, number>()
  #isAnswered = false
  #failures = 0
  #askAtMs = 0

  constructor(components: AssignmentComponents, init: AssignmentInit) {
    const { clock, logger, metrics, rings } = components
    this.#components = components
    this.#init = init
    this.#kept = keptAnswer(components, init.folder)
    const [trackers, origins, buildIndexes] = placeRings.map((ring) => rings[ring].members)
    this.#own = { name: '', trackers: trackers ?? [], origins: origins ?? [], buildIndexes: buildIndexes ?? [] }
    this.#now = this.#own
    const help = 'Questions to managers to which cluster this agent belongs, by what came of them.'
    const asked = metrics.counter({ name: 'shoal_assignment_asked_total', help }, ['outcome'])
    this.#count = (outcome) => asked.with({ outcome }).add()
    this.#rounds = rounds(clock, {
      work: (signal) => this.#look(signal),
      onFailure: (err) => logger.error('background task failed', { task: 'assignment', err }),
      retryMs: LOOK_MS,
    })
  }

  async start(): Promise<void> {
    const { clock, random } = this.#components
    const answer = await this.#kept.read()
    if (answer !== undefined && this.#take(answer)) this.#askAtMs = clock.monotonicMs() + random.next() * SPREAD_MS
    this.#move()
    await this.#rounds.start()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  async #look(signal: AbortSignal): Promise<number> {
    const { clock, random } = this.#components
    const isAway = this.#areTrackersAway()
    if (isAway) this.#out.set(this.#now.name, clock.monotonicMs() + OUT_MS)
    const wants = isAway || !this.#isAnswered || this.#now.name !== this.#places[0]?.name
    if (!wants || clock.monotonicMs() < this.#askAtMs) {
      if (isAway) this.#move()
      return LOOK_MS
    }
    const isHeard = await this.#ask(signal)
    this.#move()
    this.#failures = isHeard && !isAway ? 0 : this.#failures + 1
    const pauseMs = isHeard && !isAway ? RETURN_MS * (1 + random.next() / 2) : backoffMs(RETRY, this.#failures, random)
    this.#askAtMs = clock.monotonicMs() + Math.max(LOOK_MS, pauseMs)
    return LOOK_MS
  }

  #areTrackersAway(): boolean {
    const { trackers } = this.#components.rings
    return trackers.members.length > 0 && trackers.members.every(({ id }) => !trackers.isHealthy(id))
  }

  /** The managers in turn; whether one has said something that can be used. */
  async #ask(signal: AbortSignal): Promise<boolean> {
    const { clock, http, logger } = this.#components
    const { zone, host } = this.#init
    for (const url of this.#init.assignment) {
      const limit = deadline(clock, CALL_MS, signal)
      try {
        const asker = { zone, host, token: await this.#token() }
        const answer = await askAssignment(http, url, asker, limit)
        if (!this.#take(answer)) continue
        this.#isAnswered = true
        await this.#kept.write(answer)
        return true
      } catch (err) {
        if (isAbort(err) && signal.aborted) throw err
        const outcome = codeOf(err) === 'ASSIGNMENT_NONE' ? 'refused' : 'failed'
        this.#count(outcome)
        logger[this.#failures === 0 ? 'warn' : 'debug']('failed to ask a manager for a cluster', { manager: url, err })
      } finally {
        limit.release()
      }
    }
    return false
  }

  /** Whether the answer can be used; one that cannot is as none. */
  #take(answer: AssignmentAnswer): boolean {
    try {
      this.#places = placesOf(answer, this.#own)
      this.#count('answered')
      return true
    } catch (err) {
      this.#count('refused')
      this.#components.logger.warn('an assignment cannot be used; those of before stay', { err })
      return false
    }
  }

  /** To the best cluster whose trackers have not failed of late; where all have, it stays. */
  #move(): void {
    const { clock, logger, rings } = this.#components
    const nowMs = clock.monotonicMs()
    const isOut = ({ name }: Place) => (this.#out.get(name) ?? 0) > nowMs
    const next = [...this.#places, this.#own].find((place) => !isOut(place)) ?? this.#now
    if (next.name !== this.#now.name)
      logger.info('this agent goes to another cluster', { from: this.#now.name, to: next.name })
    this.#now = next
    for (const ring of placeRings) rings[ring].replace(next[ring])
  }

  /** @throws CONFIG_INVALID when its file cannot be read */
  async #token(): Promise<string | undefined> {
    const { token, tokenFile } = this.#init
    if (tokenFile === undefined) return token?.()
    try {
      return (await readLinked(tokenFile, MAX_TOKEN_BYTES)).trim()
    } catch (err) {
      throw appError('CONFIG_INVALID', { message: 'manager.tokenFile cannot be read', cause: err })
    }
  }
}
