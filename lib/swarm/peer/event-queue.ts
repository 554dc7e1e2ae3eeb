import type { PeerEvents } from './peer-connection.ts'

/** Keeps events until somebody listens, then hands them on one at a time, in order. */
export interface EventQueue {
  deliver(event: (events: PeerEvents) => void): void
  /** What was kept is delivered in a moment, never from within this call; `then` follows it. */
  attach(events: PeerEvents, then: () => void): void
}

/** `onFailure` gets what a listener throws. */
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
