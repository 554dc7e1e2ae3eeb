import { type Route, sendBytes, sendJson } from '../http/index.ts'
import type { Metrics } from '../telemetry/index.ts'

/**
 * A condition that must hold before the service can serve; gives the reason when it does not hold, else undefined. Must
 * be cheap, because every probe calls it.
 */
export type ReadinessCheck = () => string | undefined

export interface OpsRoutesInit {
  readonly metrics: Metrics
  /** By name; the answer lists the names of the checks that fail. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>
  /** What is wrong although the service can serve: a readiness check whose reason does not make it unready. */
  readonly notes?: Readonly<Record<string, ReadinessCheck>> | undefined
}

/** The reasons of the checks that fail, by their names; undefined when none does. */
function reasonsOf(checks: Readonly<Record<string, ReadinessCheck>>): Readonly<Record<string, string>> | undefined {
  const failing = Object.entries(checks).flatMap(([name, check]) => {
    const reason = check()
    return reason === undefined ? [] : [[name, reason] as const]
  })
  return failing.length === 0 ? undefined : Object.fromEntries(failing)
}

/** The routes of an ops listener: `/healthz`, `/readyz`, `/metrics`. */
export function opsRoutes({ metrics, checks, notes = {} }: OpsRoutesInit): readonly Route[] {
  return [
    {
      methods: ['GET'],
      path: '/healthz',
      right: 'none',
      summary: '200 while the process runs',
      handle: (exchange) => sendJson(exchange, 200, { status: 'ok' }),
    },
    {
      methods: ['GET'],
      path: '/readyz',
      right: 'none',
      summary: '200 when it can serve; 503 names what is missing',
      handle(exchange) {
        const [missing, noted] = [reasonsOf(checks), reasonsOf(notes)]
        const answer = missing === undefined ? { status: 'ready' } : { status: 'not ready', missing }
        sendJson(exchange, missing === undefined ? 200 : 503, {
          ...answer,
          ...(noted !== undefined && { notes: noted }),
        })
      },
    },
    {
      methods: ['GET'],
      path: '/metrics',
      right: 'none',
      summary: 'Prometheus text',
      async handle(exchange) {
        const { contentType, text } = await metrics.expose()
        sendBytes(exchange, { status: 200, headers: { 'content-type': contentType }, body: Buffer.from(text) })
      },
    },
  ]
}
