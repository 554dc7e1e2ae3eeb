import type { Health, Member } from './member-store.ts'
import { STOPPED } from './member-store.ts'

/** What a member said when it was asked. */
export interface Look {
  /** What its ops listener says is missing, and what is wrong although it serves; a text: why it did not answer. */
  readonly ops: { readonly missing: readonly string[]; readonly notes: readonly string[] } | string
  /** Why its admin listener did not answer; undefined: it did. */
  readonly admin: string | undefined
  /** Numbers that it told. */
  readonly capacity: Readonly<Record<string, number>>
}

type Judged = Pick<Member, 'heartbeatAtMs' | 'leftAtMs' | 'health'>

const stateOf = (
  { heartbeatAtMs, leftAtMs }: Judged,
  { ops, admin }: Look,
  { nowMs, awayMs }: { readonly nowMs: number; readonly awayMs: number },
): Pick<Health, 'state' | 'reasons'> => {
  const isSilent = nowMs - heartbeatAtMs >= awayMs
  const silence = `no heartbeat since ${new Date(heartbeatAtMs).toISOString()}`
  if (typeof ops === 'string') {
    if (leftAtMs !== undefined) return { state: 'away', reasons: [STOPPED] }
    const reasons = [`its ops listener does not answer: ${ops}`]
    return isSilent ? { state: 'away', reasons: [...reasons, silence] } : { state: 'unreachable', reasons }
  }
  const reasons = [
    ...ops.missing.map((words) => `not ready: ${words}`),
    ...ops.notes,
    ...(admin === undefined ? [] : [`its admin listener does not serve this manager: ${admin}`]),
    ...(isSilent ? [silence] : []),
  ]
  return { state: reasons.length === 0 ? 'ok' : 'degraded', reasons }
}

/** How a member is, from what it said now and when it was heard of last. Pure. */
export function verdict(
  member: Judged,
  look: Look,
  times: { readonly nowMs: number; readonly awayMs: number },
): Health {
  const { state, reasons } = stateOf(member, look, times)
  const { health: before } = member
  return {
    ...{ state, reasons, capacity: look.capacity },
    sinceMs: state === before.state ? before.sinceMs : times.nowMs,
    answeredAtMs: typeof look.ops === 'string' ? before.answeredAtMs : times.nowMs,
  }
}
