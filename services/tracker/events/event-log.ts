import type { Clock } from '../../../lib/base/index.ts'

/** What a tracker tells whoever listens. */
export interface TrackerEvent {
  /** Rises with each event of one run of the tracker. */
  readonly id: string
  readonly kind: EventKind
  /** Milliseconds since the epoch. */
  readonly atMs: number
  readonly facts: Readonly<Record<string, unknown>>
}

export const eventKinds = [
  'join',
  'complete',
  'leave',
  'ban',
  'unban',
  'drain',
  'undrain',
  'drop',
  'settings',
  'steering',
  'job',
] as const
export type EventKind = (typeof eventKinds)[number]

/** The last events, and those who listen. */
export interface EventLog {
  add(kind: EventKind, facts: Readonly<Record<string, unknown>>): void
  /**
   * Events after the one with this id, oldest first. Undefined when that one is not in the log: it is too old, or of an
   * earlier run, so events are missing in between. Without an id: none.
   */
  after(id: string | undefined): readonly TrackerEvent[] | undefined
  /** Calls `onEvent` for every event from now on, until the result is called. */
  listen(onEvent: (event: TrackerEvent) => void): () => void
}

export function eventLog(clock: Clock, { maxEvents }: { readonly maxEvents: number }): EventLog {
  const run = clock.now().toString(36)
  const events: TrackerEvent[] = []
  const listeners = new Set<(event: TrackerEvent) => void>()
  let count = 0

  return {
    add(kind, facts) {
      count += 1
      const event = { id: `${run}-${count}`, kind, atMs: clock.now(), facts }
      events.push(event)
      if (events.length > maxEvents) events.shift()
      for (const listener of listeners) listener(event)
    },
    after(id) {
      if (id === undefined) return []
      const [, of, number] = /^(\w+)-(\d{1,15})$/.exec(id) ?? []
      const missed = count - Number(number)
      if (of !== run || missed < 0 || missed > events.length) return undefined
      return missed === 0 ? [] : events.slice(-missed)
    },
    listen(onEvent) {
      listeners.add(onEvent)
      return () => listeners.delete(onEvent)
    },
  }
}
