import { getEventListeners } from 'node:events'

/** Who still waits for a signal: what is over must not. */
export function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}
