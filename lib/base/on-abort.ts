import { setMaxListeners } from 'node:events'

/** Those who wait on a signal, in the order in which they came. */
interface Waits {
  readonly calls: Set<() => void>
  isTold: boolean
}

/** Most waits on a signal at one time; no bound for those that are not here. */
const bounds = new WeakMap<AbortSignal, number>()

const waitsOf = new WeakMap<AbortSignal, Waits>()

function waitsOn(signal: AbortSignal): Waits {
  const known = waitsOf.get(signal)
  if (known !== undefined) return known
  const waits: Waits = { calls: new Set(), isTold: false }
  waitsOf.set(signal, waits)
  const fire = () => {
    for (const call of waits.calls) call()
    waits.calls.clear()
  }
  signal.addEventListener('abort', fire, { once: true })
  return waits
}

/** Says how many may wait on a signal at one time: Node, or `onAbort`, warns of more. 0 is no bound. */
export function boundWaits(signal: AbortSignal, most: number): void {
  setMaxListeners(most, signal)
  if (most > 0) bounds.set(signal, most)
}

/** More waits than were allowed are some that nobody takes back. */
function noteMany(signal: AbortSignal, waits: Waits): void {
  const most = bounds.get(signal)
  if (most === undefined || waits.calls.size <= most || waits.isTold) return
  waits.isTold = true
  process.emitWarning(`${waits.calls.size} waits on one signal`, 'MaxListenersExceededWarning')
}

/**
 * Calls `then` once when the signal fires: at once when it has fired, never when there is none. The result takes that
 * back. Both cost the same however many wait on the signal: Node's own event targets walk all of their listeners for each
 * that is added or removed, so that ten thousand open requests, which all end with their service, cost each other seconds.
 * `then` does not throw.
 */
export function onAbort(signal: AbortSignal | undefined, then: () => void): () => void {
  if (signal === undefined) return () => undefined
  if (signal.aborted) {
    then()
    return () => undefined
  }
  const waits = waitsOn(signal)
  // The same function may wait twice.
  const call = () => then()
  waits.calls.add(call)
  noteMany(signal, waits)
  return () => void waits.calls.delete(call)
}
