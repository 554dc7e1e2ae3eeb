import { beforeEach, describe, expect, test } from '@jest/globals'
import type { BlobSender, Replicas } from '../../../../lib/api/index.ts'
import { appError, deferred, type ErrorCode } from '../../../../lib/base/index.ts'
import { type Descriptor, digestOf } from '../../../../lib/core/index.ts'
import type { Task } from '../../../../lib/journal/index.ts'
import { type RecordingMetrics, recordingMetrics } from '../../../../lib/telemetry/index.ts'
import {
  type ReplicationExecutor,
  replicationExecutor,
  taskKey,
} from '../../../../services/build-index/replication/executor.ts'
import type { Remote } from '../../../../services/build-index/replication/remote.ts'
import { replicationMetrics } from '../../../../services/build-index/replication/replication-metrics.ts'
import { labRemote, labTarget, type ReplicationLab, replicationLab } from '../../../kit/replication-lab.ts'

const { repository, tag } = labTarget
const descriptor: Descriptor = { digest: digestOf(Buffer.from('one')), mediaType: 'a/b', size: 3 }

let lab: ReplicationLab
let metrics: RecordingMetrics
let ties: string[]
let answer: () => Promise<Awaited<ReturnType<Replicas['getTag']>>>

beforeEach(async () => {
  lab = replicationLab()
  ties = []
  metrics = recordingMetrics()
  answer = async () => undefined
  await lab.index.putTag(repository, tag, { descriptor })
})

function executorFor(given: Partial<Remote> = {}): ReplicationExecutor {
  const replicas = { getTag: () => answer() } as unknown as Replicas
  return replicationExecutor(
    {
      ...lab,
      statuses: lab.statuses.under({ generation: 1 }),
      ...{
        followers: new Map([['far', labRemote({ replicas, ...given })]]),
        cluster: 'near',
        metrics: replicationMetrics(metrics),
      },
      ...{
        share: () => 1,
        onSent: () => undefined,
        onTie: (remote) => ties.push(remote),
        sender: {} as BlobSender,
        origins: {} as never,
      },
    },
    { tries: 3 },
  )
}

const task = (attempts: number, createdAtMs: number): Task => ({
  ...{ id: 'a', kind: 'replicate', key: taskKey(labTarget), payload: {}, state: 'running', attempts },
  ...{ dueAtMs: 0, createdAtMs, lastError: undefined },
})

/** Runs the task; the result is the code of its failure, or when it is to run again. */
async function run(executor: ReplicationExecutor, attempts = 0, createdAtMs = 0) {
  let postponed: number | undefined
  const postpone = (atMs: number) => {
    postponed = atMs
  }
  const failure = await executor
    .run(task(attempts, createdAtMs), { signal: new AbortController().signal, postpone })
    .then(
      () => undefined,
      (err: unknown) => err,
    )
  return { failure, postponed, status: await lab.statuses.get(labTarget) }
}

describe('a run', () => {
  test.each<readonly [ErrorCode, number, 'dead' | 'waiting', ErrorCode]>([
    ['MANIFEST_INVALID', 0, 'dead', 'MANIFEST_INVALID'],
    ['UNAUTHORIZED', 0, 'waiting', 'REPLICA_FAILED'],
    ['BLOB_UNKNOWN', 0, 'waiting', 'REPLICA_FAILED'],
    ['NO_HEALTHY_MEMBER', 0, 'waiting', 'NO_HEALTHY_MEMBER'],
    ['NO_HEALTHY_MEMBER', 2, 'dead', 'NO_HEALTHY_MEMBER'],
    ['UNKNOWN', 0, 'waiting', 'REPLICA_FAILED'],
  ])(
    'a failure that stays is a dead letter at once, and another one is tried again: %s',
    async (code, tries, state, thrown) => {
      answer = () => Promise.reject(appError(code))
      const { failure, status } = await run(executorFor(), tries)
      expect(failure).toMatchObject({ code: thrown, retryable: !(state === 'dead' && code === 'MANIFEST_INVALID') })
      expect(status).toMatchObject({ state, attempts: tries + 1, lastError: { code } })
    },
  )

  test('keeps of what the remote says one line that may be shown', async () => {
    const message = `no\nat http://me:pw@far/x?signature=s with the-far-secret ${'x'.repeat(2000)}`
    answer = () => Promise.reject(appError('UNAVAILABLE', { message, detail: { more: 'the-far-secret' } }))
    const { failure, status } = await run(executorFor({ secret: 'the-far-secret' }))
    expect(status?.lastError?.message).toMatch(/^no at http:\/\/far\/x with \.\.\. x+\.\.\.$/)
    expect(status?.lastError?.message.length).toBeLessThanOrEqual(300)
    expect(JSON.stringify(failure)).not.toContain('the-far-secret')
  })

  test('wrong bytes at the remote are sent again, and wrong bytes here are not', async () => {
    answer = () => Promise.reject(appError('DIGEST_INVALID', { detail: { at: 'far' } }))
    expect((await run(executorFor())).status).toMatchObject({ state: 'waiting' })
    answer = () => Promise.reject(appError('DIGEST_INVALID'))
    expect((await run(executorFor())).status).toMatchObject({ state: 'dead' })
  })

  test('has nothing to send when the remote has the version, or a later one, which is a conflict if it is not ours', async () => {
    const version = (await lab.tags.read(repository, tag))!.version
    answer = async () => ({ descriptor, version })
    expect((await run(executorFor())).status).toMatchObject({ state: 'done', outcome: 'same' })
    const later = { atMs: version.atMs + 1, cluster: 'here' }
    answer = async () => ({ descriptor, version: later })
    expect((await run(executorFor())).status).toMatchObject({ state: 'done', outcome: 'older', laterVersion: later })
    answer = async () => ({ descriptor, version: { ...later, cluster: 'far' } })
    expect((await run(executorFor())).status).toMatchObject({ state: 'lost', outcome: 'older' })
    expect(metrics.value('shoal_replication_conflicts_total', { remote: 'far' })).toBe(1)
  })

  test('of two tags with one version and other content one wins at both ends, and the loser is told of', async () => {
    const { version } = (await lab.tags.read(repository, tag))!
    const others = ['two', 'three', 'four', 'five', 'six'].map((text) => ({
      ...descriptor,
      digest: digestOf(Buffer.from(text)),
    }))
    const [above, below] = [
      others.find(({ digest }) => digest > descriptor.digest)!,
      others.find(({ digest }) => digest < descriptor.digest)!,
    ]
    answer = async () => ({ descriptor: above, version })
    expect((await run(executorFor())).status).toMatchObject({ state: 'lost', outcome: 'older', laterVersion: version })
    expect(ties).toEqual([])
    answer = async () => ({ descriptor: below, version })
    await run(executorFor())
    expect(ties).toEqual(['far'])
  })

  test('of a deletion leaves its mark also where the tag is not, so that an older copy is not taken later', async () => {
    await lab.index.deleteTag(repository, tag)
    const deleted: unknown[] = []
    const deleteTag: Replicas['deleteTag'] = async (_, name, { version }) => {
      deleted.push([name, version])
      return { outcome: 'taken', version }
    }
    const replicas = { getTag: () => answer(), deleteTag } as unknown as Replicas
    const { version } = (await lab.tags.read(repository, tag))!
    expect((await run(executorFor({ replicas }))).status).toMatchObject({ state: 'done', outcome: 'taken' })
    expect(deleted).toEqual([[tag, version]])
    expect((await run(executorFor({ replicas, deletes: false }))).status).toMatchObject({ outcome: 'gone' })
    answer = async () => ({ descriptor, version: { atMs: 1, cluster: 'far' } })
    expect((await run(executorFor({ replicas, deletes: false }))).status).toMatchObject({ outcome: 'unwanted' })
    expect(deleted).toHaveLength(1)
  })

  test('waits for the window of its remote, and ends with it', async () => {
    const closed = await run(executorFor({ opensInMs: () => 60_000 }))
    expect(closed).toMatchObject({ failure: undefined, postponed: lab.clock.now() + 60_000 })
    answer = () => deferred<undefined>().promise
    let opens = 0
    const ending = run(executorFor({ openForMs: () => 5_000, opensInMs: () => opens, replicas: waiting() }))
    await lab.clock.advance(1_000)
    opens = 7_000
    await lab.clock.advance(5_000)
    const ended = await ending
    expect(ended).toMatchObject({ failure: undefined, status: { state: 'waiting', attempts: 0 } })
    expect(ended.postponed).toBeGreaterThan(lab.clock.now() - 6_000 + 7_000)
  })

  test('that is cancelled stops, is no failure, and is not begun again', async () => {
    const executor = executorFor({ replicas: waiting() })
    const running = run(executor)
    await lab.clock.advance(1_000)
    await executor.cancel(labTarget)
    expect((await lab.statuses.get(labTarget))?.state).toBe('cancelled')
    expect(await running).toMatchObject({ failure: undefined, status: { state: 'cancelled' } })
    answer = () => Promise.reject(new Error('nobody asks'))
    expect(await run(executor)).toMatchObject({ failure: undefined, status: { state: 'cancelled' } })
  })

  test('for a remote that the config does not name waits a day for it, then it ends and leaves no status', async () => {
    answer = () => Promise.reject(appError('NO_HEALTHY_MEMBER'))
    await run(executorFor())
    const { clock } = lab
    const statuses = lab.statuses.under({ generation: 1 })
    const executor = replicationExecutor({ ...lab, followers: new Map(), statuses, clock } as never, { tries: 3 })
    const young = await run(executor, 0, clock.now())
    expect(young).toMatchObject({ failure: undefined, postponed: clock.now() + 600_000, status: { state: 'waiting' } })
    const old = await run(executor, 0, clock.now() - 86_400_000)
    expect(old).toEqual({ failure: undefined, postponed: undefined, status: undefined })
  })

  test('ends when its remote is over, and goes on with whoever has the name then; or it leaves no status', async () => {
    const over = new AbortController()
    const { clock } = lab
    const running = run(executorFor({ replicas: waiting(), over: over.signal }))
    await clock.advance(1)
    over.abort()
    expect(await running).toMatchObject({ failure: undefined, postponed: clock.now(), status: { state: 'waiting' } })
    const statuses = lab.statuses.under({ generation: 1 })
    const changes = { ...lab.changes, isGone: () => true }
    const gone = replicationExecutor({ ...lab, followers: new Map(), changes, statuses } as never, { tries: 3 })
    expect(await run(gone, 0, clock.now())).toEqual({ failure: undefined, postponed: undefined, status: undefined })
  })

  test('for a remote that was given just now, and is not known here yet, looks at what is given', async () => {
    const followers = new Map<string, Remote>()
    const look = async () => void followers.set('far', labRemote({ opensInMs: () => 5_000 }))
    const statuses = lab.statuses.under({ generation: 1 })
    const parts = { ...lab, followers, changes: { ...lab.changes, look }, statuses }
    const executor = replicationExecutor(parts as never, { tries: 3 })
    expect(await run(executor)).toMatchObject({ failure: undefined, postponed: lab.clock.now() + 5_000 })
  })
})

/** A remote that answers nothing until it is told to stop. */
const waiting = () =>
  ({
    getTag: (_: unknown, __: unknown, { signal }: { readonly signal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(appError('ABORTED')), { once: true })
      }),
  }) as unknown as Replicas
