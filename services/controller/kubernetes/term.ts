import { abortController, appError, type Clock, type Timer } from '../../../lib/base/index.ts'
import type { Term } from './election.ts'

/** A term as the election sees it. */
export interface LiveTerm extends Term {
  /** It may go on until `renewMs` after the time at which the renewal was sent, by the monotonic clock. */
  renewed(sentMs: number): void
  /** Idempotent. */
  end(why: string): void
  readonly isOver: boolean
}

/** Begins when the request was sent that has won the lease, and ends by itself unless it is renewed in time. */
export function liveTerm(
  clock: Clock,
  {
    sentMs,
    renewMs,
    onEnd,
  }: { readonly sentMs: number; readonly renewMs: number; readonly onEnd: (why: string) => void },
): LiveTerm {
  const controller = abortController()
  let endsMs = sentMs + renewMs
  let timer: Timer | undefined

  const lost = () => appError('LEADERSHIP_LOST')
  const isOver = () => controller.signal.aborted || clock.monotonicMs() >= endsMs
  const end = (why: string) => {
    if (controller.signal.aborted) return
    timer?.cancel()
    controller.abort(lost())
    onEnd(why)
  }
  const wait = () => {
    timer?.cancel()
    // Whole milliseconds: less than what a clock can tell apart would be waited for in vain.
    timer = clock.setTimer(Math.max(0, Math.ceil(endsMs - clock.monotonicMs())), () => {
      if (isOver()) end('it could not be renewed in time')
      else wait()
    })
  }
  wait()
  return {
    signal: controller.signal,
    get isOver() {
      return isOver()
    },
    assert() {
      if (isOver()) throw lost()
    },
    renewed(at) {
      if (isOver()) return
      endsMs = Math.max(endsMs, at + renewMs)
      wait()
    },
    end,
  }
}
