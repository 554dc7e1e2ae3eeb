import { adminClient, agentAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, background, type Clock } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { type Progress, progressText } from './progress.ts'
import { recentRate } from './recent-rate.ts'

/** Between two lines. */
const EVERY_MS = 500

type Pull = NonNullable<Progress['pull']>

/** Asks the agent where the bytes of its newest pull of this content come from. @throws what the admin listener answers */
export async function askedSources(
  http: HttpClient,
  { url, digest }: { readonly url: string; readonly digest: Digest },
  options: AbortOptions,
): Promise<Pull | undefined> {
  const agent = adminClient(http, url, agentAdmin)
  const { pulls } = await agent.pulls({ digest, n: '1' }, options)
  const [newest] = pulls
  if (newest === undefined) return undefined
  const { bytes, sources } = await agent.pull({ id: newest.id }, options)
  return { bytes, peers: sources.filter(({ role, bytes: given }) => role === 'agent' && given > 0).length }
}

export interface WatchComponents {
  readonly clock: Clock
  /** Shows a line in place of the last one. */
  readonly show: (line: string) => void
  /** What the agent says of the sources; the first failure ends the asking, since people may have no right to ask. */
  readonly sources: (options: AbortOptions) => Promise<Pull | undefined>
  /** Bytes that are there, and all that are to come. */
  readonly counts: () => Pick<Progress, 'done' | 'total'>
}

/** Shows how far it is, again and again, until it is disposed. */
export function watch({ clock, show, sources, counts }: WatchComponents): AsyncDisposable {
  const rate = recentRate()
  let pull: Pull | undefined
  let mayAsk = true
  const asking = background(() => {
    mayAsk = false
  })
  const look = () => {
    const { done, total } = counts()
    show(progressText({ done, total, bytesPerSecond: rate.at(clock.monotonicMs(), done), ...(pull && { pull }) }))
    if (mayAsk && asking.size === 0) {
      asking.run('sources', async (signal) => {
        pull = await sources({ signal })
      })
    }
    timer = clock.setTimer(EVERY_MS, look)
  }
  let timer = clock.setTimer(EVERY_MS, look)
  return {
    async [Symbol.asyncDispose]() {
      timer.cancel()
      show('')
      await asking.stop()
    },
  }
}
