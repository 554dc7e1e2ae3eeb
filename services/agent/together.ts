import { type AbortOptions, abortController, anySignal } from '../../lib/base/index.ts'

/**
 * Works on the items, `atOnce` at a time, until all have ended; the first that fails ends the others. @throws what the first
 * of them threw that failed
 */
export async function together<T>(
  items: readonly T[],
  { signal, atOnce }: AbortOptions & { readonly atOnce: number },
  work: (item: T, options: { readonly signal: AbortSignal }) => Promise<void>,
): Promise<void> {
  const failure = abortController()
  const working = signal === undefined ? failure.signal : anySignal([signal, failure.signal])
  const failed: unknown[] = []
  const left = items.values()
  const attempt = async () => {
    try {
      for (const item of left) await work(item, { signal: working })
    } catch (err) {
      failed.push(err)
      failure.abort()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, attempt))
  if (failed.length > 0) throw failed[0]
}
