import type { Clock, Startable, Timer } from '../../../lib/base/index.ts'
import { parsePeerId } from '../../../lib/core/index.ts'
import type { Posts } from '../fleet/posts.ts'
import type { SteeringDesk } from './steering-desk.ts'

/** Hosts whose questions are answered in one turn, and the time between turns: all of 10,000 hosts hear within 5 s. */
const PER_TURN = 200
const TURN_MS = 100

export interface WakingComponents {
  readonly clock: Pick<Clock, 'setTimer'>
  readonly desk: Pick<SteeringDesk, 'behind'>
  readonly posts: Pick<Posts, 'wake'>
}

/** Answers the questions of the hosts that have something to change, not all in one moment. */
export interface Waking extends Startable {
  begin(): void
}

/** `share` between 0 and 1: trackers that begin at different hosts reach the first ones sooner together. */
export function waking({ clock, desk, posts }: WakingComponents, { share }: { readonly share: number }): Waking {
  let timer: Timer | undefined
  const turn = (ids: readonly string[], at: number) => {
    timer = undefined
    for (const id of ids.slice(at, at + PER_TURN)) posts.wake(parsePeerId(id))
    const next = at + PER_TURN
    if (next < ids.length) timer = clock.setTimer(TURN_MS, () => turn(ids, next), { background: true })
  }
  const stop = () => {
    timer?.cancel()
    timer = undefined
  }
  return {
    begin() {
      stop()
      const ids = [...desk.behind()].sort()
      const first = Math.floor(ids.length * share)
      turn([...ids.slice(first), ...ids.slice(0, first)], 0)
    },
    start: () => Promise.resolve(),
    stop: async () => stop(),
  }
}
