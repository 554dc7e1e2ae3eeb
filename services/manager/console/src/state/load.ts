import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type Fault, isFault } from './api.ts'
import { put } from './put.ts'

export type Loaded<T> =
  | { readonly is: 'loading' }
  | { readonly is: 'failed'; readonly fault: Fault }
  | { readonly is: 'ready'; readonly value: T /** The last look failed, so this may be old. */; readonly stale?: Fault }

export interface Load<T> {
  readonly now: Loaded<T>
  readonly again: () => void
}

interface LoadInit {
  /** Looks again after so many milliseconds, while the page is visible. */
  readonly everyMs?: number
}

const asFault = (err: unknown): Fault =>
  isFault(err) ? err : { status: 0, code: 'UNEXPECTED', message: String(err), requestId: undefined }

/** Reads something whenever `key` changes, and again when it is told to; what came before stays until then. */
export function useLoad<T>(
  key: string,
  read: (signal: AbortSignal) => Promise<T>,
  { everyMs }: LoadInit = {},
): Load<T> {
  const now = useSignal<Loaded<T>>({ is: 'loading' })
  const turn = useSignal(0)
  const reading = useRef(read)
  reading.current = read
  const shown = useRef(key)
  if (shown.current !== key) {
    shown.current = key
    now.value = { is: 'loading' }
  }
  useEffect(() => {
    const gone = new AbortController()
    const look = async () => {
      try {
        const value = await reading.current(gone.signal)
        if (!gone.signal.aborted) now.value = { is: 'ready', value }
      } catch (err) {
        if (gone.signal.aborted) return
        const before = now.value
        now.value = before.is === 'ready' ? { ...before, stale: asFault(err) } : { is: 'failed', fault: asFault(err) }
      }
    }
    void look()
    const timer =
      everyMs === undefined ? undefined : setInterval(() => (document.hidden ? undefined : void look()), everyMs)
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [key, turn.value, everyMs])
  return { now: now.value, again: () => put(turn, turn.value + 1) }
}
