import type { TraceContext } from './trace-context.ts'

/** A value of an attribute. Text is cut at `MAX_TEXT` characters. */
export type AttributeValue = string | number | boolean

/**
 * Facts of a span. Names are those of OpenTelemetry's semantic conventions, or begin with `shoal.`. Never a secret, a header,
 * a query of a URL, or the free text of an error: whoever reads traces is not who may read those. What is undefined is
 * left out.
 */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>

/** Which side of a request a span is on; `internal`: neither. */
export type SpanKind = 'internal' | 'server' | 'client'

/** Something that takes time in a request, seen from one service. After its end nothing of it changes. */
export interface Span {
  set(attributes: Attributes): void
  /** Something happened at a moment of it; times are monotonic milliseconds of the clock, default now. */
  event(name: string, attributes?: Attributes, atMs?: number): void
  /** It has failed, with this code. */
  fail(code: string): void
  /** Idempotent; default now. */
  end(atMs?: number): void
}

/** An event as it is exported; times are milliseconds since the epoch. */
export interface SpanEvent {
  readonly name: string
  readonly atMs: number
  readonly attributes: Attributes
}

/** A span that has ended, as it is exported; times are milliseconds since the epoch. */
export interface SpanRecord {
  readonly context: TraceContext
  /** Undefined for the first span of a trace. */
  readonly parentId: string | undefined
  readonly name: string
  readonly kind: SpanKind
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  /** A trace of somebody else that led to this one. */
  readonly link: TraceContext | undefined
  /** The code that it failed with. */
  readonly failure: string | undefined
}

/** Characters of a text in an attribute. */
const MAX_TEXT = 256
/** Attributes of one span or event, and events of one span; further ones are left out. */
const MAX_ATTRIBUTES = 32
const MAX_EVENTS = 32

/** Changes nothing, tells nobody. */
export const silentSpan: Span = {
  set: () => undefined,
  event: () => undefined,
  fail: () => undefined,
  end: () => undefined,
}

const cut = (value: AttributeValue): AttributeValue =>
  typeof value === 'string' && value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value

function addTo(held: Map<string, AttributeValue>, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && (held.has(name) || held.size < MAX_ATTRIBUTES)) held.set(name, cut(value))
  }
}

function within(attributes: Attributes): Attributes {
  const held = new Map<string, AttributeValue>()
  addTo(held, attributes)
  return Object.fromEntries(held)
}

export interface RecordedSpanInit extends Pick<SpanRecord, 'context' | 'parentId' | 'name' | 'kind' | 'link'> {
  readonly startMs: number
  readonly attributes: Attributes
  /** Milliseconds since the epoch at this moment of the monotonic clock; default now. */
  readonly epochMs: (atMs?: number) => number
  readonly onEnd: (record: SpanRecord) => void
}

/** A span that is kept until its end, in bounded memory. */
export class RecordedSpan implements Span {
  readonly #init: RecordedSpanInit
  readonly #attributes = new Map<string, AttributeValue>()
  readonly #events: SpanEvent[] = []
  #failure: string | undefined
  #over = false

  constructor(init: RecordedSpanInit) {
    this.#init = init
    addTo(this.#attributes, init.attributes)
  }

  set(attributes: Attributes): void {
    if (!this.#over) addTo(this.#attributes, attributes)
  }

  event(name: string, attributes: Attributes = {}, atMs?: number): void {
    if (this.#over || this.#events.length >= MAX_EVENTS) return
    this.#events.push({ name, atMs: this.#init.epochMs(atMs), attributes: within(attributes) })
  }

  fail(code: string): void {
    if (!this.#over) this.#failure = code.slice(0, MAX_TEXT)
  }

  end(atMs?: number): void {
    if (this.#over) return
    this.#over = true
    const { epochMs, onEnd, startMs, ...own } = this.#init
    const attributes = Object.fromEntries(this.#attributes)
    const times = { startMs, endMs: Math.max(startMs, epochMs(atMs)) }
    onEnd({ ...own, ...times, attributes, events: this.#events, failure: this.#failure })
  }
}
