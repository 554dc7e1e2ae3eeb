import { codeOf } from '../../base/index.ts'
import { type Attributes, type Span, type SpanKind, silentSpan } from './span.ts'
import type { TraceContext } from './trace-context.ts'

export interface SpanInit {
  /** Default `internal`. */
  readonly kind?: SpanKind
  readonly attributes?: Attributes
  /** When it began, in monotonic milliseconds of the clock; default now. */
  readonly startMs?: number | undefined
  /** The span that it is below, which may have ended; default the one under way. */
  readonly under?: Span | undefined
}

export interface EntryInit extends SpanInit {
  /** The caller is one of ours, and has sent this: its trace goes on here, recorded if it is recorded there. */
  readonly from?: TraceContext | undefined
  /** The caller is a stranger, and has sent this: the trace here is a new one that names it. */
  readonly link?: TraceContext | undefined
}

/** What log lines say of the trace that they belong to. */
export interface TraceIds {
  readonly traceId: string
  readonly spanId: string
}

/** The part of a trace that happens in this service, from the arrival of a request to its end. */
export interface Entry {
  /** Ending it ends the whole part: what goes on afterwards in the background belongs to no trace. */
  readonly span: Span
  readonly ids: TraceIds
  /** Whether the trace is recorded. */
  readonly isRecorded: boolean
  /** Runs `work`; whatever it begins, also after its return, belongs to the trace until the span of the entry ends. */
  readonly run: <T>(work: () => T) => T
}

/**
 * Makes spans. Which trace a piece of code belongs to follows from who called it, through every await (AsyncLocalStorage):
 * it is handed over nowhere. Shared work belongs to the trace of whoever began it.
 */
export interface Tracer {
  /** False: no trace is ever made, and nothing here costs anything. */
  readonly isOn: boolean
  /** Begins the part of a trace that is here; the caller ends its span. */
  enter(name: string, init?: EntryInit): Entry
  /** A span of the trace under way, which the caller ends; a silent one where there is no recorded trace, or no more room in it. */
  begin(name: string, init?: SpanInit): Span
  /** Runs `work` so that the spans it begins are below this one. */
  within<T>(span: Span, work: () => T): T
  /** Headers that carry the trace under way to a service of ours; none without a trace. */
  headers(span?: Span): Readonly<Record<string, string>>
  /** The trace under way; also one that is not recorded. */
  ids(): TraceIds | undefined
}

const nobody: Entry = { span: silentSpan, ids: { traceId: '', spanId: '' }, isRecorded: false, run: (work) => work() }
const noHeaders: Readonly<Record<string, string>> = {}

/** Makes no traces. */
export const silentTracer: Tracer = {
  isOn: false,
  enter: () => nobody,
  begin: () => silentSpan,
  within: (_span, work) => work(),
  headers: () => noHeaders,
  ids: () => undefined,
}

/**
 * Runs `work` as a trace of its own, which ends with it and fails with the code of what it throws: what a service does by itself,
 * and nobody waits for. @throws what `work` throws
 */
export async function inTrace<T>(tracer: Tracer, name: string, init: SpanInit, work: () => Promise<T>): Promise<T> {
  if (!tracer.isOn) return work()
  const { span, run } = tracer.enter(name, init)
  try {
    return await run(work)
  } catch (err) {
    span.fail(codeOf(err) ?? 'UNKNOWN')
    throw err
  } finally {
    span.end()
  }
}

/** Runs `work` in a span of its own, which ends with it and fails with the code of what it throws. @throws what `work` throws */
export async function inSpan<T>(
  tracer: Tracer,
  name: string,
  init: SpanInit,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  if (!tracer.isOn) return work(silentSpan)
  const span = tracer.begin(name, init)
  try {
    return await tracer.within(span, () => work(span))
  } catch (err) {
    span.fail(codeOf(err) ?? 'UNKNOWN')
    throw err
  } finally {
    span.end()
  }
}
