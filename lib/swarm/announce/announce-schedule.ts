import { abortable, type Background, background, backoffMs, deadline, isAbort, type Timer } from '../../base/index.ts'
import type { SwarmId } from '../../core/index.ts'
import type { AnnounceAnswer, AnnounceEntry, AnnounceEvent } from '../outside.ts'
import type {
  AnnounceSchedule,
  AnnounceScheduleComponents,
  AnnounceScheduleInit,
  AnnounceSubject,
} from './announce-contract.ts'
import { SeedSchedule } from './seed-schedule.ts'

interface Entry {
  subject: AnnounceSubject
  /** The event to announce, until a tracker has received it. */
  event: AnnounceEvent
  dueMs: number
  sending: boolean
  failures: number
  /** True when an early extra announce was already made since the last regular answer. */
  hurried: boolean
}

/** Announces that become due within this time join the current batch. */
const COALESCE_MS = 20
const MAX_BATCH = 500
const RETRY = { baseMs: 1_000, maxMs: 30_000, attempts: Number.POSITIVE_INFINITY }
const HURRY = { minMs: 1_000, spreadMs: 1_000 }
const JITTER = 0.2
/** When trackers have come or gone, all nodes see it at about the same time. */
const MOVED_SPREAD_MS = 2_000
const STOP_MS = 2_000

export function announceSchedule(components: AnnounceScheduleComponents, init: AnnounceScheduleInit): AnnounceSchedule {
  return new Schedule(components, init)
}

class Schedule implements AnnounceSchedule {
  readonly #components: AnnounceScheduleComponents
  readonly #init: AnnounceScheduleInit
  /** Downloads, and those completed ones whose completion no tracker has heard of yet. */
  readonly #entries = new Map<SwarmId, Entry>()
  readonly #seeds: SeedSchedule
  #leaving: AnnounceEntry[] = []
  #tasks: Background
  #timer: { readonly timer: Timer; readonly atMs: number } | undefined
  #sentMs = Number.NEGATIVE_INFINITY
  #running = false
  #unfollow: (() => void) | undefined

  constructor(components: AnnounceScheduleComponents, init: AnnounceScheduleInit) {
    this.#components = components
    this.#init = init
    this.#tasks = this.#newTasks()
    this.#seeds = new SeedSchedule(components, { self: init.self, tasks: () => this.#tasks })
  }

  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.#tasks = this.#newTasks()
    this.#seeds.start()
    this.#unfollow = this.#components.announcer.onMoved?.(() => this.#onMoved())
    this.#wakeAt(this.#now)
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    this.#unfollow?.()
    this.#unfollow = undefined
    this.#timer?.timer.cancel()
    this.#timer = undefined
    this.#seeds.pause()
    await this.#tasks.stop()
    for (const { subject } of this.#entries.values()) this.#leaving.push(entryOf(subject, 'stopped'))
    this.#entries.clear()
    await Promise.all([this.#sayGoodbye(), this.#seeds.sayGoodbye()])
  }

  join(subject: AnnounceSubject, heard?: Omit<AnnounceAnswer, 'swarmId'>): void {
    const { swarmId, blob } = subject
    if (subject.leftBytes === 0) {
      this.#seeds.add(blob, swarmId, { awaited: this.#init.seedsAwaited === true })
      return
    }
    this.expect(swarmId)
    const dueMs = this.#now
    const entry: Entry = { subject, event: 'started', dueMs, sending: false, failures: 0, hurried: false }
    this.#entries.set(swarmId, entry)
    if (heard !== undefined) this.#onAnswer(entry, { swarmId, ...heard }, 'started')
    this.#wakeAt(entry.dueMs)
  }

  expect(swarmId: SwarmId): void {
    this.#seeds.remove(swarmId)
    // The trackers must hear in this order that the node lost the blob and pulls it again.
    if (this.#seeds.isPending(swarmId)) this.#seeds.flush()
    this.#leaving = this.#leaving.filter((entry) => entry.swarmId !== swarmId)
  }

  completed(swarmId: SwarmId): void {
    const entry = this.#entries.get(swarmId)
    if (entry === undefined) return
    entry.event = 'completed'
    entry.dueMs = this.#now
    this.#wakeAt(this.#now)
    this.#seeds.add(entry.subject.blob, swarmId, { awaited: true })
  }

  leave(swarmId: SwarmId): void {
    this.#seeds.remove(swarmId)
    const entry = this.#entries.get(swarmId)
    if (entry === undefined) return
    this.#entries.delete(swarmId)
    this.#leaving.push(entryOf(entry.subject, 'stopped'))
    this.#reschedule()
  }

  has(swarmId: SwarmId): boolean {
    return this.#entries.has(swarmId) || this.#seeds.has(swarmId)
  }

  get #now(): number {
    return this.#components.clock.monotonicMs()
  }

  /** Sets the timer to the next due time. */
  #reschedule(): void {
    let dueMs = this.#leaving.length > 0 ? this.#now : Number.POSITIVE_INFINITY
    for (const entry of this.#entries.values()) if (!entry.sending) dueMs = Math.min(dueMs, entry.dueMs)
    this.#wakeAt(dueMs)
  }

  /** Sets the timer to `dueMs` at the latest, but not immediately after the last batch. */
  #wakeAt(dueMs: number): void {
    if (!this.#running) return
    const atMs = Math.max(dueMs, this.#sentMs + COALESCE_MS)
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return
    this.#timer?.timer.cancel()
    this.#timer = undefined
    if (atMs === Number.POSITIVE_INFINITY) return
    const timer = this.#components.clock.setTimer(Math.max(0, atMs - this.#now), () => this.#send(), {
      background: true,
    })
    this.#timer = { timer, atMs }
  }

  #send(): void {
    this.#timer = undefined
    this.#sentMs = this.#now
    const batch = this.#leaving.splice(0, MAX_BATCH)
    const sent: Entry[] = []
    for (const entry of this.#entries.values()) {
      if (batch.length >= MAX_BATCH) break
      if (entry.sending || entry.dueMs > this.#sentMs + COALESCE_MS) continue
      entry.sending = true
      sent.push(entry)
      batch.push(entryOf(entry.subject, entry.event))
    }
    if (batch.length > 0) this.#tasks.run('announce', (signal) => this.#announce(batch, sent, signal))
    this.#reschedule()
  }

  async #announce(batch: readonly AnnounceEntry[], sent: readonly Entry[], signal: AbortSignal): Promise<void> {
    const said = new Map(batch.map(({ swarmId, event }) => [swarmId, event]))
    let answers: readonly AnnounceAnswer[] = []
    try {
      answers = await this.#tell(batch, signal)
    } catch (err) {
      if (signal.aborted) return
      this.#components.logger.warn('failed to announce', { err })
    }
    const bySwarm = new Map(answers.map((answer) => [answer.swarmId, answer]))
    for (const entry of sent) {
      entry.sending = false
      const { swarmId } = entry.subject
      if (this.#entries.get(swarmId) !== entry) continue
      const answer = bySwarm.get(swarmId)
      if (answer === undefined) this.#onUnanswered(entry)
      else this.#onAnswer(entry, answer, said.get(swarmId))
    }
    this.#reschedule()
  }

  /** Some swarms have another tracker, which knows nobody until it is told. */
  #onMoved(): void {
    const atMs = this.#now + this.#components.random.next() * MOVED_SPREAD_MS
    for (const entry of this.#entries.values()) entry.dueMs = Math.min(entry.dueMs, atMs)
    this.#reschedule()
    this.#seeds.tellAgainAt(atMs)
  }

  #onUnanswered(entry: Entry): void {
    entry.dueMs = this.#now + Math.max(COALESCE_MS, backoffMs(RETRY, entry.failures, this.#components.random))
    entry.failures += 1
    entry.subject.onUnanswered()
  }

  #onAnswer(entry: Entry, { peers, intervalMs }: AnnounceAnswer, said: AnnounceEvent | undefined): void {
    const { random } = this.#components
    entry.failures = 0
    // An event that arose during the announce must still be announced, at once.
    const pending = entry.event !== said
    if (said === 'completed' && !pending) this.#entries.delete(entry.subject.swarmId)
    if (!pending) entry.event = 'interval'
    entry.subject.onAnswer(peers)
    const hurry = !entry.hurried && entry.subject.underConnected
    const regularMs = intervalMs * (1 + (random.next() - 0.5) * JITTER)
    const hurriedMs = Math.min(regularMs, HURRY.minMs + random.next() * HURRY.spreadMs)
    entry.hurried = hurry
    if (!pending) entry.dueMs = this.#now + (hurry ? hurriedMs : regularMs)
  }

  #tell(batch: readonly AnnounceEntry[], signal: AbortSignal): Promise<readonly AnnounceAnswer[]> {
    return abortable(this.#components.announcer.announce(this.#init.self(), batch, { signal }), signal)
  }

  async #sayGoodbye(): Promise<void> {
    const { clock, logger } = this.#components
    const limit = deadline(clock, STOP_MS)
    try {
      while (this.#leaving.length > 0) {
        const batch = this.#leaving.splice(0, MAX_BATCH)
        await this.#tell(batch, limit.signal)
      }
    } catch (err) {
      this.#leaving = []
      if (!isAbort(err)) logger.warn('failed to announce the end', { err })
    } finally {
      limit.release()
    }
  }

  #newTasks(): Background {
    return background((name, err) => this.#components.logger.error('a task of the announces failed', { name, err }))
  }
}

function entryOf(subject: AnnounceSubject, event: AnnounceEvent): AnnounceEntry {
  const { blob, swarmId, leftBytes, wantedPeers } = subject
  const stopped = event === 'stopped'
  return { ...blob, swarmId, event, leftBytes, wantPeers: stopped ? 0 : wantedPeers, reports: subject.reports() }
}
