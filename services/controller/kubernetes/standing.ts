import {
  type AbortOptions,
  abortable,
  appError,
  type Background,
  type BackoffPolicy,
  background,
  codeOf,
  deadline,
  hasCode,
  retry,
} from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { Election, ElectionComponents, ElectionInit, ElectionState } from './election.ts'
import { claimedSpec, freeFrom, leaseRecord, returnedSpec, type SeenLease } from './lease-record.ts'
import type { KubeObject } from './object.ts'
import { resources } from './resource.ts'
import { type LiveTerm, liveTerm } from './term.ts'

/** Candidates ask at different times. */
const JITTER = 0.2
const SUFFIX_BYTES = 6
/** The stop waits so long at most for the lease to be given back. */
const RETURN_MS = 2_000
/** Whoever waits for it would wait for its whole time otherwise. */
const RETURN: BackoffPolicy = { baseMs: 100, maxMs: 500, attempts: 4 }

/** See Election. */
export function election(components: ElectionComponents, init: ElectionInit): Election {
  return new Standing(components, init)
}

/** One candidate: looks at the lease, takes it when it is free, renews it, gives it back; one step after the other. */
class Standing implements Election {
  readonly #components: ElectionComponents
  readonly #init: ElectionInit
  readonly #logger: Logger
  readonly #meters: ReturnType<typeof electionMeters>
  #identity: string
  #seen: SeenLease | undefined
  /** Of the lease as it was seen. */
  #version: string | undefined
  #seenAtMs: number | undefined
  #failure: string | undefined
  /** The lease as this process has written it last. */
  #own: KubeObject | undefined
  /** A write was sent, and not answered. */
  #inDoubt = false
  #term: LiveTerm | undefined
  /** What is done in the last term; settles when it is over. */
  #work: Promise<void> = Promise.resolve()
  #hasFailed = false
  #tasks: Background | undefined

  constructor(components: ElectionComponents, init: ElectionInit) {
    this.#components = components
    this.#init = init
    this.#identity = init.identity
    this.#logger = components.logger.child({ lease: init.lease })
    this.#meters = electionMeters(components.metrics)
  }

  get state(): ElectionState {
    const record = this.#seen?.record
    return {
      identity: this.#identity,
      isLeading: this.#term?.isOver === false,
      ...{ holder: record?.holder, transitions: record?.transitions ?? 0 },
      ...{ seenAtMs: this.#seenAtMs, failure: this.#failure },
    }
  }

  async start(): Promise<void> {
    if (this.#tasks !== undefined) return
    // Another one in each life: nobody takes over from himself what a process before has done.
    const suffix = Buffer.from(this.#components.random.bytes(SUFFIX_BYTES)).toString('hex')
    this.#identity = `${this.#init.identity}_${suffix}`
    this.#tasks = background((_, err) => this.#logger.error('the election ended', { err }))
    this.#tasks.run('stand', (signal) => this.#stand(signal))
  }

  async stop(): Promise<void> {
    const tasks = this.#tasks
    this.#tasks = undefined
    await tasks?.stop()
  }

  async #stand(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#components
    const { retryMs, leaseMs } = this.#init.timings
    while (!signal.aborted) {
      let pauseMs = retryMs
      if (this.#hasFailed) {
        await this.#giveBack()
        // Others come first.
        pauseMs = leaseMs
      } else if (this.#term?.isOver === false) await this.#renew(this.#term, signal)
      else {
        const freeInMs = await this.#tryToLead(signal)
        pauseMs = Math.min(freeInMs, retryMs * (1 + JITTER * random.next()))
      }
      await clock.sleep(pauseMs, { signal }).catch(() => undefined)
    }
    await this.#giveBack()
  }

  /** Returns in how many milliseconds the lease may be taken over; nobody waits longer than that for the next try. */
  async #tryToLead(signal: AbortSignal): Promise<number> {
    const { clock, kube } = this.#components
    const { leaseMs } = this.#init.timings
    try {
      // Nothing of the last term may still be under way.
      await abortable(this.#work, signal)
      const found = await this.#look(signal)
      const freeMs = freeFrom(this.#seen, { identity: this.#identity, leaseMs })
      const freeInMs = (freeMs ?? 0) - clock.monotonicMs()
      if (freeMs !== undefined && freeInMs > 0) return Math.ceil(freeInMs)
      const sentMs = clock.monotonicMs()
      await this.#write(signal, (options) => {
        const spec = claimedSpec(found, { identity: this.#identity, leaseMs, nowMs: clock.now() })
        return found === undefined
          ? kube.writes.create(resources.leases, { metadata: { name: this.#init.lease }, spec }, options)
          : kube.writes.replace(resources.leases, { ...found, spec }, options)
      })
      this.#begin(sentMs)
    } catch (err) {
      if (!hasCode(err, 'KUBE_CONFLICT', 'KUBE_EXISTS')) this.#fail(err, signal)
    }
    return Number.POSITIVE_INFINITY
  }

  async #renew(term: LiveTerm, signal: AbortSignal): Promise<void> {
    const { clock, kube } = this.#components
    const { leaseMs } = this.#init.timings
    try {
      if (this.#inDoubt) this.#own = await this.#look(signal)
      const own = this.#own
      if (own === undefined || leaseRecord(own).holder !== this.#identity) {
        term.end('another has the lease')
        return
      }
      const sentMs = clock.monotonicMs()
      await this.#write(signal, (options) => {
        const spec = claimedSpec(own, { identity: this.#identity, leaseMs, nowMs: clock.now() })
        return kube.writes.replace(resources.leases, { ...own, spec }, options)
      })
      term.renewed(sentMs)
    } catch (err) {
      if (hasCode(err, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND')) term.end('somebody else has changed the lease')
      else this.#fail(err, signal)
    }
  }

  #begin(sentMs: number): void {
    const { clock } = this.#components
    const { renewMs } = this.#init.timings
    // The answer came so late that the term is over already.
    if (clock.monotonicMs() - sentMs >= renewMs) return
    const onEnd = (why: string) => {
      this.#meters.leads.set(0)
      this.#logger.info('leads no longer', { why })
    }
    const term = liveTerm(clock, { sentMs, renewMs, onEnd })
    this.#term = term
    this.#meters.leads.set(1)
    this.#meters.terms.add()
    this.#logger.info('leads', { identity: this.#identity })
    this.#work = this.#lead(term)
  }

  async #lead(term: LiveTerm): Promise<void> {
    try {
      await this.#init.lead(term)
    } catch (err) {
      if (term.isOver) return
      this.#hasFailed = true
      this.#logger.error('the leader failed, and gives the lease back', { err })
    }
  }

  /** What the term does ends first, so that whoever comes next is alone. */
  async #giveBack(): Promise<void> {
    const { clock } = this.#components
    const mayHold = this.#term?.isOver === false || this.#inDoubt
    this.#term?.end('it gives the lease back')
    await this.#work
    this.#hasFailed = false
    if (!mayHold) return
    const limit = deadline(clock, RETURN_MS)
    try {
      const { signal } = limit
      await retry(this.#components, RETURN, () => this.#return(signal), { signal, again: () => !signal.aborted })
    } catch (err) {
      this.#logger.warn('failed to give the lease back; others take it when its time is over', { err })
    } finally {
      this.#inDoubt = false
      limit.release()
    }
  }

  async #return(signal: AbortSignal): Promise<void> {
    const { clock, kube } = this.#components
    const found = await this.#look(signal)
    if (found === undefined || leaseRecord(found).holder !== this.#identity) return
    const spec = returnedSpec(found, clock.now())
    this.#note(await kube.writes.replace(resources.leases, { ...found, spec }, { signal }))
  }

  /** The lease as it is; undefined: there is none. */
  async #look(outer: AbortSignal): Promise<KubeObject | undefined> {
    const { reads } = this.#components.kube
    try {
      return this.#note(
        await this.#inTime(outer, (options) => reads.get(resources.leases, { name: this.#init.lease }, options)),
      )
    } catch (err) {
      if (hasCode(err, 'KUBE_NOT_FOUND')) return undefined
      throw err
    }
  }

  async #write(outer: AbortSignal, write: (options: AbortOptions) => Promise<KubeObject>): Promise<void> {
    this.#inDoubt = true
    this.#own = this.#note(await this.#inTime(outer, write))
    this.#inDoubt = false
  }

  /** A renewal is tried at least twice before the term ends. */
  async #inTime<T>(outer: AbortSignal, call: (options: AbortOptions) => Promise<T>): Promise<T> {
    const limit = deadline(this.#components.clock, this.#init.timings.renewMs / 2, outer)
    try {
      return await call({ signal: limit.signal })
    } catch (err) {
      throw limit.expired ? appError('KUBE_UNAVAILABLE', { cause: err }) : err
    } finally {
      limit.release()
    }
  }

  #note(object: KubeObject): KubeObject {
    const { clock } = this.#components
    const { resourceVersion } = object.metadata
    if (this.#version !== resourceVersion || this.#seen === undefined)
      this.#seen = { record: leaseRecord(object), sinceMs: clock.monotonicMs() }
    this.#version = resourceVersion
    this.#seenAtMs = clock.now()
    this.#failure = undefined
    return object
  }

  #fail(err: unknown, signal: AbortSignal): void {
    if (signal.aborted) return
    const first = this.#failure === undefined
    this.#failure = codeOf(err) ?? 'UNKNOWN'
    this.#meters.failures.add()
    if (first) this.#logger.warn('failed to read or write the lease; it is tried again', { err })
  }
}

function electionMeters(metrics: Metrics) {
  const leads = 'Whether this controller leads: of all controllers with one lease, one does.'
  const terms = 'How often this controller has become the leader.'
  const failures = 'Reads and writes of the lease that failed; they are tried again.'
  return {
    leads: metrics.gauge({ name: 'shoal_controller_leads', help: leads }).with({}),
    terms: metrics.counter({ name: 'shoal_controller_terms_total', help: terms }).with({}),
    failures: metrics.counter({ name: 'shoal_controller_lease_failures_total', help: failures }).with({}),
  }
}
