/** Where a request stands in a trace, as its headers say (W3C Trace Context, level 2). */
export interface TraceContext {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all zero: the span that sent the request. */
  readonly spanId: string
  /** Somebody records the trace. */
  readonly isSampled: boolean
  /** What tracing systems on the way have added, passed on as it came. */
  readonly state?: string | undefined
}

/** Characters of `tracestate` that are passed on; the standard asks for at least 512. */
const MAX_STATE = 512
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const SAMPLED = 0x01
const isZero = (id: string) => /^0+$/.test(id)

/**
 * The context in the headers `traceparent` and `tracestate`. Undefined when there is none, or when it is malformed: then
 * nothing of it counts. Later versions of the header may have more fields, which are not read.
 */
export function traceContextIn(parent: string | undefined, state?: string): TraceContext | undefined {
  const [, version = '', traceId = '', spanId = '', flags = '', rest] = PARENT.exec(parent ?? '') ?? []
  if (version === '' || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (isZero(traceId) || isZero(spanId)) return undefined
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED) !== 0
  return { traceId, spanId, isSampled, ...(isPassedOn(state) && { state }) }
}

const isPassedOn = (state: string | undefined) =>
  state !== undefined && state.length <= MAX_STATE && /^[\x20-\x7e]+$/.test(state)

/** The headers that carry the context to a service of ours. */
export function traceHeaders({ traceId, spanId, isSampled, state }: TraceContext): Readonly<Record<string, string>> {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
  return state === undefined ? { traceparent } : { traceparent, tracestate: state }
}
