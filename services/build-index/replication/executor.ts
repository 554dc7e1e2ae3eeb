import {
  type AbortOptions,
  abortController,
  anySignal,
  appError,
  type Clock,
  codeOf,
  type Deferred,
  deadline,
  deferred,
  hasCode,
  isAppError,
  onAbort,
} from '../../../lib/base/index.ts'
import { parseRepository, parseTag, repositoryText } from '../../../lib/core/index.ts'
import type { Executor, RunOptions, Task } from '../../../lib/journal/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { Ended } from './ended.ts'
import type { Follower } from './follower.ts'
import type { FollowerChanges } from './follower-changes.ts'
import { plainMessage } from './plain-message.ts'
import type { ReplicationMetrics } from './replication-metrics.ts'
import type { HeldStatuses, ReplicationTarget } from './status.ts'
import { replicateTag, type TagReplicationComponents } from './tag-replication.ts'
import { newStatus, TagStatus } from './tag-status.ts'
import { tellWebhook } from './webhook.ts'

/** Kind of the journal's tasks. */
export const REPLICATE = 'replicate'

/**
 * Final answers to a replication; other ones may change when somebody repairs the remote or changes a secret, or an
 * origin comes back, and are tried again.
 */
const FINAL = [
  ...['MANIFEST_UNKNOWN', 'MANIFEST_INVALID', 'DIGEST_INVALID', 'BACKEND_CORRUPT', 'UNSUPPORTED', 'REPLICA_TOO_LARGE'],
  ...['REPLICA_SAME_CLUSTER', 'NAME_INVALID', 'TAG_INVALID', 'TAG_IMMUTABLE'],
]
/** A task for a remote that is not in the config here is kept so long: the config may be on its way. */
const UNKNOWN_MS = 86_400_000
const UNKNOWN_PAUSE_MS = 600_000

export interface ReplicationExecutorComponents extends TagReplicationComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly statuses: HeldStatuses
  readonly followers: ReadonlyMap<string, Follower>
  readonly changes: FollowerChanges
  /** Name of this cluster. */
  readonly cluster: string
  readonly metrics: ReplicationMetrics
}

/** Does the tasks, and can stop one. */
export interface ReplicationExecutor extends Executor {
  /** Stops the run of the task, if it runs, and returns when it has ended; it is then cancelled and not tried again. */
  cancel(target: ReplicationTarget): Promise<void>
}

/** A run that goes on. */
interface Running {
  readonly stop: AbortController
  readonly ended: Deferred<void>
  isCancelled: boolean
}

export const taskKey = ({ remote, repository, tag }: ReplicationTarget): string =>
  `${remote} ${repositoryText(repository)} ${tag}`

/** The remote of a task. */
export const remoteOf = ({ key }: Pick<Task, 'key'>): string => key.slice(0, key.indexOf(' '))

export function targetOf({ key }: Pick<Task, 'key'>): ReplicationTarget {
  const [remote = '', repository = '', tag = ''] = key.split(' ')
  return { remote, repository: parseRepository(repository), tag: parseTag(tag) }
}

export function replicationExecutor(
  components: ReplicationExecutorComponents,
  { tries }: { readonly tries: number },
): ReplicationExecutor {
  const { clock, statuses, followers } = components
  const running = new Map<string, Running>()

  const work = async ({ task, remote, status }: Following, { signal, postpone }: RunOptions) => {
    const own: Running = { stop: abortController(), ended: deferred(), isCancelled: false }
    running.set(task.key, own)
    const stop = anySignal([signal, own.stop.signal])
    const unfollow = onAbort(remote.over, () => own.stop.abort())
    const openMs = remote.openForMs()
    const window = Number.isFinite(openMs) ? deadline(clock, openMs, stop) : undefined
    try {
      status.change({ state: 'running', attempts: task.attempts })
      const ended = await follow(components, { task, remote, status }, { signal: window?.signal ?? stop })
      await finish(components, { status, remote }, ended)
    } catch (err) {
      if (signal.aborted) throw err
      if (own.isCancelled) status.change({ state: 'cancelled', uploads: [] })
      else if (remote.over.aborted || window?.expired === true) {
        status.change({ state: 'waiting' })
        // When it is over, the next run has to do with whoever has its name then.
        postpone(clock.now() + (remote.over.aborted ? 0 : Math.max(1, remote.opensInMs())))
      } else {
        const said = plainError(err, remote.secret)
        await fail(components, { status, isLast: task.attempts + 1 >= tries }, said)
        throw isFinal(said) ? said : retryableOf(said)
      }
      await status.save()
    } finally {
      unfollow()
      window?.release()
      running.delete(task.key)
      own.ended.resolve()
    }
  }

  return {
    async run(task, { signal, postpone }) {
      const target = targetOf(task)
      const remote = followers.get(target.remote) ?? (await lateFollower(components, target, { signal }))
      const before = await statuses.get(target, { signal })
      if (remote === undefined) return withoutRemote(components, task, target, { signal, postpone })
      if (before?.state === 'cancelled') return
      const opensInMs = remote.opensInMs()
      if (opensInMs > 0) {
        postpone(clock.now() + opensInMs)
        return
      }
      const status = new TagStatus(components, target, before ?? newStatus(target, clock.now()))
      await work({ task, remote, status }, { signal, postpone })
    },
    async cancel(target) {
      const found = running.get(taskKey(target))
      if (found === undefined) return
      found.isCancelled = true
      found.stop.abort()
      await found.ended.promise
    },
  }
}

/** A task, whom it is for, and how it stands. */
interface Following {
  readonly task: Task
  readonly remote: Follower
  readonly status: TagStatus
}

/** What the tag is here becomes known to the follower. */
function follow(
  components: ReplicationExecutorComponents,
  { task, remote, status }: Following,
  options: AbortOptions,
): Promise<Ended> {
  const { repository, tag } = targetOf(task)
  if (remote.kind === 'webhook') return tellWebhook(components, remote, { repository, tag }, options)
  return replicateTag(components, { remote, repository, status, attempts: task.attempts }, tag, options)
}

/** The one that was given just now, and is not known here yet. */
async function lateFollower(
  { followers, changes }: ReplicationExecutorComponents,
  { remote }: ReplicationTarget,
  options: AbortOptions,
): Promise<Follower | undefined> {
  await changes.look(options)
  return followers.get(remote)
}

/** A given one is known to be gone. A config may be on its way; when it has not come for long, the remote is gone, too. */
async function withoutRemote(
  { clock, statuses, changes }: ReplicationExecutorComponents,
  { createdAtMs }: Task,
  target: ReplicationTarget,
  { signal, postpone }: RunOptions,
): Promise<void> {
  const isAwaited = !changes.isGone(target.remote) && clock.now() - createdAtMs < UNKNOWN_MS
  if (isAwaited) postpone(clock.now() + UNKNOWN_PAUSE_MS)
  else await statuses.remove(target, { signal })
}

async function finish(
  { metrics }: ReplicationExecutorComponents,
  { status, remote }: { readonly status: TagStatus; readonly remote: Follower },
  ended: Ended,
): Promise<void> {
  const later = ended.laterVersion
  // The later version of the own cluster is no conflict; an equal one has other content, and is.
  const isLost = later !== undefined && (later.cluster !== ended.version?.cluster || later.atMs === ended.version.atMs)
  if (isLost) metrics.conflicts.with({ remote: remote.name }).add()
  metrics.tags.with({ remote: remote.name, outcome: ended.outcome ?? 'gone' }).add()
  status.change({ ...ended, state: isLost ? 'lost' : 'done', attempts: 0, uploads: [], lastError: undefined })
  await status.save()
}

/** Wrong bytes at the remote were removed there, so the next try sends them again. */
const isFinal = (err: unknown) =>
  isAppError(err) &&
  !err.retryable &&
  hasCode(err, ...FINAL) &&
  !(err.code === 'DIGEST_INVALID' && err.detail?.['at'] === 'far')

async function fail(
  { metrics }: ReplicationExecutorComponents,
  { status, isLast }: { readonly status: TagStatus; readonly isLast: boolean },
  err: unknown,
): Promise<void> {
  const isDead = isLast || isFinal(err)
  const message = isAppError(err) ? err.message : 'an unexpected failure; the log has the cause'
  status.change({
    state: isDead ? 'dead' : 'waiting',
    attempts: status.now.attempts + 1,
    lastError: { code: codeOf(err) ?? 'UNKNOWN', message },
  })
  metrics.tags.with({ remote: status.now.remote, outcome: isDead ? 'dead' : 'failed' }).add()
  await status.save()
}

/** The error with words that may be shown; what the remote wrote is kept nowhere. */
function plainError(err: unknown, secret: string | undefined): unknown {
  if (!isAppError(err)) return err
  const { code, message, detail } = err
  const at = detail?.['at']
  return appError(code, { message: plainMessage(message, secret), ...(at !== undefined && { detail: { at } }) })
}

/** An error after which the journal tries again. */
function retryableOf(err: unknown): unknown {
  if (!isAppError(err) || err.retryable) return err
  return appError('REPLICA_FAILED', { message: err.message, detail: { code: err.code } })
}
