import { expect, test } from '@jest/globals'
import { givenRemoteSetSchema, parseBody } from '../../../../../lib/api/index.ts'
import { type Descriptor, digestOf, parseTag } from '../../../../../lib/core/index.ts'
import { backfills } from '../../../../../services/build-index/replication/backfill.ts'
import { givenRemotes } from '../../../../../services/build-index/replication/given/given-remotes.ts'
import {
  type LiveFollowersInit,
  liveFollowers,
} from '../../../../../services/build-index/replication/given/live-followers.ts'
import type { RemotePlan } from '../../../../../services/build-index/replication/given/remote-plan.ts'
import { knownRules } from '../../../../../services/build-index/replication/known-rules.ts'
import { outbox } from '../../../../../services/build-index/replication/outbox.ts'
import { SHARDS } from '../../../../../services/build-index/replication/replication-keys.ts'
import { labRemote, labShard, labTarget, replicationLab } from '../../../../kit/replication-lab.ts'

const { repository } = labTarget
const descriptor: Descriptor = { digest: digestOf(Buffer.from('one')), mediaType: 'a/b', size: 3 }

/** Two build-indexes of one cluster: `other` looks at what is given only when it must. */
function twoMembers() {
  const lab = replicationLab()
  const make = (name: string, { from, rules, config }: RemotePlan) =>
    labRemote({ name, from, rules, urls: config.urls })
  const init: LiveFollowersInit = { config: {}, managed: { secrets: [] }, taken: () => false }
  const parts = { ...lab, hooks: new Map(), make }
  const [one, other] = [liveFollowers(parts, init), liveFollowers(parts, { ...init, lookMs: 100_000_000 })]
  const set = (generation: number, ...patterns: readonly string[]) =>
    parseBody(givenRemoteSetSchema, {
      ...{ manager: 'm', generation },
      remotes: [{ name: 'east', urls: ['http://far'], rules: patterns.map((pattern) => ({ repository: pattern })) }],
    })
  const given = givenRemotes({ clock: lab.clock, followers: one, hooks: new Map() })
  return {
    ...{ lab, one, other },
    give: (generation: number, ...patterns: readonly string[]) =>
      given.give('manager', set(generation, ...patterns), { check: () => undefined }),
  }
}

/** The tags that were found for the remote since the last look. */
async function found({ inbox }: ReturnType<typeof replicationLab>): Promise<readonly string[]> {
  const { entries } = await inbox.look(labShard, { lane: 'backfill' })
  for (const { key } of entries) await inbox.remove(key)
  return entries.map(({ tag }) => tag)
}

test('a tag that another build-index takes before it knows the rule, and after the walk has passed, goes along', async () => {
  const { lab, one, other, give } = twoMembers()
  const { clock, index } = lab
  const put = async (tag: string) => {
    const box = outbox({ ...lab, followers: other.all, changes: other })
    const made = await box.announce({ repository, tag: parseTag(tag) }, {})
    await index.putTag(repository, parseTag(tag), { descriptor })
    await made({})
  }
  await Promise.all([one.start(), other.start()])
  const known = knownRules({ ...lab, remotes: one.remotes, changes: one })
  await known.start()
  const walks = backfills({ ...lab, remotes: one.remotes, changes: one, rules: known }, { tagsPerSecond: 50 })
  const end = new AbortController()
  const leases = Array.from({ length: SHARDS }, (_, shard) => ({ shard, generation: 1, isHeld: () => true }))
  const walking = leases.map((lease) => walks.run({ ...lease, signal: end.signal }))
  await clock.advance(1)
  await put('before')
  await give(1, 'team/*')
  await clock.advance(8_000)
  expect(await found(lab)).toEqual(['before'])

  await put('late')
  expect(other.remotes.size).toBe(0)
  expect((await lab.inbox.look(labShard)).entries).toEqual([])
  await clock.advance(60_000)
  expect(await found(lab)).toEqual([])
  await clock.advance(70_000)
  expect(await found(lab)).toEqual(['before', 'late'])

  // A rule that comes while others are there has walks of its own; one that stays has no further one.
  await give(2, 'team/*', '*/app')
  await clock.advance(8_000)
  expect(await found(lab)).toEqual(['before', 'late'])
  await give(3, 'team/*')
  await clock.advance(200_000)
  expect(await found(lab)).toEqual([])
  end.abort()
  await Promise.all([...walking, known.stop(), one.stop(), other.stop(), clock.advance(1)])
})
