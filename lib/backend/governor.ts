import type { Readable } from 'node:stream'
import {
  type AbortOptions,
  backoffMs,
  type Clock,
  hasCode,
  isAppError,
  type Random,
  tokenBucket,
} from '../base/index.ts'
import { inSpan, type Metrics, type Span, silentTracer, type Tracer } from '../telemetry/index.ts'
import { answerTime } from './governor/answer-time.ts'
import { pacedBody } from './governor/paced-body.ts'
import { type Pauses, pauses } from './governor/pauses.ts'
import { retryBudget } from './governor/retry-budget.ts'
import { turns } from './governor/turns.ts'
import { type TurnOptions, urgentFirst } from './governor/urgent-first.ts'
import type { BackendLimits } from './limits-config.ts'
import { mostUrgent } from './urgency.ts'

/** The kind of a request to a backend; a label of the metrics. */
export type BackendOperation = 'stat' | 'read' | 'write' | 'list' | 'delete'

/**
 * Stands between a driver and its backend; there is one for each backend in the config. It keeps to the backend's
 * request rate and bandwidth, retries failures that may pass, and detects stalled requests. Drivers send every request
 * through it and have no retries or rates of their own.
 */
export interface Governor {
  /**
   * Waits for its turn (the request rate, the most urgent first, and a pause after a request was throttled: `Pauses` says
   * of which requests), then runs `work`. When `work` throws a retryable code (BACKEND_UNAVAILABLE, or BACKEND_THROTTLED,
   * with `detail.retryAfterMs` if the backend gave a time), it runs again, with jitter and within a budget. `work` sends
   * one request and must be repeatable. Its signal fires with the caller's signal, and when no answer comes in time; it does not fire after
   * `work` has settled, so a body that `work` returned must go through `received`.
   * @throws what `work` threw last, BACKEND_UNAVAILABLE when no answer came in time, BACKEND_THROTTLED when its turn
   *   would come too late, ABORTED
   */
  request<T>(operation: BackendOperation, work: (signal: AbortSignal) => Promise<T>, options?: TurnOptions): Promise<T>
  /**
   * The same bytes, no faster than the backend's bandwidth, of which the most urgent reads take first. When the result is
   * destroyed or the signal fires, `body` is destroyed. Fails with BACKEND_UNAVAILABLE when a reader waits for the stall time without a byte, and when `body`
   * fails with an error that is not an AppError.
   */
  received(body: Readable, options?: TurnOptions): Readable
  /**
   * Waits until `bytes` more may be sent. With the signal of a request, this also counts as progress of that request:
   * its answer timeout starts again. @throws ABORTED
   */
  sending(bytes: number, options?: AbortOptions): Promise<void>
}

export interface GovernorComponents {
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  /** Each request that is sent is a span of its trace; default: none is. */
  readonly tracer?: Tracer | undefined
}

const BACKOFF = { baseMs: 200, maxMs: 20_000 }

/** The pauses of a governor, for whoever shares them with others. */
export const governorPauses = (components: Pick<GovernorComponents, 'clock' | 'random'>): Pauses =>
  pauses(components, BACKOFF)

/** Counts in `shoal_backend_throttled_total{op}` and `shoal_backend_retries_total{op,outcome}`. */
export function governor(
  components: GovernorComponents,
  limits: BackendLimits,
  pause: Pauses = governorPauses(components),
): Governor {
  const { clock, random, metrics, tracer = silentTracer } = components
  const { throttled, retries } = governorMetrics(metrics)
  const turn = turns({ clock, pause }, limits)
  const budget = retryBudget(clock)
  const time = answerTime(clock, limits.answer)
  const downloads = urgentFirst(tokenBucket(clock, { ratePerSecond: limits.read }))
  const uploads = tokenBucket(clock, { ratePerSecond: limits.write })
  const policy = { ...BACKOFF, attempts: limits.attempts }

  const attempt = async <T>(op: BackendOperation, work: (signal: AbortSignal) => Promise<T>, options: TurnOptions) => {
    const sentMs = clock.monotonicMs()
    pause.sent((options.urgency ?? mostUrgent).priority)
    try {
      const answer = await time.limit(work, options)
      pause.accepted(sentMs)
      return answer
    } catch (err) {
      if (hasCode(err, 'BACKEND_THROTTLED')) {
        throttled.with({ op }).add()
        pause.throttled(sentMs, retryAfterOf(err))
      }
      throw err
    }
  }

  /** What to do after the failure of attempt `n`, counted from 0. */
  const verdict = (n: number) => {
    if (n + 1 >= policy.attempts) return 'attempts_used'
    return budget.take() ? 'tried' : 'budget_used'
  }

  return {
    async request(op, work, options = {}) {
      budget.requested()
      for (let n = 0; ; n += 1) {
        await turn.next(options)
        try {
          return await inSpan(tracer, 'backend request', spanOf(op, n), (span) =>
            noted(span, attempt(op, work, options)),
          )
        } catch (err) {
          if (!hasCode(err, 'BACKEND_UNAVAILABLE', 'BACKEND_THROTTLED')) throw err
          const outcome = verdict(n)
          retries.with({ op, outcome }).add()
          if (outcome !== 'tried') throw err
          await clock.sleep(backoffMs(policy, n, random), options)
        }
      }
    },
    received: (body, options = {}) =>
      pacedBody({ clock, bucket: downloads }, body, { stall: limits.stall, ...options }),
    sending: (bytes, options = {}) => time.excluding(options.signal, () => uploads.take(bytes, options)),
  }
}

/** The span of attempt `n`, counted from 0. */
const spanOf = (op: BackendOperation, n: number) =>
  ({ kind: 'client', attributes: { 'shoal.backend.operation': op, 'http.request.resend_count': n } }) as const

/** The same answer; the span says with which status the backend refused. */
async function noted<T>(span: Span, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (err) {
    const status = isAppError(err) ? err.detail?.['status'] : undefined
    if (typeof status === 'number') span.set({ 'http.response.status_code': status })
    throw err
  }
}

function governorMetrics(metrics: Metrics) {
  return {
    throttled: metrics.counter(
      { name: 'shoal_backend_throttled_total', help: 'Requests that the backend asked to slow down.' },
      ['op'],
    ),
    retries: metrics.counter(
      {
        name: 'shoal_backend_retries_total',
        help: 'Failed requests to the backend, by whether they are tried again.',
      },
      ['op', 'outcome'],
    ),
  }
}

function retryAfterOf(err: unknown): number | undefined {
  const waitMs = isAppError(err) ? err.detail?.['retryAfterMs'] : undefined
  return typeof waitMs === 'number' ? waitMs : undefined
}
