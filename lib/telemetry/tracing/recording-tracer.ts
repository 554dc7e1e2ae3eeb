import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, Random } from '../../base/index.ts'
import { RecordedSpan, type Span, type SpanRecord, silentSpan } from './span.ts'
import { type TraceContext, traceHeaders } from './trace-context.ts'
import type { Entry, EntryInit, SpanInit, TraceIds, Tracer } from './tracer.ts'

export interface RecordingTracerComponents {
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly random: Pick<Random, 'bytes'>
  /** Takes each span that has ended; must not throw. */
  readonly onSpan: (record: SpanRecord) => void
}

export interface RecordingTracerInit {
  /** The part of new traces that is recorded, 0 to 1. */
  readonly ratio: number
}

/** Spans of one request in one service; further ones are only counted, in an attribute of the first. */
const MAX_SPANS = 128
const TRACE_ID_BYTES = 16
const SPAN_ID_BYTES = 8
/**
 * Which digits of a trace id decide whether it is recorded: of its last 14, which OpenTelemetry's own samplers take, as many as
 * a number holds.
 */
const CHANCE = { from: -14, to: -1, values: 16 ** 13 }

/** The part of a trace in this service. */
interface Part {
  readonly traceId: string
  readonly isSampled: boolean
  readonly state: string | undefined
  readonly epochMs: (atMs?: number) => number
  /** Spans begun. */
  begun: number
  leftOut: number
  isOver: boolean
}

/** Where in a trace some code is. */
interface Place {
  readonly part: Part
  readonly spanId: string
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')

/** Whether a new trace of this id is one of the part `ratio` that is recorded: the same everywhere for one id. */
export function isChosen(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(CHANCE.from, CHANCE.to), 16) < ratio * CHANCE.values
}

/** Makes traces, and tells of each span at its end. `dispose` when no code runs in it any more. */
export class RecordingTracer implements Tracer, Disposable {
  readonly isOn = true
  readonly #places = new AsyncLocalStorage<Place>()
  /** Of spans that are recorded. */
  readonly #placeOf = new WeakMap<Span, Place>()
  readonly #components: RecordingTracerComponents
  readonly #ratio: number

  constructor(components: RecordingTracerComponents, { ratio }: RecordingTracerInit) {
    this.#components = components
    this.#ratio = ratio
  }

  enter(name: string, init: EntryInit = {}): Entry {
    const { from, link } = init
    const traceId = from?.traceId ?? this.#newId(TRACE_ID_BYTES)
    const part: Part = {
      ...{ traceId, state: from?.state, epochMs: this.#epoch(), begun: 0, leftOut: 0, isOver: false },
      isSampled: from?.isSampled ?? isChosen(traceId, this.#ratio),
    }
    const place = { part, spanId: this.#newId(SPAN_ID_BYTES) }
    const inner = this.#spanAt(place, name, { ...init, parentId: from?.spanId, link })
    const span: Span = {
      set: (attributes) => inner.set(attributes),
      event: (...event) => inner.event(...event),
      fail: (code) => inner.fail(code),
      end: (atMs) => {
        part.isOver = true
        if (part.leftOut > 0) inner.set({ 'shoal.spans_left_out': part.leftOut })
        inner.end(atMs)
      },
    }
    this.#placeOf.set(span, place)
    const ids = { traceId, spanId: place.spanId }
    return { span, ids, isRecorded: part.isSampled, run: (work) => this.#places.run(place, work) }
  }

  begin(name: string, init: SpanInit = {}): Span {
    const above = init.under === undefined ? this.#now : this.#placeOf.get(init.under)
    if (above === undefined || !above.part.isSampled) return silentSpan
    if (above.part.begun >= MAX_SPANS) {
      above.part.leftOut += 1
      return silentSpan
    }
    const place = { part: above.part, spanId: this.#newId(SPAN_ID_BYTES) }
    return this.#spanAt(place, name, { ...init, parentId: above.spanId, link: undefined })
  }

  within<T>(span: Span, work: () => T): T {
    const place = this.#placeOf.get(span)
    return place === undefined ? work() : this.#places.run(place, work)
  }

  headers(span?: Span): Readonly<Record<string, string>> {
    const place = (span === undefined ? undefined : this.#placeOf.get(span)) ?? this.#now
    return place === undefined ? {} : traceHeaders(contextOf(place))
  }

  ids(): TraceIds | undefined {
    const now = this.#now
    return now === undefined ? undefined : { traceId: now.part.traceId, spanId: now.spanId }
  }

  /** Node asks every storage that was ever used at each promise, so one that nobody needs is to be let go. */
  [Symbol.dispose](): void {
    this.#places.disable()
  }

  get #now(): Place | undefined {
    const place = this.#places.getStore()
    return place?.part.isOver === true ? undefined : place
  }

  #spanAt(place: Place, name: string, init: SpanInit & Pick<SpanRecord, 'link' | 'parentId'>): Span {
    const { part } = place
    if (!part.isSampled) return silentSpan
    part.begun += 1
    const { kind = 'internal', attributes = {}, startMs, parentId, link } = init
    const { epochMs } = part
    const { onSpan: onEnd } = this.#components
    const own = { context: contextOf(place), parentId, link, name, kind, attributes }
    const span = new RecordedSpan({ ...own, startMs: epochMs(startMs), epochMs, onEnd })
    this.#placeOf.set(span, place)
    return span
  }

  /** Wall time of monotonic moments: one look at the wall clock for all spans of a request, so that none ends before it begins. */
  #epoch(): Part['epochMs'] {
    const { clock } = this.#components
    const offsetMs = clock.now() - clock.monotonicMs()
    return (atMs) => offsetMs + (atMs ?? clock.monotonicMs())
  }

  #newId(bytes: number): string {
    return hexOf(this.#components.random.bytes(bytes))
  }
}

function contextOf({ part, spanId }: Place): TraceContext {
  const { traceId, isSampled, state } = part
  return { traceId, spanId, isSampled, state }
}
