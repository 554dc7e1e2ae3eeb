import { abortController, anySignal, type Clock, throwIfAborted } from '../../../lib/base/index.ts'

/** Ends after a time, or as soon as something happens. @throws ABORTED */
export async function pause(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
  { event, signal }: { readonly event: Promise<unknown>; readonly signal: AbortSignal },
): Promise<void> {
  const over = abortController()
  const time = clock.sleep(ms, { signal: anySignal([signal, over.signal]) }).catch(() => undefined)
  await Promise.race([time, event])
  over.abort()
  throwIfAborted(signal)
}
