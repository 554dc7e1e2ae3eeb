import { getEventListeners } from 'node:events'

/** Number of listeners on a signal; finished work must not leave one. */
export function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}
