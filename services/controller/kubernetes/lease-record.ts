import { isJson, type Json, type KubeObject } from './object.ts'

/** What a Lease says: `spec` of coordination.k8s.io/v1. */
export interface LeaseRecord {
  /** Undefined when nobody has it: it was given back. */
  readonly holder: string | undefined
  /** How long its holder counts on it after each renewal; undefined when it does not say. */
  readonly leaseMs: number | undefined
  readonly transitions: number
}

const SECOND_MS = 1000

const positive = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined

/** A lease that others have written may hold anything. */
export function leaseRecord({ spec }: KubeObject): LeaseRecord {
  const { holderIdentity, leaseDurationSeconds, leaseTransitions }: Json = isJson(spec) ? spec : {}
  const seconds = positive(leaseDurationSeconds)
  return {
    holder: typeof holderIdentity === 'string' && holderIdentity !== '' ? holderIdentity : undefined,
    leaseMs: seconds === undefined ? undefined : seconds * SECOND_MS,
    transitions: positive(leaseTransitions) ?? 0,
  }
}

/** A lease as it was seen, and since when it has been like this by the monotonic clock of the one who saw it. */
export interface SeenLease {
  readonly record: LeaseRecord
  readonly sinceMs: number
}

/**
 * When somebody may take the lease over, by the same clock; undefined: at once. The times that stand in the lease do not
 * count: they are by the clock of another machine.
 */
export function freeFrom(seen: SeenLease | undefined, own: { readonly identity: string; readonly leaseMs: number }) {
  if (seen?.record.holder === undefined || seen.record.holder === own.identity) return undefined
  return seen.sinceMs + Math.max(seen.record.leaseMs ?? 0, own.leaseMs)
}

/** Kubernetes wants microseconds. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')

export interface Claim {
  readonly identity: string
  readonly leaseMs: number
  /** Epoch milliseconds. */
  readonly nowMs: number
}

/** The `spec` with which somebody takes or renews a lease that was like this; undefined: there was none. */
export function claimedSpec(before: KubeObject | undefined, { identity, leaseMs, nowMs }: Claim): Json {
  const spec: Json = isJson(before?.['spec']) ? before['spec'] : {}
  const was = before === undefined ? undefined : leaseRecord(before)
  const isRenewal = was?.holder === identity
  return {
    ...spec,
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseMs / SECOND_MS),
    acquireTime: isRenewal ? spec['acquireTime'] : microTime(nowMs),
    renewTime: microTime(nowMs),
    leaseTransitions: was === undefined ? 0 : was.transitions + (isRenewal ? 0 : 1),
  }
}

/** The `spec` with which its holder gives a lease back. */
export const returnedSpec = (before: KubeObject, nowMs: number): Json => ({
  ...(isJson(before['spec']) ? before['spec'] : {}),
  holderIdentity: null,
  leaseDurationSeconds: 1,
  renewTime: microTime(nowMs),
})
