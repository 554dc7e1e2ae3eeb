import type { BuildIndex, Replicas } from '../../lib/api/index.ts'
import { type Backend, memoryBackend } from '../../lib/backend/index.ts'
import { abortController, type FakeClock, fakeClock, type Random, seededRandom, slots } from '../../lib/base/index.ts'
import { parseRepository, parseTag } from '../../lib/core/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { type FollowerChanges, noChanges } from '../../services/build-index/replication/follower-changes.ts'
import { type Inbox, inbox } from '../../services/build-index/replication/inbox.ts'
import type { Remote } from '../../services/build-index/replication/remote.ts'
import { shardOfRepository } from '../../services/build-index/replication/replication-keys.ts'
import { type Statuses, statuses } from '../../services/build-index/replication/status.ts'
import { type LocalIndex, localIndex } from './local-index.ts'

export const labTarget = { remote: 'far', repository: parseRepository('team/app'), tag: parseTag('1.0') }
export const labShard = shardOfRepository(labTarget.repository)

export interface ReplicationLab extends LocalIndex {
  readonly backend: Backend
  readonly clock: FakeClock
  readonly random: Random
  readonly inbox: Inbox
  readonly changes: FollowerChanges
  readonly statuses: Statuses
  readonly logger: ReturnType<typeof silentLogger>
}

/** The index of one cluster and what its replication keeps, in memory. */
export function replicationLab(): ReplicationLab {
  const parts = { backend: memoryBackend(), clock: fakeClock(), random: seededRandom(5) }
  const local = localIndex(parts)
  const logger = silentLogger()
  const both = { ...parts, records: local.records, logger }
  return { ...local, ...parts, inbox: inbox(both), changes: noChanges(), statuses: statuses(both), logger }
}

/** A remote that wants everything; the test says what it answers. */
export function labRemote(given: Partial<Remote> & { readonly replicas?: Replicas } = {}): Remote {
  const remote: Remote = {
    ...{
      kind: 'cluster',
      from: 'config',
      over: abortController().signal,
      windows: [],
      name: 'far',
      urls: [],
      rules: [],
      signatures: true,
      deletes: true,
      concurrency: 2,
      bytesPerSecond: undefined,
    },
    ...{ slots: slots(2), replicas: {} as Replicas, index: {} as BuildIndex, secret: undefined },
    fits: () => true,
    mayWant: () => true,
    answers: () =>
      remote.describe().then(
        () => true,
        () => false,
      ),
    openForMs: () => Number.POSITIVE_INFINITY,
    opensInMs: () => 0,
    describe: async () => ({ cluster: 'far', origins: [] }),
    start: async () => undefined,
    stop: async () => undefined,
    ...given,
  }
  return remote
}
