import type { PeerEvents } from './peer-connection.ts'

/** Keeps events until a listener attaches, then delivers them one at a time, in order. */
export interface EventQueue {
  deliver(event: (events: PeerEvents) => void): void
  /** Delivers the kept events soon, never within this call; then calls `then`. */
  attach(events: PeerEvents, then: () => void): void
}

/** `onFailure` gets the errors of listeners. */
export function eventQueue(onFailure: (err: unknown) => void): EventQueue {
  const kept: ((events: PeerEvents) => void)[] = []
  let listener: PeerEvents | undefined
  let ready = false
  const call = (events: PeerEvents, event: (events: PeerEvents) => void) => {
    try {
      event(events)
    } catch (err) {
      onFailure(err)
    }
  }
  return {
    deliver(event) {
      if (listener !== undefined && ready) call(listener, event)
      else kept.push(event)
    },
    attach(events, then) {
      listener = events
      queueMicrotask(() => {
        for (let event = kept.shift(); event !== undefined; event = kept.shift()) call(events, event)
        ready = true
        then()
      })
    },
  }
}
