import type { LogFields, Logger } from '../logger.ts'
import type { Tracer } from './tracer.ts'

/** Every line names the trace that it belongs to, as `traceId` and `spanId`. */
export function tracedLogger(inner: Logger, tracer: Pick<Tracer, 'ids'>): Logger {
  const fields = (more: LogFields | undefined): LogFields | undefined => {
    const ids = tracer.ids()
    return ids === undefined ? more : { ...ids, ...more }
  }
  return {
    debug: (message, more) => inner.debug(message, fields(more)),
    info: (message, more) => inner.info(message, fields(more)),
    warn: (message, more) => inner.warn(message, fields(more)),
    error: (message, more) => inner.error(message, fields(more)),
    child: (more) => tracedLogger(inner.child(more), tracer),
  }
}
