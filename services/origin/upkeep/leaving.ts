/** `left`: everything here is elsewhere too; the member may be stopped and removed from the config. */
export type LeavingState = 'staying' | 'leaving' | 'left'

/** Whether this member is about to leave the ring. An origin has one such state, shared by all parts that need it. */
export interface Leaving {
  readonly state: LeavingState
  /** From now on this member owns no blob. False when it was leaving before. */
  leave(): boolean
  /** Takes `leave` back. False when the member was not leaving. */
  stay(): boolean
  /** Tells whether everything that only this member had is handed over. No effect while the member stays. */
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
