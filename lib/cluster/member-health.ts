/** When a member is taken out, and for how long. */
export interface HealthPolicy {
  /** Failures within the window that take a member out. */
  readonly failures: number
  readonly windowMs: number
  /** How long it stays out before it is tried again. */
  readonly outMs: number
}

/** What is known of one member; a value, replaced by each report. Times are monotonic milliseconds. */
export interface MemberHealth {
  /** When it failed lately, oldest first. */
  readonly failedAtMs: readonly number[]
  /** Out until then. Kept after that time: one more failure takes the member out again at once. */
  readonly outUntilMs: number | undefined
}

export const healthy: MemberHealth = { failedAtMs: [], outUntilMs: undefined }

/** False while the member is out. */
export function isIn(health: MemberHealth, nowMs: number): boolean {
  return health.outUntilMs === undefined || nowMs >= health.outUntilMs
}

/**
 * The state after one report. A success forgets everything. A failure while out changes nothing, so that callers who
 * try the member for want of others do not keep it out for ever; the first failure after that takes it out again.
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
