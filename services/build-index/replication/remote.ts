import {
  type BuildIndex,
  buildIndexCluster,
  type ReplicaCluster,
  type Replicas,
  replicasOf,
} from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  abortController,
  appError,
  type Slots,
  slots,
  WAITS_OF_LIFE,
} from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { type Runtime, serviceCluster } from '../../../lib/service/index.ts'
import type { RemoteConfig } from './config.ts'
import type { FollowerFacts } from './follower-facts.ts'
import { type Matcher, matcher, signedBy, type TagRule } from './rules.ts'
import { type DayWindow, openForMs, opensInMs } from './windows.ts'

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
  readonly windows: readonly DayWindow[]
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

export interface RemoteInit {
  /** Name of this cluster. */
  readonly ownCluster: string
  readonly name: string
  readonly from: Remote['from']
  readonly rules: readonly TagRule[]
}

/** Stopped, it is over for good. */
export function remoteCluster(
  runtime: Runtime,
  { ownCluster, name, from, rules }: RemoteInit,
  config: Omit<RemoteConfig, 'rules'>,
): Remote {
  const { clock, tls } = runtime
  const secret = config.secret?.()
  const http = httpClient({ clock }, { token: secret, connectTimeoutMs: CONNECT_MS, tls, trustsPublic: true })
  const members = config.urls.map((url, i) => ({ id: `${name}-${i + 1}`, url }))
  const cluster = serviceCluster(runtime, { name: `remote ${name}`, members })
  const replicas = replicasOf({ http, cluster })
  const over = abortController(WAITS_OF_LIFE)
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
    start: () => http.start(),
    stop() {
      over.abort()
      return http.stop()
    },
    ...{ name, from, over: over.signal },
    ...{ urls: config.urls, signatures: config.signatures, deletes: config.deletes, windows: config.windows },
    ...{ concurrency: config.concurrency, bytesPerSecond: config.bandwidth, slots: slots(config.concurrency) },
    ...{ replicas, index: buildIndexCluster({ http, cluster }), secret },
    ...wanting(rules, config),
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

/** The same remote with other rules: what is under way goes on. */
export const withRules = (remote: Remote, rules: readonly TagRule[]): Remote => ({
  ...remote,
  ...wanting(rules, remote),
})

function wanting(
  rules: readonly TagRule[],
  { signatures }: Pick<Remote, 'signatures'>,
): Pick<Remote, 'rules' | 'fits' | 'mayWant'> {
  const matchers: readonly Matcher[] = rules.map(matcher)
  const fits: Remote['fits'] = (repository, tag) => matchers.some((rule) => rule.fits(repository, tag))
  return {
    rules,
    fits,
    mayWant: (repository, tag) =>
      fits(repository, tag) ||
      (signatures && signedBy(tag) !== undefined && matchers.some((rule) => rule.repository(repository))),
  }
}
