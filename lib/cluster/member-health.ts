/** When a member is taken out, and for how long. */
export interface HealthPolicy {
  /** Number of failures within the window that takes a member out. */
  readonly failures: number
  readonly windowMs: number
  /** How long a member stays out before it is tried again. */
  readonly outMs: number
}

/** The health of one member; an immutable value, replaced by each report. Times are monotonic milliseconds. */
export interface MemberHealth {
  /** Times of its recent failures, oldest first. */
  readonly failedAtMs: readonly number[]
  /**
   * The member is out until this time. The value is kept afterwards: one more failure takes the member out again at
   * once.
   */
  readonly outUntilMs: number | undefined
}

export const healthy: MemberHealth = { failedAtMs: [], outUntilMs: undefined }

/** False while the member is out. */
export function isIn(health: MemberHealth, nowMs: number): boolean {
  return health.outUntilMs === undefined || nowMs >= health.outUntilMs
}

/**
 * The state after one report. A success clears all failures. A failure while out changes nothing, so that callers with
 * no other member to try do not keep this one out for ever; the first failure after that takes it out again.
 */
export function afterReport(
  health: MemberHealth,
  outcome: 'ok' | 'failed',
  nowMs: number,
  policy: HealthPolicy,
): MemberHealth {
  if (outcome === 'ok') return healthy
  if (!isIn(health, nowMs)) return health
  if (health.outUntilMs !== undefined) return { failedAtMs: [], outUntilMs: nowMs + policy.outMs }
  const failedAtMs = [...health.failedAtMs.filter((at) => nowMs - at < policy.windowMs), nowMs]
  if (failedAtMs.length < policy.failures) return { failedAtMs, outUntilMs: undefined }
  return { failedAtMs: [], outUntilMs: nowMs + policy.outMs }
}
