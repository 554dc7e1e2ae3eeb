import { beforeEach, describe, expect, test } from '@jest/globals'
import type { BlobSender, ReplicaCluster, Replicas } from '../../../../lib/api/index.ts'
import { abortable, appError, deferred } from '../../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseTag } from '../../../../lib/core/index.ts'
import { recordingMetrics } from '../../../../lib/telemetry/index.ts'
import type { Backfills } from '../../../../services/build-index/replication/backfill.ts'
import { type ReplicationExecutor, replicationExecutor } from '../../../../services/build-index/replication/executor.ts'
import { replicationKeys } from '../../../../services/build-index/replication/replication-keys.ts'
import { replicationMetrics } from '../../../../services/build-index/replication/replication-metrics.ts'
import {
  type ShardWork,
  type ShardWorkComponents,
  shardWork,
} from '../../../../services/build-index/replication/shard-work.ts'
import { labRemote, labShard, labTarget, type ReplicationLab, replicationLab } from '../../../kit/replication-lab.ts'

const { repository, tag } = labTarget
const descriptor: Descriptor = { digest: digestOf(Buffer.from('one')), mediaType: 'a/b', size: 3 }

const noWalks: Backfills = { run: async () => undefined, progress: () => Promise.reject(new Error('no walk')) }

let lab: ReplicationLab
let work: ShardWork
let runs: string[]
let behave: (key: string, signal: AbortSignal) => Promise<void>
let answers: () => Promise<ReplicaCluster>

beforeEach(() => {
  lab = replicationLab()
  answers = async () => ({ cluster: 'far', origins: [] })
  runs = []
  behave = async () => undefined
  work = workFor({ followers: remotes() })
})

function workFor(own: Pick<ShardWorkComponents, 'followers'> & Partial<ShardWorkComponents>): ShardWork {
  const executor: ReplicationExecutor = {
    async run({ key }, { signal }) {
      runs.push(key)
      const status = await lab.statuses.get(labTarget)
      if (status?.state !== 'cancelled') await behave(key, signal)
    },
    cancel: async () => undefined,
  }
  return shardWork(
    { ...lab, ...{ executorOf: () => executor, onForgotten: () => undefined }, backfills: noWalks, ...own },
    { tagsAtOnce: 2, retry: { baseMs: 1_000_000, maxMs: 1_000_000, attempts: 3 }, reviveMs: 3_600_000 },
  )
}

const remotes = () =>
  new Map(
    ['far', 'slow'].map(
      (name) => [name, labRemote({ name, mayWant: () => name === 'far', describe: () => answers() })] as const,
    ),
  )

/** Holds the shard while the test runs. */
async function whileHeld(during: () => Promise<void>, own = work): Promise<void> {
  const end = new AbortController()
  const running = own.run({ shard: labShard, generation: 1, signal: end.signal, isHeld: () => !end.signal.aborted })
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

describe('a remote', () => {
  test('that is slow keeps nothing from going to another one', () =>
    whileHeld(async () => {
      behave = (key, signal) => (key.startsWith('slow') ? abortable(deferred().promise, signal) : Promise.resolve())
      for (const name of ['1.0', '2.0', '3.0', '4.0']) {
        await lab.inbox.add({ kind: 'now', repository, tag: parseTag(name), remotes: ['slow', 'far'] })
      }
      await lab.clock.advance(2_000)
      expect(runs.filter((key) => key.startsWith('far'))).toHaveLength(4)
      expect(runs.filter((key) => key.startsWith('slow'))).toHaveLength(2)
    }))

  test('gets what is pushed now before the tags of before, and what was cancelled does not come back with them', () =>
    whileHeld(async () => {
      const held = deferred()
      behave = () => held.promise
      await lab.inbox.add({ kind: 'cancel', repository, tag: parseTag('old0'), remotes: ['far'] })
      await lab.clock.advance(1_500)
      for (let i = 0; i < 250; i += 1) {
        await lab.inbox.add({ kind: 'backfill', repository, tag: parseTag(`old${i}`), remotes: ['far'] })
      }
      await lab.clock.advance(1_500)
      expect(runs).toHaveLength(2)
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['far'] })
      await lab.clock.advance(1_500)
      held.resolve()
      await lab.clock.advance(2_000)
      expect(runs[2]).toBe('far team/app 1.0')
      expect(runs).toHaveLength(250)
      expect(runs).not.toContain('far team/app old0')
    }))

  test('gets what was given up again, slowly, when it answers', () =>
    whileHeld(async () => {
      behave = () => Promise.reject(appError('MANIFEST_INVALID'))
      answers = () => Promise.reject(appError('NO_HEALTHY_MEMBER'))
      for (let i = 0; i < 12; i += 1) {
        await lab.inbox.add({ kind: 'now', repository, tag: parseTag(`v${i}`), remotes: ['far'] })
      }
      await lab.clock.advance(5_000)
      expect(runs).toHaveLength(12)
      await lab.clock.advance(3_700_000)
      expect(runs).toHaveLength(12)
      answers = async () => ({ cluster: 'far', origins: [] })
      await lab.clock.advance(61_000)
      expect(runs).toHaveLength(22)
      await lab.clock.advance(120_000)
      expect(runs).toHaveLength(24)
      behave = async () => undefined
      await lab.clock.advance(3_000_000)
      expect(runs).toHaveLength(24)
      await lab.clock.advance(800_000)
      expect(runs).toHaveLength(36)
    }))
})

describe('a cancellation', () => {
  test('that meets a push at the same time ends the run of before, and the push goes its way', async () => {
    await lab.index.putTag(repository, tag, { descriptor })
    const asked: string[] = []
    const getTag = (_: unknown, name: string, { signal }: { readonly signal: AbortSignal }) => {
      asked.push(name)
      return abortable(deferred<undefined>().promise, signal).catch(async (err: unknown) => {
        await lab.clock.sleep(500)
        throw err
      })
    }
    const own = new Map([['far', labRemote({ replicas: { getTag } as unknown as Replicas })]])
    const parts = {
      ...{ ...lab, followers: own, cluster: 'near', metrics: replicationMetrics(recordingMetrics()), share: () => 1 },
      ...{ onSent: () => undefined, onTie: () => undefined, sender: {} as BlobSender, origins: {} as never },
    }
    const real = shardWork(
      {
        ...parts,
        executorOf: (held) => replicationExecutor({ ...parts, statuses: held }, { tries: 3 }),
        ...{ onForgotten: () => undefined, backfills: noWalks },
      },
      { tagsAtOnce: 2, retry: { baseMs: 1_000_000, maxMs: 1_000_000, attempts: 3 }, reviveMs: 3_600_000 },
    )
    await whileHeld(async () => {
      await makeChange()
      await lab.clock.advance(2_000)
      expect(asked).toHaveLength(1)
      await lab.inbox.add({ kind: 'cancel', repository, tag, remotes: ['far'] })
      await lab.clock.advance(1)
      await makeChange()
      await lab.clock.advance(2_000)
      expect(asked).toHaveLength(2)
      expect((await lab.statuses.get(labTarget))?.state).not.toBe('cancelled')
      await lab.inbox.add({ kind: 'cancel', repository, tag, remotes: ['far'] })
      await lab.clock.advance(2_000)
      expect((await lab.statuses.get(labTarget))?.state).toBe('cancelled')
      expect(asked).toHaveLength(2)
    }, real)
  })
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
      const read = lab.backend.read.bind(lab.backend)
      const failing = replicationKeys.status('far', repository, tag)
      lab.backend.read = (key, options) =>
        key === failing ? Promise.reject(appError('BACKEND_UNAVAILABLE')) : read(key, options)
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

  test('behind very many for a remote that is gone is taken soon, and those are not read again and again', () =>
    whileHeld(async () => {
      for (let i = 0; i < 900; i += 1) await lab.inbox.add({ kind: 'backfill', repository, tag, remotes: ['gone'] })
      await lab.clock.advance(1)
      await lab.inbox.add({ kind: 'backfill', repository, tag, remotes: ['far'] })
      await lab.clock.advance(6_000)
      expect(runs).toEqual(['far team/app 1.0'])
      const read = lab.backend.read.bind(lab.backend)
      let reads = 0
      lab.backend.read = (key, options) => {
        if (key.includes('backfill')) reads += 1
        return read(key, options)
      }
      await lab.clock.advance(60_000)
      expect(reads).toBe(0)
    }))

  test.each([
    ['long ago is given up at once', -3_600_000, 0],
    ['on a clock that is ahead is given up after an hour here', 7_200_000, 3_600_000],
  ])('for a remote that is unknown here, written %s', (_, aheadMs, leftMs) =>
    whileHeld(async () => {
      const entry = await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['gone'] })
      await lab.inbox.put({ ...entry, atMs: entry.atMs + aheadMs })
      const left = async () => (await lab.inbox.look(labShard)).entries.length
      if (leftMs > 0) {
        await lab.clock.advance(leftMs - 2_000)
        expect(await left()).toBe(1)
      }
      await lab.clock.advance(5_000)
      expect(await left()).toBe(0)
    }),
  )
})

describe('work for a remote', () => {
  /** Followers that change while the shard is held. */
  function changing() {
    const followers = new Map(remotes())
    let next = new AbortController()
    const gone = new Set<string>()
    const changes: ShardWorkComponents['changes'] = {
      ...lab.changes,
      get next() {
        return next.signal
      },
      isGone: (name) => gone.has(name),
    }
    const change = (step: () => void) => {
      step()
      const fired = next
      next = new AbortController()
      fired.abort()
    }
    return {
      own: workFor({ followers, changes }),
      give: (name: string) => change(() => void followers.set(name, labRemote({ name }))),
      end: (name: string) =>
        change(() => {
          followers.delete(name)
          gone.add(name)
        }),
    }
  }

  test('that was given and is gone ends, also a dead one', async () => {
    const { own, end } = changing()
    await whileHeld(async () => {
      behave = () => Promise.reject(appError('MANIFEST_UNKNOWN'))
      await makeChange()
      await lab.clock.advance(2_000)
      expect(own.counts()).toMatchObject([{ waiting: 0, dead: 1 }])
      behave = async () => undefined
      end('far')
      await lab.clock.advance(2_000)
      expect(runs).toEqual(['far team/app 1.0', 'far team/app 1.0'])
      expect(own.counts()).toMatchObject([{ waiting: 0, dead: 0 }])
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['far'] })
      await lab.clock.advance(2_000)
      expect((await lab.inbox.look(labShard)).entries).toEqual([])
      expect(runs).toHaveLength(2)
    }, own)
  })

  test('that is given later is taken as soon as it is known', async () => {
    const { own, give } = changing()
    await whileHeld(async () => {
      await lab.inbox.add({ kind: 'now', repository, tag, remotes: ['late'] })
      await lab.clock.advance(5_000)
      expect(runs).toEqual([])
      give('late')
      await lab.clock.advance(2_000)
      expect(runs).toEqual(['late team/app 1.0'])
    }, own)
  })
})
