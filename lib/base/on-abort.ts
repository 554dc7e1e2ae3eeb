import { setMaxListeners } from 'node:events'

/** Those who wait on a signal, in the order in which they came. */
interface Waits {
  readonly calls: Set<() => void>
  /** The one listener of the signal, while somebody waits. */
  readonly fire: () => void
  /** Of those that have a bound. */
  counted: number
  isTold: boolean
}

/** Most waits on a signal at one time; no bound for those that are not here. */
const bounds = new WeakMap<AbortSignal, number>()

const waitsOf = new WeakMap<AbortSignal, Waits>()

function waitsOn(signal: AbortSignal): Waits {
  const known = waitsOf.get(signal)
  if (known !== undefined) return known
  const calls = new Set<() => void>()
  const fire = () => {
    for (const call of calls) call()
    calls.clear()
  }
  const waits: Waits = { calls, fire, counted: 0, isTold: false }
  waitsOf.set(signal, waits)
  return waits
}

/** Says how many may wait on a signal at one time: Node, or `onAbort`, warns of more. 0 is no bound. */
export function boundWaits(signal: AbortSignal, most: number): void {
  setMaxListeners(most, signal)
  if (most > 0) bounds.set(signal, most)
}

/** More waits than were allowed are some that nobody takes back. */
function noteMany(most: number, waits: Waits): void {
  if (waits.counted <= most || waits.isTold) return
  waits.isTold = true
  process.emitWarning(`${waits.counted} waits on one signal`, 'MaxListenersExceededWarning')
}

/** Adds a wait that no bound counts, to a signal that has not fired. */
export function addWait(signal: AbortSignal, call: () => void): void {
  const { calls, fire } = waitsOn(signal)
  if (calls.size === 0) signal.addEventListener('abort', fire, { once: true })
  calls.add(call)
}

/** Takes `addWait` back. Returns false when that was done, or the signal has fired. */
export function dropWait(signal: AbortSignal, call: () => void): boolean {
  const waits = waitsOf.get(signal)
  if (waits === undefined || !waits.calls.delete(call)) return false
  if (waits.calls.size === 0) signal.removeEventListener('abort', waits.fire)
  return true
}

/**
 * Calls `then` once when the signal fires: at once when it has fired, never when there is none. The result takes that
 * back. Both cost the same however many wait on the signal: Node's own event targets walk all of their listeners for each
 * that is added or removed, so that ten thousand open requests, which all end with their service, cost each other seconds.
 * A signal on which nobody waits any more has no listener, since Node keeps each `anySignal` in memory that has one.
 * `then` does not throw.
 */
export function onAbort(signal: AbortSignal | undefined, then: () => void): () => void {
  if (signal === undefined) return () => undefined
  if (signal.aborted) {
    then()
    return () => undefined
  }
  // The same function may wait twice.
  const call = () => then()
  addWait(signal, call)
  const waits = waitsOn(signal)
  waits.counted += 1
  noteMany(bounds.get(signal) ?? Number.POSITIVE_INFINITY, waits)
  return () => {
    if (dropWait(signal, call)) waits.counted -= 1
  }
}
