import { codeOf } from '../base/index.ts'
import { silentTracer, type Tracer } from '../telemetry/index.ts'
import type { HttpRequest, HttpResponse } from './http-client.ts'

/** One request of a client, with what its trace adds. */
export interface TracedRequest {
  readonly headers: Readonly<Record<string, string>>
  /** Called once, when nothing more of the request or its answer is to come. */
  readonly onOver: () => void
  /** The same answer, noted. */
  readonly answered: (answer: Promise<HttpResponse>) => Promise<HttpResponse>
}

type Traced = (request: HttpRequest, headers: Readonly<Record<string, string>>, onOver: () => void) => TracedRequest

const same = (answer: Promise<HttpResponse>) => answer

/** A span for each request within a trace, from its sending to the end of its answer; its headers name that span. */
export function tracedRequests(tracer: Tracer = silentTracer): Traced {
  return (request, headers, onOver) => {
    if (!tracer.isOn || tracer.ids() === undefined) return { headers, onOver, answered: same }
    const { hostname, port } = URL.canParse(request.url) ? new URL(request.url) : { hostname: undefined, port: '' }
    const attributes = {
      'http.request.method': request.method,
      'server.address': hostname,
      'server.port': port === '' ? undefined : Number(port),
    }
    const span = tracer.begin(request.method, { kind: 'client', attributes })
    let isAnswered = false
    let isOver = false
    const endOnce = () => {
      if (isAnswered && isOver) span.end()
    }
    return {
      headers: { ...headers, ...tracer.headers(span) },
      onOver: () => {
        onOver()
        isOver = true
        endOnce()
      },
      async answered(answer) {
        try {
          const response = await answer
          span.set({ 'http.response.status_code': response.status })
          if (response.status >= 500) span.fail(String(response.status))
          isAnswered = true
          endOnce()
          return response
        } catch (err) {
          span.fail(codeOf(err) ?? 'UNKNOWN')
          span.end()
          throw err
        }
      },
    }
  }
}
