import { codeOf } from '../base/index.ts'
import { rangeLength } from '../core/index.ts'
import { type Attributes, inSpan, silentTracer, type Tracer } from '../telemetry/index.ts'
import type { Backend, ObjectRead, ReadObjectOptions } from './backend.ts'

/**
 * Each call is a span of the trace that it is made in: `backend read` and the like, with the key, and for a read its range and how
 * much of it came. The requests that it takes are spans below it (`Governor`). Without a tracer that is on it is `backend` itself.
 */
export function tracedBackend(tracer: Tracer = silentTracer, backend: Backend): Backend {
  if (!tracer.isOn) return backend
  const calls = <T>(name: string, attributes: Attributes, work: () => Promise<T>) =>
    inSpan(tracer, `backend ${name}`, { attributes }, work)
  return {
    start: () => backend.start(),
    stop: () => backend.stop(),
    stat: (key, options) => calls('stat', { 'shoal.backend.key': key }, () => backend.stat(key, options)),
    read: (key, options) => tracedRead(tracer, backend, key, options),
    write: (key, source, options) =>
      calls('write', { 'shoal.backend.key': key, 'shoal.bytes': options.size }, () =>
        backend.write(key, source, options),
      ),
    list: (prefix, options) => calls('list', { 'shoal.backend.key': prefix }, () => backend.list(prefix, options)),
    delete: (key, options) => calls('delete', { 'shoal.backend.key': key }, () => backend.delete(key, options)),
  }
}

/** The span of a read ends with its body. */
async function tracedRead(
  tracer: Tracer,
  backend: Backend,
  key: string,
  options: ReadObjectOptions | undefined,
): Promise<ObjectRead | undefined> {
  const { range } = options ?? {}
  const asked = { 'shoal.backend.key': key, 'shoal.range.start': range?.start, 'shoal.range.end': range?.end }
  const span = tracer.begin('backend read', { attributes: asked })
  try {
    const found = await tracer.within(span, () => backend.read(key, options))
    if (found === undefined) {
      span.set({ 'shoal.absent': true })
      span.end()
      return undefined
    }
    const { body, size, isWhole } = found
    span.event('answered')
    body.once('close', () => {
      const bytes = range === undefined || isWhole === true ? size : rangeLength(range)
      span.set(body.readableEnded ? { 'shoal.bytes': bytes } : { 'shoal.cut': true })
      if (body.errored !== null) span.fail(codeOf(body.errored) ?? 'UNKNOWN')
      span.end()
    })
    return found
  } catch (err) {
    span.fail(codeOf(err) ?? 'UNKNOWN')
    span.end()
    throw err
  }
}
