import { type Route, sendBytes, sendJson } from '../http/index.ts'
import type { Metrics } from '../telemetry/index.ts'

/**
 * A condition that must hold before the service can serve; gives the reason when it does not hold, else undefined. Must
 * be cheap, because every probe calls it.
 */
export type ReadinessCheck = () => string | undefined

/** By name; a probe's answer lists the names of the checks that fail. */
export type ReadinessChecks = Readonly<Record<string, ReadinessCheck>>

/** The reasons of the checks that fail now, by name; empty when the service can serve. */
export type MissingNow = () => Readonly<Record<string, string>>

export const missingNow =
  (checks: ReadinessChecks): MissingNow =>
  () =>
    Object.fromEntries(
      Object.entries(checks).flatMap(([name, check]) => {
        const reason = check()
        return reason === undefined ? [] : [[name, reason] as const]
      }),
    )

export interface OpsRoutesInit {
  readonly metrics: Metrics
  readonly checks: ReadinessChecks
  /** What is wrong although the service can serve: a readiness check whose reason does not make it unready. */
  readonly notes?: ReadinessChecks | undefined
}

/** The routes of an ops listener: `/healthz`, `/readyz`, `/metrics`. */
export function opsRoutes({ metrics, checks, notes = {} }: OpsRoutesInit): readonly Route[] {
  const [missing, noted] = [missingNow(checks), missingNow(notes)]
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
        const [reasons, remarks] = [missing(), noted()]
        const ready = Object.keys(reasons).length === 0
        const answer = ready ? { status: 'ready' } : { status: 'not ready', missing: reasons }
        const notes = Object.keys(remarks).length === 0 ? {} : { notes: remarks }
        sendJson(exchange, ready ? 200 : 503, { ...answer, ...notes })
      },
    },
    {
      methods: ['GET'],
      path: '/metrics',
      right: 'none',
      summary: 'Prometheus text',
      async handle(exchange) {
        const { contentType, text } = await metrics.expose(exchange.req.headers.accept)
        sendBytes(exchange, { status: 200, headers: { 'content-type': contentType }, body: Buffer.from(text) })
      },
    },
  ]
}
