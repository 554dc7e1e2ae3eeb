import {
  type AbortOptions,
  appError,
  backoffMs,
  type Clock,
  isAppError,
  type Random,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import type { ContentSource, OpenContent } from './content-source.ts'

/** Tries in a row of which none gives a byte, and the waits between them. */
const TRIES = { attempts: 6, baseMs: 500, maxMs: 10_000 }

export interface SteadyReadComponents {
  readonly clock: Pick<Clock, 'sleep'>
  readonly random: Random
  readonly source: Pick<ContentSource, 'open'>
}

/**
 * The bytes of content that was opened. A body that breaks off is gone on with where it ended, as long as that gives
 * further bytes.
 * @throws what the last of the tries failed with; ABORTED
 */
export async function* steadyRead(
  { source, clock, random }: SteadyReadComponents,
  first: OpenContent,
  options: AbortOptions,
): AsyncGenerator<Uint8Array> {
  const { end } = first
  let at = first.start
  let vain = 0
  let next: OpenContent | undefined = first
  while (at < end) {
    const before = at
    try {
      const { body } = next ?? (await source.open(`${at}-${end - 1}`, options))
      next = undefined
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        at += chunk.length
        yield chunk
      }
      if (at < end) throw appError('PEER_CLOSED', { message: 'the agent ended the body too early' })
    } catch (err) {
      throwIfAborted(options.signal)
      vain = at > before ? 0 : vain + 1
      if (!(isAppError(err) && err.retryable) || vain >= TRIES.attempts) throw err
      await clock.sleep(backoffMs(TRIES, vain, random), options)
    }
  }
}
