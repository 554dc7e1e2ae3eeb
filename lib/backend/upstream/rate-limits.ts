import type { Metrics } from '../../telemetry/index.ts'

/** Sees the headers of an answer of an upstream. */
export type SeeLimits = (answer: { readonly headers: Readonly<Record<string, string>> }) => void

/**
 * What an upstream says of its rate limit (`RateLimit-Limit: 100;w=21600` and `RateLimit-Remaining`, as Docker Hub does),
 * by the rule that it fits. The limit is that of the whole cluster: every member comes from one account or one network.
 */
export function rateLimits(metrics: Metrics): (rule: string) => SeeLimits {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }, ['rule'])
  const limit = gauge(
    'shoal_upstream_rate_limit',
    'Pulls that an upstream registry of the rule allows in its time window, as it said last.',
  )
  const left = gauge(
    'shoal_upstream_rate_remaining',
    'Pulls that an upstream registry of the rule still allows in its time window, as it said last.',
  )
  return (rule) =>
    ({ headers }) => {
      const [most, rest] = [numberIn(headers['ratelimit-limit']), numberIn(headers['ratelimit-remaining'])]
      if (most !== undefined) limit.with({ rule }).set(most)
      if (rest !== undefined) left.with({ rule }).set(rest)
    }
}

function numberIn(header: string | undefined): number | undefined {
  const [, digits] = /^\s*(\d{1,9})\s*(?:;|,|$)/.exec(header ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}
