import { type AbortOptions, abortable, appError, type Clock, deadline } from '../../base/index.ts'
import type { MetaInfoHeader } from '../../core/index.ts'
import type { Torrent } from '../torrent/index.ts'

/** The header of a blob that is being pulled. @throws SOURCES_EXHAUSTED when it is late, ABORTED, why none will come */
export async function awaitHeader(
  clock: Clock,
  torrent: Pick<Torrent, 'header' | 'lastStepFailed'>,
  { timeoutMs, signal }: AbortOptions & { readonly timeoutMs: number },
): Promise<MetaInfoHeader> {
  const limit = deadline(clock, timeoutMs, signal)
  try {
    return await abortable(torrent.header, limit.signal)
  } catch (err) {
    if (!limit.expired) throw err
    throw appError('SOURCES_EXHAUSTED', { cause: err, detail: { lastStepFailed: torrent.lastStepFailed } })
  } finally {
    limit.release()
  }
}
