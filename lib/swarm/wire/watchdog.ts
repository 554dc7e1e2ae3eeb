import { type AppError, appError, type Clock } from '../../base/index.ts'
import { swarmLimits } from '../limits.ts'

/** Counters of one connection, read at every step. Only `pendingBytes` and `unfinished` may decrease. */
export interface WatchSample {
  readonly unfinished: 'none' | 'control' | 'block'
  readonly messages: number
  readonly receivedBytes: number
  readonly writtenBytes: number
  readonly pendingBytes: number
}

export interface WatchInit {
  sample(): WatchSample
  onStall(err: AppError): void
  /** Nothing was written for a minute. */
  onQuiet(): void
  /** A minute has passed. */
  onMinute(): void
}

/** For how many steps in a row each value has not changed. */
export interface WatchState {
  readonly last: WatchSample
  readonly sameFrame: number
  readonly silent: number
  readonly unsent: number
  readonly quiet: number
}

export const watchStart: WatchState = {
  last: { unfinished: 'none', messages: 0, receivedBytes: 0, writtenBytes: 0, pendingBytes: 0 },
  sameFrame: 0,
  silent: 0,
  unsent: 0,
  quiet: 0,
}

/** One step, as a pure function. A message that has begun must end in time, however slowly its bytes arrive. */
export function watchStep(state: WatchState, now: WatchSample): WatchState {
  const { last } = state
  const sameFrame = last.unfinished !== 'none' && now.unfinished !== 'none' && now.messages === last.messages
  const flushed = now.writtenBytes - now.pendingBytes !== last.writtenBytes - last.pendingBytes
  return {
    last: now,
    sameFrame: sameFrame ? state.sameFrame + 1 : 0,
    silent: now.receivedBytes === last.receivedBytes ? state.silent + 1 : 0,
    unsent: now.pendingBytes > 0 && !flushed ? state.unsent + 1 : 0,
    quiet: now.writtenBytes === last.writtenBytes ? state.quiet + 1 : 0,
  }
}

/** What is wrong after a step; undefined when nothing is. */
export function watchVerdict({ last, sameFrame, silent, unsent }: WatchState): string | undefined {
  const frameSteps = last.unfinished === 'block' ? swarmLimits.blockFrameSteps : swarmLimits.controlFrameSteps
  if (sameFrame >= frameSteps) return 'a message of the peer does not end'
  if (unsent >= swarmLimits.sendStallSteps) return 'the peer does not read what we send'
  if (silent >= swarmLimits.silenceSteps) return 'nothing was heard of the peer for too long'
  return undefined
}

/** Checks one connection every few seconds, without any work when bytes arrive. Returns a function that stops it. */
export function watchdog(clock: Clock, init: WatchInit): () => void {
  let state = watchStart
  let steps = 0
  const step = () => {
    state = watchStep(state, init.sample())
    steps += 1
    const trouble = watchVerdict(state)
    if (trouble !== undefined) {
      init.onStall(appError('STALLED', { message: trouble }))
      return
    }
    timer = clock.setTimer(swarmLimits.watchIntervalMs, step, { background: true })
    if (state.quiet > 0 && state.quiet % swarmLimits.keepAliveSteps === 0) init.onQuiet()
    if (steps % Math.ceil(60_000 / swarmLimits.watchIntervalMs) === 0) init.onMinute()
  }
  let timer = clock.setTimer(swarmLimits.watchIntervalMs, step, { background: true })
  return () => timer.cancel()
}
