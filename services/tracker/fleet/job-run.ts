import type { JobState, KeptJob, KeptRow, Order, ToldOrder } from '../../../lib/api/index.ts'
import {
  type BackoffPolicy,
  backoffMs,
  type Clock,
  type Deferred,
  deferred,
  type ErrorCode,
  errorTable,
  type OncePerTurn,
  oncePerTurn,
  type Random,
} from '../../../lib/base/index.ts'
import type { PeerId } from '../../../lib/core/index.ts'
import type { JobContent } from './job-content.ts'
import { codeOf, isFinal, type Row } from './job-row.ts'
import type { HostFacts, Posts } from './posts.ts'
import { believable } from './progress.ts'
import { namesOf, whereIs } from './scope.ts'

/** Tries of one host, and the waits between them. */
const TRIES: BackoffPolicy = { attempts: 5, baseMs: 2_000, maxMs: 60_000 }

/** After a restart here a host that had an order is waited for: it may ask late, since nobody answered it for a while. */
const RETURN_MS = 60_000

export interface JobRunComponents {
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly random: Random
  readonly posts: Pick<Posts, 'isWaiting' | 'wake' | 'get'>
  readonly content: JobContent
  /** Keeps these rows, and the job if it has ended; `isAgain` after it failed. @throws JOURNAL_UNAVAILABLE */
  readonly save: (run: JobRun, rows: readonly Row[], isAgain: boolean) => Promise<void>
  /** For what nobody waits for. */
  readonly later: (work: Promise<void>) => void
  /** A host was given an order. */
  readonly onGiven: () => void
}

/**
 * One job: which of its hosts work now, and what became of the others. All changes are made at once, in memory; what has
 * ended for a host is kept before the host hears that it is known. Never more than `atOnce` hosts work.
 */
export class JobRun {
  job: KeptJob
  readonly rows: readonly Row[]
  /** Resolves when the job has ended. */
  readonly over: Deferred<void> = deferred()
  readonly #components: JobRunComponents
  /** By id; by the given name those that nobody has come for. */
  readonly #byName = new Map<string, Row>()
  readonly #waiting = new Set<Row>()
  readonly #running = new Set<Row>()
  /** Have ended, which is not kept yet. */
  readonly #unsaved = new Set<Row>()
  readonly #pump: OncePerTurn
  #active = false
  /** The last order that was given is kept, or could not be. */
  #given: Promise<void> = Promise.resolve()

  constructor(components: JobRunComponents, job: KeptJob, kept: Iterable<readonly [number, KeptRow]>) {
    this.#components = components
    this.job = job
    const returnMs = components.clock.monotonicMs() + RETURN_MS
    const rows = [...kept].sort(([a], [b]) => a - b)
    this.rows = rows.map(([n, row]) => ({ n, kept: row, dueMs: Number.NEGATIVE_INFINITY, returnMs }))
    for (const row of this.rows) {
      this.#byName.set(row.kept.host, row)
      if (row.kept.state === 'waiting') this.#waiting.add(row)
      if (row.kept.state === 'running') this.#running.add(row)
    }
    this.#pump = oncePerTurn(() => this.#wakeHosts())
  }

  get state(): JobState {
    return this.job.ended?.state ?? (this.#active ? 'running' : 'waiting')
  }

  /** Hosts that work now. */
  get working(): number {
    return this.#running.size
  }

  /** The end of some host is known, but not kept: it is kept when the host is heard of again. */
  get isUnsaved(): boolean {
    return this.#unsaved.size > 0
  }

  /** While it is active it gives orders; else it only hears of those that were given. */
  activate(active: boolean): void {
    this.#active = active
    this.#pump.ask()
  }

  /** An order for this host, if it is its turn. Tell it to the host only when `given` has resolved. */
  take(host: HostFacts): Order | undefined {
    const row = this.#rowOf(host)
    if (row === undefined || !this.#waiting.has(row) || !this.#hasRoom || !this.#isDue(row)) return undefined
    row.platform ??= host.platform
    const content = this.#components.content.of(row.platform)
    if (content.state === 'failed') this.#components.later(this.#fail(row, content.code))
    if (content.state !== 'known') return undefined
    this.#begin(row)
    this.#components.onGiven()
    const { id, kind, repository } = this.job
    const where = repository === undefined ? {} : { repository }
    return { job: id, attempt: row.kept.attempts, kind, ...where, items: content.items }
  }

  /**
   * Resolves when it is kept who was given an order, or cannot be kept. A host that heard of its order before would be
   * unknown after a kill; others would take its place, and it would be told to stop and later to begin again.
   */
  given(): Promise<void> {
    return this.#given
  }

  /**
   * A host has asked, and says this of its orders of this job.
   * @throws JOURNAL_UNAVAILABLE when what has ended could not be kept
   */
  async heard(host: HostFacts, told: readonly ToldOrder[]): Promise<void> {
    const row = this.#rowOf(host)
    if (row !== undefined && this.#unsaved.has(row)) await this.#keep([row], true)
    if (row === undefined || isFinal(row.kept.state)) return
    row.returnMs = Number.POSITIVE_INFINITY
    const order = told.find(({ attempt }) => attempt === row.kept.attempts)
    if (order?.state === 'inHand') this.#goesOn(row, order)
    else if (order !== undefined) await this.#ended(row, order)
    // What it was given and does not know has never reached it, or did not outlive its restart.
    else if (this.#running.has(row)) await this.#fail(row, 'ORDER_LOST')
  }

  /** Whether the host should go on with an order of this job that it has. */
  wants(id: PeerId, attempt: number): boolean {
    const row = this.#byName.get(id)
    if (row === undefined || isFinal(row.kept.state) || row.kept.attempts !== attempt) return false
    // After a restart a host is heard of before the job gives orders again.
    return this.#running.has(row) || !this.#active
  }

  /** The host does not come any more. What it was given waits for it, and others may work meanwhile. */
  gone(id: PeerId): void {
    const row = this.#byName.get(id)
    if (row !== undefined) this.#away(row)
  }

  /** Looks what can be done now. Call it regularly. */
  tick(): void {
    const nowMs = this.#components.clock.monotonicMs()
    for (const row of this.#running) if (row.returnMs <= nowMs) this.#away(row)
    if (this.job.ended === undefined && this.#components.clock.now() >= this.job.untilMs)
      this.#components.later(this.#endAll('failed', (row) => this.#reason(row)))
    else this.#pump.ask()
  }

  /** Hosts that work are told to stop when they ask next. */
  cancel(): Promise<void> {
    return this.#endAll('cancelled', () => undefined)
  }

  get #hasRoom(): boolean {
    return this.#active && this.job.ended === undefined && this.#running.size < this.job.atOnce
  }

  #isDue(row: Row): boolean {
    return row.dueMs <= this.#components.clock.monotonicMs()
  }

  /** Hosts that can be given an order ask for it, as many as may work. */
  #wakeHosts(): void {
    const { posts } = this.#components
    for (const row of this.#waiting) {
      if (!this.#hasRoom) return
      const id = row.kept.host as PeerId
      if (this.#isDue(row) && posts.isWaiting(id)) posts.wake(id)
    }
  }

  /** Whoever comes first with a name that stands for nobody yet is the host that was meant. */
  #rowOf(host: HostFacts): Row | undefined {
    const known = this.#byName.get(host.id)
    if (known !== undefined) return known
    const isFree = (name: string) => this.#byName.get(name)?.kept.address === undefined
    const named = namesOf(host).find((name) => this.#byName.has(name) && isFree(name))
    const row = this.#byName.get(named ?? '')
    if (named === undefined || row === undefined) return undefined
    this.#byName.delete(named)
    this.#byName.set(host.id, row)
    row.kept = { ...row.kept, ...whereIs(host), named }
    return row
  }

  #begin(row: Row): void {
    this.#waiting.delete(row)
    this.#running.add(row)
    row.returnMs = Number.POSITIVE_INFINITY
    this.#put(row, { state: 'running', code: undefined })
    const saved = this.#components.save(this, [row], false)
    this.#components.later(saved)
    this.#given = saved.catch(() => undefined)
  }

  #away(row: Row): void {
    if (!this.#running.delete(row)) return
    this.#waiting.add(row)
    this.#put(row, { state: 'waiting', code: 'HOST_AWAY' })
    this.#pump.ask()
  }

  /** It comes back with what it was given before it was away, or before a restart here. */
  #goesOn(row: Row, { progress }: ToldOrder): void {
    if (!this.#running.has(row) && this.#hasRoom) this.#begin(row)
    this.#put(row, { progress: this.#believed(row, progress) })
  }

  async #ended(row: Row, { state, code, progress }: ToldOrder): Promise<void> {
    this.#put(row, { progress: this.#believed(row, progress) })
    if (state === 'failed') return this.#fail(row, codeOf(code))
    this.#leave(row, { state: 'done', code: undefined })
    await this.#keep([row])
  }

  async #fail(row: Row, code: ErrorCode): Promise<void> {
    const attempts = row.kept.attempts + 1
    if (errorTable[code].retryable && attempts < TRIES.attempts) {
      const { clock, random } = this.#components
      this.#running.delete(row)
      this.#waiting.add(row)
      row.dueMs = clock.monotonicMs() + backoffMs(TRIES, attempts, random)
      this.#put(row, { state: 'waiting', code, attempts })
      this.#pump.ask()
    } else {
      this.#leave(row, { state: 'failed', code, attempts })
    }
    await this.#keep([row])
  }

  #leave(row: Row, change: Partial<KeptRow>): void {
    this.#waiting.delete(row)
    this.#running.delete(row)
    this.#put(row, change)
    this.#pump.ask()
  }

  async #endAll(state: 'failed' | 'cancelled', reason: (row: Row) => string | undefined): Promise<void> {
    if (this.job.ended !== undefined) return
    const working = [...this.#running]
    const rows = [...this.#waiting, ...working]
    for (const row of rows) this.#leave(row, { state, code: reason(row) ?? row.kept.code })
    this.#end(state)
    for (const { kept } of working) this.#components.posts.wake(kept.host as PeerId)
    await this.#keep(rows)
  }

  /** Why a host has not done it in time. */
  #reason(row: Row): string {
    const host = this.#components.posts.get(row.kept.host as PeerId)
    if (host === undefined) return 'HOST_AWAY'
    const content = this.#contentOf(row)
    const trouble = content === undefined || content.state === 'known' ? undefined : content.code
    return row.kept.code ?? trouble ?? 'JOB_TIMEOUT'
  }

  #put(row: Row, change: Partial<KeptRow>): void {
    row.kept = { ...row.kept, ...change }
  }

  /** What is known of it now: what a host says must not begin a look. */
  #contentOf({ platform }: Row) {
    return platform === undefined ? undefined : this.#components.content.known(platform)
  }

  #believed(row: Row, progress: ToldOrder['progress']) {
    const content = this.#contentOf(row)
    return believable(progress, content?.state === 'known' ? content.items : undefined)
  }

  #end(state: 'done' | 'failed' | 'cancelled'): void {
    this.job = { ...this.job, ended: { state, atMs: this.#components.clock.now() } }
    this.#components.content.drop()
  }

  async #keep(rows: readonly Row[], isAgain = false): Promise<void> {
    const isOver = this.#waiting.size + this.#running.size === 0
    if (isOver && this.job.ended === undefined)
      this.#end(this.rows.some(({ kept }) => kept.state === 'failed') ? 'failed' : 'done')
    for (const row of rows) if (isFinal(row.kept.state)) this.#unsaved.add(row)
    try {
      await this.#components.save(this, rows, isAgain)
      for (const row of rows) this.#unsaved.delete(row)
    } finally {
      if (isOver) this.over.resolve()
    }
  }
}
