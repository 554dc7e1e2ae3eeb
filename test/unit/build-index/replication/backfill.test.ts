import { beforeEach, expect, test } from '@jest/globals'
import { type Descriptor, digestOf, parseTag } from '../../../../lib/core/index.ts'
import { type Backfills, backfills } from '../../../../services/build-index/replication/backfill.ts'
import { type KnownRules, knownRules } from '../../../../services/build-index/replication/known-rules.ts'
import type { Remote } from '../../../../services/build-index/replication/remote.ts'
import { shardOf } from '../../../../services/build-index/replication/replication-keys.ts'
import { ruleHash } from '../../../../services/build-index/replication/rules.ts'
import { labRemote, labShard, labTarget, type ReplicationLab, replicationLab } from '../../../kit/replication-lab.ts'

const { repository } = labTarget
const descriptor: Descriptor = { digest: digestOf(Buffer.from('one')), mediaType: 'a/b', size: 3 }
const rule = { repository: 'team/*', tag: '*' }

let lab: ReplicationLab

beforeEach(async () => {
  lab = replicationLab()
  for (const tag of ['1.0', '2.0']) await lab.index.putTag(repository, parseTag(tag), { descriptor })
})

interface Started {
  readonly known: KnownRules
  readonly walks: Backfills
  readonly remote: Remote
}

/** A build-index with these remotes has started, and its walks are done. */
async function started(...given: readonly Partial<Remote>[]): Promise<Started> {
  const remotes = given.map((each) => labRemote({ urls: ['http://far'], rules: [rule], ...each }))
  const parts = { ...lab, remotes: new Map(remotes.map((remote) => [remote.name, remote])) }
  const known = knownRules(parts)
  await known.start()
  await lab.clock.advance(1)
  const walks = backfills({ ...parts, rules: known }, { tagsPerSecond: 50 })
  const end = new AbortController()
  const running = remotes.flatMap((remote) =>
    remote.rules.map((each) => {
      const lease = { shard: shardOf(ruleHash(remote, each)), generation: 1, signal: end.signal, isHeld: () => true }
      return walks.run(lease)
    }),
  )
  await lab.clock.advance(10_000)
  end.abort()
  await Promise.all([...running, known.stop(), lab.clock.advance(1)])
  return { known, walks, remote: remotes[0] ?? labRemote() }
}

/** The tags that go to the remote since the last look. */
async function sent(): Promise<readonly string[]> {
  const { entries } = await lab.inbox.look(labShard, { lane: 'backfill' })
  for (const { key } of entries) await lab.inbox.remove(key)
  expect((await lab.inbox.look(labShard)).entries).toEqual([])
  return entries.map(({ tag }) => tag)
}

test('the tags of before go along once, also after a restart', async () => {
  const first = await started({})
  expect(await sent()).toEqual(['1.0', '2.0'])
  expect(await first.walks.progress(first.remote, rule)).toMatchObject({ looked: 2, fitting: 2 })
  await started({})
  expect(await sent()).toEqual([])
})

test('a remote that was away from the config for a while gets them again', async () => {
  await started({})
  await sent()
  await started()
  await started({})
  expect(await sent()).toEqual(['1.0', '2.0'])
})

test('a rule that changed, and a remote that is at another place, get them too, and what is gone leaves nothing', async () => {
  await started({})
  await sent()
  await started({ rules: [{ ...rule, tag: '1*' }] })
  expect(await sent()).toEqual(['1.0'])
  await started({ rules: [{ ...rule, tag: '1*' }], urls: ['http://other'] })
  expect(await sent()).toEqual(['1.0'])
  expect((await lab.backend.list('replication/walks/')).keys).toHaveLength(1)
})
