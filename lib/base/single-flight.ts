import { abortable, abortController } from './abort.ts'
import type { AbortOptions } from './clock.ts'

interface Flight<V> {
  readonly promise: Promise<V>
  readonly controller: AbortController
  waiters: number
}

/** Callers with the same key share one piece of work; it is aborted only when all of them have left. */
export interface SingleFlight<K, V> {
  run(key: K, work: (signal: AbortSignal) => Promise<V>, options?: AbortOptions): Promise<V>
  /** Number of keys with running work. */
  readonly size: number
}

export function singleFlight<K, V>(): SingleFlight<K, V> {
  const flights = new Map<K, Flight<V>>()

  const launch = (key: K, work: (signal: AbortSignal) => Promise<V>): Flight<V> => {
    const controller = abortController()
    const promise = work(controller.signal).finally(() => {
      if (flights.get(key) === flight) flights.delete(key)
    })
    promise.catch(() => undefined)
    const flight: Flight<V> = { promise, controller, waiters: 0 }
    flights.set(key, flight)
    return flight
  }

  return {
    async run(key, work, options = {}) {
      const flight = flights.get(key) ?? launch(key, work)
      flight.waiters += 1
      try {
        return await abortable(flight.promise, options.signal)
      } finally {
        flight.waiters -= 1
        if (flight.waiters === 0 && flights.get(key) === flight) {
          flights.delete(key)
          flight.controller.abort()
        }
      }
    },
    get size() {
      return flights.size
    },
  }
}
