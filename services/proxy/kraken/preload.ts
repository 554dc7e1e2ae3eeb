import { adminClient, type JobScope, trackerAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, hasCode, isAppError, retry, type Startable } from '../../../lib/base/index.ts'
import { type Member, tryEach } from '../../../lib/cluster/index.ts'
import { type BlobRef, repositoryText } from '../../../lib/core/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { type Runtime, serviceCluster } from '../../../lib/service/index.ts'

/** A tracker that has just started gathers its hosts for a while before it takes orders for all of them. */
const TRIES = { attempts: 8, baseMs: 1_000, maxMs: 15_000 }
/** What is told of again within this time is not ordered again. */
const ONCE_MS = 600_000

export interface PreloaderInit extends JobScope {
  /** The admin listeners of the trackers. */
  readonly trackers: readonly Member[]
  /** Their `admin` secret. */
  readonly secret?: () => string
}

/** Orders hosts to fetch images. */
export interface Preloader extends Startable {
  /** Returns when a tracker has the order, or no host comes to it. @throws what a tracker answers at last */
  order(image: BlobRef, options: AbortOptions): Promise<void>
}

export function preloader(runtime: Runtime, { trackers, secret, ...scope }: PreloaderInit): Preloader {
  const { clock, random, tls } = runtime
  const http = httpClient({ clock }, { token: secret?.(), tls })
  const cluster = serviceCluster(runtime, { name: 'trackers', members: trackers })
  return {
    start: () => http.start(),
    stop: () => http.stop(),
    async order({ repository, digest }, { signal }) {
      const target = `${repositoryText(repository)}@${digest}`
      const key = `pushed ${Math.floor(clock.now() / ONCE_MS)} ${digest.slice(0, 80)}`
      const body = { kind: 'preload', target, key, ...scope } as const
      const once = () =>
        tryEach(cluster, digest, ({ url }) => adminClient(http, url, trackerAdmin).order({ body }, { signal }), {
          signal,
        })
      const again = (err: unknown) => isAppError(err) && err.retryable
      try {
        await retry({ clock, random }, TRIES, once, { signal, again })
      } catch (err) {
        // Nobody is there to fetch it, or it was ordered under another name a moment ago.
        if (!hasCode(err, 'FLEET_EMPTY', 'JOB_KEY_TAKEN')) throw err
      }
    },
  }
}
