import { type BackoffPolicy, backoffMs, hasCode, type RetryComponents } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'

/** An origin that has given nothing so often is followed no more by this run. */
const FAILURES_TO_GIVE_UP = 6
/** One that was waited for in vain counts as so many, as a wait is long. */
const FAILURES_OF_A_WAIT = 3
/** Between two tries, from the third on. */
const PAUSES: BackoffPolicy = { baseMs: 200, maxMs: 2_000, attempts: FAILURES_TO_GIVE_UP }

type Followed = Pick<Member, 'id'>

/**
 * What has come of following other origins in vain. It is asked of an origin that says that it reads the backend: one that
 * refuses or breaks a few times in a row is busy rather than useless, and the backend is read once.
 */
export interface FollowFailures {
  has(member: Followed): boolean
  mayFollow(member: Followed): boolean
  /** It has given nothing. */
  note(member: Followed, err: unknown): void
  /** It has given wrong bytes. */
  noteWrong(member: Followed): void
  /** Waits before it is followed once more. @throws ABORTED */
  pause(member: Followed, signal: AbortSignal): Promise<void>
}

export function followFailures({ clock, random }: RetryComponents): FollowFailures {
  const failures = new Map<string, number>()
  const of = ({ id }: Followed) => failures.get(id) ?? 0
  return {
    has: (member) => of(member) > 0,
    mayFollow: (member) => of(member) < FAILURES_TO_GIVE_UP,
    note(member, err) {
      const more = hasCode(err, 'REQUEST_TIMEOUT', 'STALLED') ? FAILURES_OF_A_WAIT : 1
      failures.set(member.id, of(member) + more)
    },
    noteWrong: ({ id }) => void failures.set(id, FAILURES_TO_GIVE_UP),
    async pause(member, signal) {
      const tries = of(member)
      if (tries > 1) await clock.sleep(backoffMs(PAUSES, tries - 1, random), { signal })
    },
  }
}
