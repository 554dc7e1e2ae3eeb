import {
  type BuildIndex,
  buildIndexCluster,
  type ReplicaCluster,
  type Replicas,
  replicasOf,
} from '../../../lib/api/index.ts'
import { type AbortOptions, appError, type Slots, slots } from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { type Runtime, serviceCluster } from '../../../lib/service/index.ts'
import type { RemoteConfig } from './config.ts'
import type { FollowerFacts } from './follower-facts.ts'
import { type Matcher, matcher, signedBy, type TagRule } from './rules.ts'
import { openForMs, opensInMs } from './windows.ts'

/** How long what a remote said about itself is believed. */
const DESCRIBED_MS = 60_000
const CONNECT_MS = 5_000

/** Another cluster that tags are replicated to. */
export interface Remote extends FollowerFacts {
  readonly kind: 'cluster'
  /** Whether the config names it, or a manager, or an admin in its place. */
  readonly from: 'config' | 'given'
  readonly urls: readonly string[]
  readonly rules: readonly TagRule[]
  readonly signatures: boolean
  readonly deletes: boolean
  readonly concurrency: number
  readonly bytesPerSecond: number | undefined
  /** Blobs on their way to it; one slot for each. */
  readonly slots: Slots
  readonly replicas: Replicas
  /** Its index, to link what it has. */
  readonly index: BuildIndex
  /**
   * Whether a rule fits the tag. `mayWant` holds besides for the tag of a signature that may go along with something in
   * the repository.
   */
  fits(repository: Repository, tag: Tag): boolean
  /**
   * What the remote says about itself; asked at most once in a minute.
   * @throws REPLICA_SAME_CLUSTER when it has the name of this cluster
   */
  describe(options?: AbortOptions): Promise<ReplicaCluster>
}

export function remoteCluster(runtime: Runtime, ownCluster: string, name: string, config: RemoteConfig): Remote {
  const { clock, tls } = runtime
  const secret = config.secret?.()
  const http = httpClient({ clock }, { token: secret, connectTimeoutMs: CONNECT_MS, tls, trustsPublic: true })
  const members = config.urls.map((url, i) => ({ id: `${name}-${i + 1}`, url }))
  const cluster = serviceCluster(runtime, { name: `remote ${name}`, members })
  const replicas = replicasOf({ http, cluster })
  const matchers: readonly Matcher[] = config.rules.map(matcher)
  const fits: Remote['fits'] = (repository, tag) => matchers.some((rule) => rule.fits(repository, tag))
  let known: { readonly answer: ReplicaCluster; readonly untilMs: number } | undefined
  const describe: Remote['describe'] = async (options = {}) => {
    if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.answer
    const answer = await replicas.describe(options)
    if (answer.cluster === ownCluster)
      throw appError('REPLICA_SAME_CLUSTER', { detail: { remote: name, cluster: ownCluster } })
    known = { answer, untilMs: clock.monotonicMs() + DESCRIBED_MS }
    return answer
  }

  return {
    kind: 'cluster',
    from: 'config',
    start: () => http.start(),
    stop: () => http.stop(),
    name,
    ...{ urls: config.urls, rules: config.rules, signatures: config.signatures, deletes: config.deletes },
    ...{ concurrency: config.concurrency, bytesPerSecond: config.bandwidth, slots: slots(config.concurrency) },
    ...{ replicas, index: buildIndexCluster({ http, cluster }), secret, fits },
    mayWant: (repository, tag) =>
      fits(repository, tag) ||
      (config.signatures && signedBy(tag) !== undefined && matchers.some((rule) => rule.repository(repository))),
    openForMs: () => openForMs(config.windows, clock.now()),
    opensInMs: () => opensInMs(config.windows, clock.now()),
    describe,
    answers: (options) =>
      describe(options).then(
        () => true,
        (err: unknown) => {
          if (options.signal?.aborted === true) throw err
          return false
        },
      ),
  }
}
