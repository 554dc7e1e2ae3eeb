/** `left`: nothing is here that others do not have; the member may be stopped and taken out of the config. */
export type LeavingState = 'staying' | 'leaving' | 'left'

/** Whether this member is about to leave the ring. One for each origin; all who decide by it are given the same one. */
export interface Leaving {
  readonly state: LeavingState
  /** Owns nothing any more, from now on. False when it was so before. */
  leave(): boolean
  /** Takes that back. False when there was nothing to take back. */
  stay(): boolean
  /** Whether all is handed over that only this member had. Without effect while it stays. */
  settle(isDone: boolean): void
}

export function leaving(): Leaving {
  let state: LeavingState = 'staying'
  return {
    get state() {
      return state
    },
    leave() {
      if (state !== 'staying') return false
      state = 'leaving'
      return true
    },
    stay() {
      if (state === 'staying') return false
      state = 'staying'
      return true
    },
    settle(isDone) {
      if (state !== 'staying') state = isDone ? 'left' : 'leaving'
    },
  }
}
