import { afterEach, describe, expect, test } from '@jest/globals'
import { appError, fakeClock, nextTurn, seededRandom } from '../../../lib/base/index.ts'
import { changingCluster, type Member, type MemberFeed, memberFeed } from '../../../lib/cluster/index.ts'
import { recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'
import { someMembers } from '../../kit/cluster.ts'

const health = { failures: 3, windowMs: 10_000, outMs: 5_000 }
const LOOK_MS = 1_000

describe('the feed of a cluster', () => {
  let feed: MemberFeed | undefined
  afterEach(() => feed?.stop())

  function lab({ self, keepMs = 0 }: { self?: string; keepMs?: number } = {}) {
    const clock = fakeClock()
    const metrics = recordingMetrics()
    const logger = recordingLogger()
    const cluster = changingCluster({ clock, logger, metrics }, { name: 'origins', members: [], replicas: 1, health })
    const state: { says: readonly Member[] | 'fails'; reads: number } = { says: someMembers(2), reads: 0 }
    const source = {
      what: 'the test',
      hosts: [],
      async read() {
        state.reads += 1
        if (state.says === 'fails') throw appError('MEMBERS_UNAVAILABLE', { message: 'the test: it is closed' })
        if (state.says.length === 0) throw appError('MEMBERS_NONE', { message: 'the test names no members' })
        return { members: state.says, againMs: LOOK_MS }
      },
    }
    const made = memberFeed(
      { clock, random: seededRandom(1), logger, metrics, source, cluster },
      { name: 'origins', keepMs, self },
    )
    feed = made
    const ids = () => cluster.members.map(({ id }) => id).join()
    const reads = (outcome: string) => metrics.value('shoal_cluster_reads_total', { cluster: 'origins', outcome })
    return { clock, cluster, state, ids, reads, logger, feed: made }
  }

  test('waits for nothing at its start, says what it waits for, and then who the members are', async () => {
    const it = lab()
    it.state.says = 'fails'
    await it.feed.start()
    let isKnown = false
    void it.feed.known({}).then(() => {
      isKnown = true
    })
    await nextTurn()
    expect(it.feed.missing()).toBe('waits for the members of origins: MEMBERS_UNAVAILABLE: the test: it is closed')
    expect([isKnown, it.ids()]).toEqual([false, ''])
    it.state.says = someMembers(2)
    await it.clock.advance(1_500)
    expect([isKnown, it.ids(), it.feed.missing(), it.feed.trouble()]).toEqual([true, 'm0,m1', undefined, undefined])
  })

  test('ends that wait for a caller that gives up', async () => {
    const it = lab()
    await expect(it.feed.known({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test.each([
    ['fails', 'fails', 'failed'],
    ['names nobody, however often', [], 'empty'],
  ] as const)('a source that %s changes nothing, and is told, logged and counted', async (_name, says, outcome) => {
    const it = lab()
    await it.feed.start()
    await nextTurn()
    it.state.says = says
    await it.clock.advance(300_000)
    expect(it.ids()).toBe('m0,m1')
    expect(it.reads(outcome)).toBeGreaterThan(3)
    expect(it.feed.trouble()).toMatch(/^origins are those of before: MEMBERS_/)
    it.state.says = someMembers(3)
    await it.clock.advance(20_000)
    expect([it.ids(), it.feed.trouble()]).toEqual(['m0,m1,m2', undefined])
  })

  test('follows its source at the times that it says', async () => {
    const it = lab()
    await it.feed.start()
    await nextTurn()
    it.state.says = someMembers(3)
    await it.clock.advance(LOOK_MS - 1)
    expect(it.ids()).toBe('m0,m1')
    await it.clock.advance(1)
    expect(it.ids()).toBe('m0,m1,m2')
  })

  test('a member that is named no longer stays for a while, and for good when it comes back meanwhile', async () => {
    const it = lab({ keepMs: 10_000 })
    it.state.says = someMembers(3)
    await it.feed.start()
    await nextTurn()
    it.state.says = someMembers(2)
    await it.clock.advance(9_000)
    it.state.says = someMembers(3)
    await it.clock.advance(5_000)
    expect(it.ids()).toBe('m0,m1,m2')
    it.state.says = someMembers(2)
    await it.clock.advance(9_000)
    expect(it.ids()).toBe('m0,m1,m2')
    await it.clock.advance(2_000)
    expect(it.ids()).toBe('m0,m1')
  })

  test('says with a code that this process is none of the members, for as long as it is so', async () => {
    const it = lab({ self: 'm2' })
    await it.feed.start()
    await nextTurn()
    expect(it.feed.trouble()).toBe('MEMBER_UNLISTED: m2 is none of the members of origins')
    await it.clock.advance(3 * LOOK_MS)
    expect(it.logger.lines.filter(({ fields }) => fields['code'] === 'MEMBER_UNLISTED')).toHaveLength(1)
    it.state.says = someMembers(3)
    await it.clock.advance(LOOK_MS)
    expect(it.feed.trouble()).toBeUndefined()
  })
})
