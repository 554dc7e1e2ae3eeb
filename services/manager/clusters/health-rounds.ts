import { type Clock, deadline, inTurns, type Rounds, rounds } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { lookAtMember } from './look-at-member.ts'
import type { Health, Member, MemberStore } from './member-store.ts'
import type { Seal } from './seal.ts'
import { verdict } from './verdict.ts'

/** Pause between two rounds. */
const ROUND_MS = 5_000
/** Members that are asked at the same time, and how long each may take. */
const ASKED_AT_ONCE = 16
const LOOK_MS = 4_000
/** When a member answered last is written down at most so often. */
const NOTE_MS = 30_000

export interface HealthRoundsComponents {
  readonly members: Pick<MemberStore, 'all' | 'judge'>
  readonly http: HttpClient
  readonly seal: () => Seal
  readonly clock: Clock
  readonly logger: Logger
  /** A round has changed something. */
  readonly onChanged: () => Promise<void>
}

/** Whether there is something new to write down. */
function isNew({ health: before, capacity }: Member, after: Health): boolean {
  const told = { ...capacity, ...after.capacity }
  return (
    before.state !== after.state ||
    before.reasons.join('\n') !== after.reasons.join('\n') ||
    (after.answeredAtMs ?? 0) - (before.answeredAtMs ?? 0) >= NOTE_MS ||
    JSON.stringify(capacity) !== JSON.stringify(told)
  )
}

/** Asks every member how it is, again and again. One manager of several does this. */
export function healthRounds(components: HealthRoundsComponents, { awayMs }: { readonly awayMs: number }): Rounds {
  const { members, clock, logger } = components
  const judge = async (member: Member, signal: AbortSignal): Promise<boolean> => {
    const limit = deadline(clock, LOOK_MS, signal)
    try {
      const look = await lookAtMember(components, member, limit)
      // What this manager broke off by its own stop says nothing of the member.
      if (signal.aborted) return false
      const health = verdict(member, look, { nowMs: clock.now(), awayMs })
      if (!isNew(member, health)) return false
      await members.judge(member.id, health)
      if (health.state !== member.health.state) {
        const { kind, member: name } = member
        logger.info('the state of a member has changed', {
          kind,
          member: name,
          state: health.state,
          reasons: health.reasons,
        })
      }
      return true
    } finally {
      limit.release()
    }
  }
  return rounds(clock, {
    work: async (signal) => {
      const all = await members.all()
      let changed = 0
      await inTurns(all, ASKED_AT_ONCE, async (member) => {
        if (await judge(member, signal)) changed += 1
      })
      if (changed > 0) await components.onChanged()
      return ROUND_MS
    },
    onFailure: (err) => logger.warn('failed to look at the members', { err }),
    retryMs: ROUND_MS,
  })
}
