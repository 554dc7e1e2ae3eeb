import { type AbortOptions, appError, type Clock, deadline, onAbort, throwIfAborted } from '../base/index.ts'
import type { BackendOperation, Governor } from './governor.ts'

/** After an abort, how long to wait for the answer that names what was opened, in milliseconds. */
export const LAST_ANSWER_MS = 5_000

/** How to open something at a backend that stays there until it is ended: a multipart upload or an upload session. */
export interface Opening<T> {
  readonly open: (signal: AbortSignal) => Promise<T>
  /** Ends what was opened in vain. Never throws. */
  readonly undo: (opened: T) => Promise<void>
}

/**
 * Opens it. An abort does not end the request at once: the backend may have opened it already, and only the answer says
 * what has to be ended. If the answer comes within LAST_ANSWER_MS of the abort, `undo` ends what was opened.
 * @throws what `open` throws, ABORTED
 */
export async function openedOrUndone<T>(clock: Clock, { open, undo }: Opening<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal)
  const last = deadline(clock, LAST_ANSWER_MS)
  last.hold()
  const takeBack = onAbort(signal, () => last.touch())
  try {
    const opened = await open(last.signal)
    if (!signal.aborted) return opened
    await undo(opened)
    throw appError('ABORTED', { cause: signal.reason })
  } finally {
    takeBack()
    last.release()
  }
}

/**
 * A request whose attempts clean up after themselves: like `governor.request`, but when this returns or throws, no
 * attempt is running any more.
 */
export async function settledRequest<T>(
  { governor, operation }: { readonly governor: Governor; readonly operation: BackendOperation },
  work: (signal: AbortSignal) => Promise<T>,
  { signal }: AbortOptions,
): Promise<T> {
  const attempts: Promise<unknown>[] = []
  const tracked = (attempt: AbortSignal) => {
    const answer = work(attempt)
    attempts.push(answer.catch(() => undefined))
    return answer
  }
  try {
    return await governor.request(operation, tracked, signal === undefined ? {} : { signal })
  } finally {
    await Promise.all(attempts)
  }
}
