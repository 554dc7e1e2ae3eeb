import { codeOf } from '../base/index.ts'
import { may, type Principal } from '../identity/index.ts'
import { type Entry, silentTracer, type TraceContext, type Tracer, traceContextIn } from '../telemetry/index.ts'
import type { Envelope } from './error-envelope.ts'
import type { Exchange } from './route.ts'
import type { Visit } from './visit.ts'

/** Runs what a route does for a request, as a part of the trace that the request belongs to. @throws what `work` throws */
export type TracedVisits = (exchange: Exchange, visit: Visit, work: () => Promise<void>) => Promise<void>

export interface TracedListener {
  /** Its name. */
  readonly listener: string
  readonly envelope: Envelope
}

const CLIENT_GONE = 499

/** What the request says of a trace; several headers of one name say nothing. */
function contextOf({ req }: Exchange): TraceContext | undefined {
  const { traceparent, tracestate } = req.headersDistinct
  return traceparent?.length === 1 ? traceContextIn(traceparent[0], tracestate?.join(',')) : undefined
}

/**
 * The id of an upload stands for the right to go on with it. A repository may have parts that are called `uploads`, too, and
 * escapes may spell it: what stands behind any part that may be it is not told.
 */
const pathTold = (path: string) =>
  path
    .split('/')
    .map((part, i, all) => (all[i - 1] === 'uploads' || all[i - 1]?.includes('%') === true ? ':id' : part))
    .join('/')

/** Services and agents of this cluster, or everybody where the cluster has no secrets. */
const isOurs = (principal: Principal) => may(principal, 'announce')

/**
 * A registry begins traces: of the requests of its clients, of which chance takes some. Whatever a client says of a trace of its
 * own is only named in ours: strangers do not decide what is recorded here. Every other listener goes on with the traces of
 * our own services, and begins none: what nobody has asked for in a pull or a push is seen in the metrics.
 */
export function tracedVisits(tracer: Tracer = silentTracer, { listener, envelope }: TracedListener): TracedVisits {
  if (!tracer.isOn) return (_exchange, _visit, work) => work()
  const begins = envelope === 'registry'

  const entryFor = (exchange: Exchange, visit: Visit): Entry | undefined => {
    const said = contextOf(exchange)
    const from = !begins && isOurs(exchange.principal) ? said : undefined
    if (from === undefined && !begins) return undefined
    const { method, requestId } = exchange
    const attributes = {
      'http.request.method': method,
      'http.route': visit.route,
      'url.path': begins ? pathTold(exchange.path) : undefined,
      'shoal.listener': listener,
      'shoal.request_id': requestId,
    }
    const link = begins ? said : undefined
    return tracer.enter(`${method} ${visit.route}`, { kind: 'server', attributes, from, link, startMs: visit.startMs })
  }

  return async (exchange, visit, work) => {
    const entry = entryFor(exchange, visit)
    if (entry === undefined) {
      await work()
      return
    }
    const { res } = exchange
    const { span } = entry
    let failure: string | undefined
    visit.trace = entry.ids
    if (entry.isRecorded) visit.recordedTraceId = entry.ids.traceId
    visit.holds(() => {
      const status = res.headersSent ? res.statusCode : CLIENT_GONE
      span.set({ 'http.response.status_code': status, 'shoal.whole': res.writableFinished })
      if (status >= 500) span.fail(failure ?? String(status))
      else span.set({ 'error.type': failure })
      span.end()
    })
    try {
      await entry.run(work)
    } catch (err) {
      failure = codeOf(err) ?? 'UNKNOWN'
      throw err
    }
  }
}
