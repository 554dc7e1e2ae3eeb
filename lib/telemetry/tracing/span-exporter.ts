import { backoffMs, type Clock, codeOf, deadline, type Random, rounds, type Startable } from '../../base/index.ts'
import type { Logger } from '../logger.ts'
import type { Counter, Metrics } from '../metrics.ts'
import { otlpBody, type TraceResource } from './otlp.ts'
import type { SpanRecord } from './span.ts'

/** What the collector said of a batch. */
export type Verdict =
  /** It has the spans, but for `rejected` of them. */
  | { readonly kind: 'taken'; readonly rejected: number }
  /** It may take them later; in milliseconds, if it said when. */
  | { readonly kind: 'later'; readonly afterMs: number | undefined; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }

/** Posts one body to the collector. @throws when there was no answer */
export type SendSpans = (body: Uint8Array, options: { readonly signal: AbortSignal }) => Promise<Verdict>

export interface SpanExporterComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly send: SendSpans
}

export interface SpanExporterInit {
  readonly resource: TraceResource
  /** How long `stop` may take to send what waits. */
  readonly flushMs: number
}

/** Sends spans to the collector, from a queue with a bound: nobody waits for it, and what finds no place is dropped and counted. */
export interface SpanExporter extends Startable {
  offer(record: SpanRecord): void
}

/** Spans that wait for the collector, or for its answer. */
const MAX_WAITING_SPANS = 2_048
/** Spans in one body. */
const MAX_BATCH = 512
/** A batch that is not full is sent this long after the one before. */
const EVERY_MS = 2_000
/** Tries of one batch at a collector that does not take it now, and the longest wait between two, whatever it says. */
const MAX_TRIES = 6
const BACKOFF = { baseMs: 500, maxMs: 30_000, attempts: MAX_TRIES }
/** Between two lines of the log that say that spans are lost. */
const WARN_EVERY_MS = 5 * 60_000

type Outcome = 'sent' | 'full' | 'refused' | 'lost'

/** The counter, for who registers it where nothing is exported, too. */
export function traceSpans(metrics: Metrics): Readonly<Record<Outcome, Counter>> {
  const help = 'Spans that ended, by what became of them on their way to the collector.'
  const family = metrics.counter({ name: 'shoal_trace_spans_total', help }, ['outcome'])
  const of = (outcome: Outcome) => family.with({ outcome })
  return { sent: of('sent'), full: of('full'), refused: of('refused'), lost: of('lost') }
}

class QueuedExporter implements SpanExporter {
  readonly #parts: SpanExporterComponents
  readonly #init: SpanExporterInit
  readonly #counts: ReturnType<typeof traceSpans>
  readonly #rounds: Startable & { ask(): void }
  #waiting: SpanRecord[] = []
  #tries = 0
  #pausing = false
  #warnedMs = Number.NEGATIVE_INFINITY

  constructor(parts: SpanExporterComponents, init: SpanExporterInit) {
    this.#parts = parts
    this.#init = init
    this.#counts = traceSpans(parts.metrics)
    const work = (signal: AbortSignal) => this.#round(signal)
    this.#rounds = rounds(parts.clock, { work, onFailure: () => undefined, retryMs: EVERY_MS })
  }

  offer(record: SpanRecord): void {
    if (this.#waiting.length >= MAX_WAITING_SPANS) {
      this.#counts.full.add()
      this.#warn('more spans end than the collector takes')
      return
    }
    this.#waiting.push(record)
    if (this.#waiting.length >= MAX_BATCH && !this.#pausing) this.#rounds.ask()
  }

  start(): Promise<void> {
    return this.#rounds.start()
  }

  async stop(): Promise<void> {
    await this.#rounds.stop()
    const flush = deadline(this.#parts.clock, this.#init.flushMs)
    try {
      while (this.#waiting.length > 0 && !flush.signal.aborted) await this.#sendOne(flush.signal, 'last')
    } finally {
      flush.release()
    }
    this.#drop('lost', this.#waiting.length)
  }

  /** Sends what waits; gives the pause. */
  async #round(signal: AbortSignal): Promise<number> {
    while (this.#waiting.length > 0) {
      const pauseMs = await this.#sendOne(signal, 'more')
      if (pauseMs !== undefined) {
        this.#pausing = true
        return pauseMs
      }
      if (this.#waiting.length < MAX_BATCH) break
    }
    return EVERY_MS
  }

  /** Sends the first batch, which waits in the queue until its fate is known; gives the pause before the next try of it. */
  async #sendOne(signal: AbortSignal, rest: 'more' | 'last'): Promise<number | undefined> {
    this.#pausing = false
    const count = Math.min(this.#waiting.length, MAX_BATCH)
    const body = otlpBody(this.#init.resource, this.#waiting.slice(0, count))
    const verdict = await this.#ask(body, signal)
    if (verdict.kind === 'later') {
      this.#tries += 1
      if (rest === 'more' && signal.aborted) return 0
      if (rest === 'more' && this.#tries < MAX_TRIES) {
        this.#warn(verdict.why)
        const wait = backoffMs(BACKOFF, this.#tries - 1, this.#parts.random)
        return Math.min(Math.max(wait, verdict.afterMs ?? 0), BACKOFF.maxMs)
      }
    }
    this.#tries = 0
    this.#settle(verdict, count)
    return undefined
  }

  async #ask(body: Uint8Array, signal: AbortSignal): Promise<Verdict> {
    try {
      return await this.#parts.send(body, { signal })
    } catch (err) {
      return { kind: 'later', afterMs: undefined, why: codeOf(err) ?? 'UNKNOWN' }
    }
  }

  #settle(verdict: Verdict, count: number): void {
    if (verdict.kind === 'taken') {
      const rejected = Math.min(count, verdict.rejected)
      this.#waiting.splice(0, count)
      this.#counts.sent.add(count - rejected)
      if (rejected > 0) this.#counts.refused.add(rejected)
      if (rejected > 0) this.#warn('the collector rejected spans')
      return
    }
    this.#warn(verdict.why)
    this.#drop(verdict.kind === 'refused' ? 'refused' : 'lost', count)
  }

  #drop(outcome: Outcome, count: number): void {
    this.#waiting.splice(0, count)
    if (count > 0) this.#counts[outcome].add(count)
  }

  #warn(why: string): void {
    const nowMs = this.#parts.clock.monotonicMs()
    if (nowMs - this.#warnedMs < WARN_EVERY_MS) return
    this.#warnedMs = nowMs
    this.#parts.logger.warn('traces do not reach the collector', { why, waiting: this.#waiting.length })
  }
}

/** An exporter to one collector. */
export function spanExporter(components: SpanExporterComponents, init: SpanExporterInit): SpanExporter {
  return new QueuedExporter(components, init)
}
