import type { Clock } from '../../base/index.ts'
import type { Metrics } from '../../telemetry/index.ts'

/** What an upstream allows the whole cluster, whose members come from one account or one network. */
export interface UpstreamBudget {
  /** Pulls in its time window. */
  readonly limit: number
  /** Of these, how many are left. */
  readonly remaining: number
  /** Length of the window in seconds; absent when the upstream does not say. */
  readonly windowSeconds?: number | undefined
  /** Milliseconds since the upstream said so. */
  readonly ageMs: number
}

/** While nothing is left, an upstream is asked for content this often, to hear what is left now. */
const LOOK_MS = 60_000

/** The budget of one upstream, as the last answer had it that anybody in the cluster got. */
export interface Budget {
  /** Sees the headers of an answer (`RateLimit-Limit: 100;w=21600`, `RateLimit-Remaining`, as Docker Hub sends them). */
  see(answer: { readonly headers: Readonly<Record<string, string>> }): void
  /** What another member has seen; counts when it is younger. */
  hear(budget: UpstreamBudget): void
  readonly known: UpstreamBudget | undefined
  /** Milliseconds until content may be asked for again; undefined while something is left. */
  readonly spentForMs: number | undefined
}

interface Said extends Omit<UpstreamBudget, 'ageMs'> {
  readonly atMs: number
}

/** The budgets of upstreams; `rule` is a label of the metrics. */
export function budgets({ clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics }) {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }, ['rule'])
  const limits = gauge(
    'shoal_upstream_rate_limit',
    'Pulls that an upstream registry of the rule allows in its time window, as it said last.',
  )
  const left = gauge(
    'shoal_upstream_rate_remaining',
    'Pulls that an upstream registry of the rule still allows in its time window, as it said last.',
  )
  return (rule: string, onChange: (budget: UpstreamBudget) => void = () => undefined): Budget => {
    let said: Said | undefined
    const now = () => clock.monotonicMs()
    const learn = (next: Said) => {
      if (said !== undefined && next.atMs < said.atMs) return
      said = next
      limits.with({ rule }).set(next.limit)
      left.with({ rule }).set(next.remaining)
    }
    return {
      see({ headers }) {
        const limit = numberIn(headers['ratelimit-limit'])
        const remaining = numberIn(headers['ratelimit-remaining'])
        if (limit === undefined || remaining === undefined) return
        const windowSeconds = numberIn(/;\s*w=(\d{1,9})/.exec(headers['ratelimit-limit'] ?? '')?.[1])
        const isNews = said?.remaining !== remaining || said.limit !== limit
        learn({ limit, remaining, windowSeconds, atMs: now() })
        if (isNews) onChange({ limit, remaining, windowSeconds, ageMs: 0 })
      },
      hear: ({ ageMs, ...rest }) => learn({ ...rest, atMs: now() - ageMs }),
      get known() {
        if (said === undefined) return undefined
        const { atMs, ...rest } = said
        return { ...rest, ageMs: Math.round(now() - atMs) }
      },
      get spentForMs() {
        const restMs = said === undefined || said.remaining > 0 ? 0 : said.atMs + LOOK_MS - now()
        return restMs > 0 ? restMs : undefined
      },
    }
  }
}

function numberIn(header: string | undefined): number | undefined {
  const [, digits] = /^\s*(\d{1,9})\s*(?:;|,|$)/.exec(header ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}
