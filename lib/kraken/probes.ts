import { type Route, sendText } from '../http/index.ts'
import type { MissingNow } from '../service/index.ts'

/** `/health` and `/readiness`, as Kraken's services have them; `name` is that of the service. */
export const krakenProbes =
  (name: string) =>
  (missing: MissingNow): readonly Route[] => [
    {
      methods: ['GET'],
      path: '/health',
      right: 'none',
      summary: '200 while the process runs',
      handle: (exchange) => sendText(exchange, 200, 'OK'),
    },
    {
      methods: ['GET'],
      path: '/readiness',
      right: 'none',
      summary: '200 when it can serve; 503 names what is missing',
      handle(exchange) {
        const reasons = Object.entries(missing()).map(([check, reason]) => `${check}: ${reason}`)
        if (reasons.length === 0) sendText(exchange, 200, 'OK')
        else sendText(exchange, 503, `${name} not ready: ${reasons.join('\n')}`)
      },
    },
  ]
