import type { AbortOptions } from '../../lib/base/index.ts'

/**
 * Runs the work `atOnce` times over, until all have ended; the first that fails ends the others. @throws what the first of
 * them threw that failed
 */
export async function together(
  { signal, atOnce }: AbortOptions & { readonly atOnce: number },
  work: (options: { readonly signal: AbortSignal }) => Promise<void>,
): Promise<void> {
  const failure = new AbortController()
  const working = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal])
  const failed: unknown[] = []
  const attempt = async () => {
    try {
      await work({ signal: working })
    } catch (err) {
      failed.push(err)
      failure.abort()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, attempt))
  if (failed.length > 0) throw failed[0]
}
