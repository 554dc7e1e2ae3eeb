import { beforeEach, describe, expect, test } from '@jest/globals'
import { appError } from '../../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseTag } from '../../../../lib/core/index.ts'
import type { ReplicationExecutor } from '../../../../services/build-index/replication/executor.ts'
import { replicationKeys } from '../../../../services/build-index/replication/replication-keys.ts'
import { type ShardWork, shardWork } from '../../../../services/build-index/replication/shard-work.ts'
import { labRemote, labShard, labTarget, type ReplicationLab, replicationLab } from '../../../kit/replication-lab.ts'

const { repository, tag } = labTarget
const descriptor: Descriptor = { digest: digestOf(Buffer.from('one')), mediaType: 'a/b', size: 3 }

let lab: ReplicationLab
let work: ShardWork
let runs: string[]
let behave: () => Promise<void>

beforeEach(() => {
  lab = replicationLab()
  runs = []
  behave = async () => undefined
  const executor: ReplicationExecutor = {
    async run({ key }) {
      runs.push(key)
      const status = await lab.statuses.get(labTarget)
      if (status?.state !== 'cancelled') await behave()
    },
    cancel: () => undefined,
  }
  work = shardWork(
    {
      ...lab,
      ...{ executor, remotes: new Map([['far', labRemote()]]) },
      backfills: { run: async () => undefined, progress: () => Promise.reject(new Error('no walk')) },
    },
    { tagsAtOnce: 2, retry: { baseMs: 1_000_000, maxMs: 1_000_000, attempts: 3 } },
  )
})

/** Holds the shard while the test runs. */
async function whileHeld(during: () => Promise<void>): Promise<void> {
  const end = new AbortController()
  const running = work.run({ shard: labShard, signal: end.signal, isHeld: () => !end.signal.aborted })
  try {
    await during()
  } finally {
    end.abort()
    await Promise.all([running, lab.clock.advance(5_000)])
  }
}

const change = { kind: 'change', repository, tag } as const
/** A change is announced and made. */
const makeChange = async () => lab.inbox.put({ ...(await lab.inbox.add(change)), made: true })

describe('a change that is announced', () => {
  test('waits until it is told to be made, whatever the tag is meanwhile', () =>
    whileHeld(async () => {
      const entry = await lab.inbox.add(change)
      await lab.clock.advance(5_000)
      expect(runs).toEqual([])
      await lab.index.putTag(repository, tag, { descriptor })
      await lab.clock.advance(5_000)
      expect(runs).toEqual([])
      await lab.inbox.put({ ...entry, made: true })
      await lab.clock.advance(2_000)
      expect(runs).toEqual(['far team/app 1.0'])
      expect(await lab.inbox.look(labShard)).toEqual({ entries: [], next: undefined })
    }))

  test('is tried when the change never came', () =>
    whileHeld(async () => {
      await lab.inbox.add(change)
      await lab.clock.advance(110_000)
      expect(runs).toEqual([])
      await lab.clock.advance(12_000)
      expect(runs).toHaveLength(1)
    }))

  test('is not lost when the shard goes to another holder before it is done', async () => {
    behave = () => Promise.reject(appError('NO_HEALTHY_MEMBER'))
    await lab.index.putTag(repository, tag, { descriptor })
    await whileHeld(async () => {
      await makeChange()
      await lab.clock.advance(2_000)
    })
    expect(runs).toHaveLength(1)
    behave = async () => undefined
    await whileHeld(async () => {
      await lab.clock.advance(1_100_000)
      expect(runs).toHaveLength(2)
    })
    await whileHeld(async () => {
      await lab.clock.advance(1_100_000)
      expect(runs).toHaveLength(2)
    })
  })
})

describe('what an admin orders', () => {
  test('a retry is done at once, though the task waits for its next try', () =>
    whileHeld(async () => {
      behave = () => Promise.reject(appError('NO_HEALTHY_MEMBER'))
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['far'] })
      await lab.clock.advance(2_000)
      expect(runs).toHaveLength(1)
      behave = async () => undefined
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['far'] })
      await lab.clock.advance(2_000)
      expect(runs).toHaveLength(2)
    }))

  test('what is cancelled is not tried again, until the tag changes', () =>
    whileHeld(async () => {
      behave = () => Promise.reject(appError('NO_HEALTHY_MEMBER'))
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['far'] })
      await lab.clock.advance(2_000)
      await lab.inbox.add({ kind: 'cancel', repository, tag, remotes: ['far'] })
      await lab.clock.advance(2_000)
      expect((await lab.statuses.get(labTarget))?.state).toBe('cancelled')
      const before = runs.length
      await lab.clock.advance(3_000_000)
      expect(runs).toHaveLength(before)
      await lab.index.putTag(repository, tag, { descriptor })
      await makeChange()
      await lab.clock.advance(2_000)
      expect((await lab.statuses.get(labTarget))?.state).toBe('waiting')
      expect(runs).toHaveLength(before + 1)
    }))
})

describe('an order', () => {
  test('for a remote that is not known here waits for who knows it, and others go on meanwhile', async () => {
    await whileHeld(async () => {
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['new', 'far'] })
      await lab.clock.advance(2_000)
      expect(runs).toEqual(['far team/app 1.0'])
      const { entries } = await lab.inbox.look(labShard)
      expect(entries).toMatchObject([{ kind: 'now', remotes: ['new'] }])
      await lab.clock.advance(3_000_000)
      expect((await lab.inbox.look(labShard)).entries).toHaveLength(1)
      await lab.clock.advance(700_000)
      expect((await lab.inbox.look(labShard)).entries).toEqual([])
    })
  })

  test('that fails keeps no other from being taken', () =>
    whileHeld(async () => {
      await lab.backend.write(replicationKeys.status('far', repository, tag), Buffer.from('nonsense'), { size: 8 })
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['far'] })
      const other = parseTag('2.0')
      await lab.inbox.add({ kind: 'now', repository, tag: other, remotes: ['far'] })
      await lab.clock.advance(2_000)
      expect(runs).toEqual(['far team/app 2.0'])
    }))

  test('behind very many that wait is taken with the same look', () =>
    whileHeld(async () => {
      for (let i = 0; i < 450; i += 1) await lab.inbox.add(change)
      await lab.clock.advance(1)
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['far'] })
      await lab.clock.advance(2_000)
      expect(runs).toEqual(['far team/app 1.0'])
    }))
})
