import { describe, expect, test } from '@jest/globals'
import type { JoinBody } from '../../../lib/api/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { clusterStore } from '../../../services/manager/clusters/cluster-store.ts'
import { hostAnswer, hostStore } from '../../../services/manager/clusters/host-store.ts'
import { walkHosts } from '../../../services/manager/clusters/host-walk.ts'
import { joinTokenStore, secretHash } from '../../../services/manager/clusters/join-token-store.ts'
import { memberStore } from '../../../services/manager/clusters/member-store.ts'
import { seal, sharedKey } from '../../../services/manager/clusters/seal.ts'
import type { ManagerDatabase } from '../../../services/manager/database/index.ts'
import { eachManagerDatabase } from '../../kit/manager/databases.ts'

const actor = 'user:ada'

function storesOf(database: ManagerDatabase, secret = 'secret-of-a-test') {
  const [clock, random] = [fakeClock(), seededRandom(5)]
  const parts = { database, clock, random }
  const sealed = seal(sharedKey(secret), random)
  return {
    ...{ clock, clusters: clusterStore(parts), tokens: joinTokenStore(parts), hosts: hostStore(parts) },
    members: memberStore({ ...parts, seal: () => sealed }),
  }
}

const body = (more: Partial<JoinBody> = {}): JoinBody => ({
  ...{ kind: 'tracker', member: 'tracker-1', key: 'k'.repeat(32), version: '1', uptimeMs: 0 },
  urls: { ops: 'http://127.0.0.1:1', admin: 'http://127.0.0.1:2', http: 'http://127.0.0.1:3' },
  ...more,
})

const hex = (i: number) => i.toString(16).padStart(40, '0')

const host = (i: number, more: object = {}): { readonly peerId: string } =>
  Object.assign(
    { peerId: hex(i), host: `10.0.0.${i % 250}`, port: 1, role: 'agent', zone: i % 2 === 0 ? 'a' : 'b' },
    { seenAtMs: 1000, health: { state: 'good' }, bytesPerSecond: { in: 1, out: 2 }, downloads: 0, seeds: i },
    more,
  )
const hostsUpTo = (count: number) => Array.from({ length: count }, (_, i) => host(i))

/** A tracker that lists these, a few at a time. */
const tracker = (all: readonly { readonly peerId: string }[], page = 3) => ({
  async hosts({ last = '' }: { readonly last?: string | undefined }) {
    const rest = all.filter(({ peerId }) => peerId > last)
    const shown = rest.slice(0, page)
    return { hosts: shown as never, ...(rest.length > page && { next: shown.at(-1)?.peerId }) }
  },
})
const broken = { hosts: () => Promise.reject(new Error('it does not answer')) }

eachManagerDatabase((open) => {
  describe('clusters', () => {
    test('are made, changed and removed; one is the default; none has the name of another', async () => {
      await using made = await open()
      const { clusters } = storesOf(made.database)
      const one = await clusters.create(actor, { name: 'one', isDefault: true, scopes: { zones: ['a'] } })
      const two = await clusters.create(actor, { name: 'two', isDefault: true })
      expect((await clusters.all()).map(({ name, isDefault }) => [name, isDefault])).toEqual([
        ['one', false],
        ['two', true],
      ])
      await expect(clusters.create(actor, { name: 'one' })).rejects.toMatchObject({ code: 'CLUSTER_EXISTS' })
      await expect(clusters.change(actor, two.id, { name: 'one' })).rejects.toMatchObject({ code: 'CLUSTER_EXISTS' })
      const seen = clusters.change(actor, one.id, { revision: one.revision, description: 'x' })
      await expect(seen).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' })
      const changed = await clusters.change(actor, one.id, { scopes: { cidrs: ['10.0.0.0/8'] } })
      expect(changed.scopes).toEqual({ zones: ['a'], cidrs: ['10.0.0.0/8'], hosts: [] })
      const wrong = clusters.change(actor, one.id, { scopes: { cidrs: ['x'] } })
      await expect(wrong).rejects.toMatchObject({ code: 'SCOPE_INVALID' })
      await clusters.change(actor, one.id, { isDefault: true })
      expect((await clusters.all()).filter((each) => each.isDefault).map(({ name }) => name)).toEqual(['one'])
      await clusters.remove(actor, one.id)
      await expect(clusters.remove(actor, one.id)).rejects.toMatchObject({ code: 'CLUSTER_UNKNOWN' })
      expect((await clusters.all()).map(({ name }) => name)).toEqual(['two'])
    })
  })

  describe('members', () => {
    test('join by a token that is good, as often as it is for, also at the same time', async () => {
      await using made = await open()
      const { clock, clusters, tokens, members } = storesOf(made.database)
      const { id: clusterId } = await clusters.create(actor, { name: 'one' })
      const { token, kept } = await tokens.create(actor, {
        clusterId,
        name: 't',
        uses: 3,
        expiresAtMs: clock.now() + 10,
      })
      const ends = await Promise.allSettled([1, 2, 3, 4, 5].map((i) => members.join(body({ member: `t-${i}` }), kept)))
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      expect(await tokens.find(token)).toMatchObject({ state: 'used', usesLeft: 0, used: 3 })
      const late = await tokens.create(actor, { clusterId, name: 'late', expiresAtMs: clock.now() + 10 })
      await clock.advance(10)
      expect(await tokens.find(late.token)).toMatchObject({ state: 'expired' })
      await expect(members.join(body(), late.kept)).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
      await tokens.revoke(actor, clusterId, late.kept.id)
      expect(await tokens.find(late.token)).toBeUndefined()
    })

    test('are known again by their credential, and nobody by that of another', async () => {
      await using made = await open()
      const { clusters, tokens, members } = storesOf(made.database)
      const { id: clusterId } = await clusters.create(actor, { name: 'one' })
      const { kept } = await tokens.create(actor, { clusterId, name: 't' })
      const { credential = '' } = await members.join(body(), kept)
      const moved = { ...body().urls, admin: 'http://127.0.0.1:9' }
      await members.rejoin({ ...body({ urls: moved, zone: 'z' }), credential })
      await members.heartbeat({ credential, version: '2', uptimeMs: 7, capacity: { blobs: 1 } })
      expect(await members.all()).toMatchObject([{ urls: moved, version: '2', uptimeMs: 7, capacity: { blobs: 1 } }])
      const other = { ...body({ member: 'tracker-2' }), credential }
      await expect(members.rejoin(other)).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
      const forged = `${credential.slice(0, -1)}${credential.endsWith('A') ? 'B' : 'A'}`
      await expect(members.leave(forged)).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
      await members.leave(credential)
      expect(await members.all()).toMatchObject([{ health: { state: 'away', reasons: ['it was stopped'] } }])
      const { credential: newer = '' } = await members.join(body(), kept)
      expect(await members.all()).toHaveLength(1)
      await expect(members.leave(credential)).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
      await members.forget(actor, newer.split('.')[0] ?? '')
      expect(await members.all()).toEqual([])
    })

    test('that take another key than the database knows, which is older, have to join again', async () => {
      await using made = await open()
      const { clusters, tokens, members } = storesOf(made.database)
      const { id: clusterId } = await clusters.create(actor, { name: 'one' })
      const { kept } = await tokens.create(actor, { clusterId, name: 't' })
      const { credential = '' } = await members.join(body(), kept)
      const key = 'of-a-later-start'.repeat(2)
      const beat = (of?: string) =>
        members.heartbeat({
          credential,
          version: '1',
          uptimeMs: 1,
          ...(of !== undefined && { keySha256: secretHash(of) }),
        })
      await beat(body().key)
      await expect(beat(key)).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
      // One of an older version says nothing of its key.
      await beat()
      await members.rejoin({ ...body({ key }), credential })
      await beat(key)
      await expect(beat(body().key)).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
    })

    test('live on for a manager that cannot open what it knows of their keys', async () => {
      await using made = await open()
      const { clusters, tokens, members } = storesOf(made.database)
      const { id: clusterId } = await clusters.create(actor, { name: 'one' })
      const { kept } = await tokens.create(actor, { clusterId, name: 't' })
      const { credential = '' } = await members.join(body(), kept)
      const other = storesOf(made.database, 'another-secret').members
      const beat = { credential, version: '2', uptimeMs: 1, keySha256: secretHash(body().key) }
      await other.heartbeat(beat)
      expect(await members.all()).toMatchObject([{ version: '2' }])
    })
  })

  describe('hosts', () => {
    const walk = async (
      database: ManagerDatabase,
      trackers: Parameters<typeof walkHosts>[0]['trackers'],
      wanted = 0,
    ) => {
      const { hosts } = storesOf(database)
      return walkHosts({ hosts, trackers, onFailure: () => undefined }, { clusterId: 'c1', wanted }, {})
    }
    const seen = async (database: ManagerDatabase, filter = {}) => {
      const { rows } = await storesOf(database).hosts.page(filter, { count: 1000 })
      return rows.map(({ peerId }) => Number.parseInt(peerId, 16))
    }

    test('of several trackers are each written once, and again only when they differ', async () => {
      await using made = await open()
      const all = hostsUpTo(20)
      const two = [tracker(all.slice(0, 12)), tracker(all.slice(8), 5)]
      expect(await walk(made.database, two)).toEqual({ agents: 20, behind: 0, written: 20, removed: 0 })
      expect(await walk(made.database, two)).toEqual({ agents: 20, behind: 0, written: 0, removed: 0 })
      const banned = [...all.slice(0, 11), host(11, { ban: { reason: 'it lies' } })]
      expect(await walk(made.database, [tracker(banned), tracker(all.slice(12))])).toMatchObject({ written: 1 })
      expect(await seen(made.database, { state: 'banned' })).toEqual([11])
    })

    test('what no tracker knows any more goes, but not when one of them has failed', async () => {
      await using made = await open()
      const all = hostsUpTo(9)
      await walk(made.database, [tracker(all)])
      expect(await walk(made.database, [tracker(all.slice(0, 4)), broken])).toMatchObject({
        agents: undefined,
        removed: 0,
      })
      expect(await walk(made.database, [])).toMatchObject({ removed: 0 })
      expect(await seen(made.database)).toHaveLength(9)
      expect(await walk(made.database, [tracker(all.slice(2, 4))])).toMatchObject({ agents: 2, removed: 7 })
      expect(await seen(made.database)).toEqual([2, 3])
    })

    test('are found by cluster, zone and a part of their words, page by page, each once', async () => {
      await using made = await open()
      await walk(made.database, [tracker(hostsUpTo(30))])
      const { hosts } = storesOf(made.database)
      const pages: string[] = []
      for (let last: string | undefined, i = 0; i < 9; i += 1) {
        const { rows, next } = await hosts.page({ zone: 'a' }, { count: 4, last })
        pages.push(...rows.map(({ peerId }) => peerId))
        last = next
        if (next === undefined) break
      }
      expect(pages).toEqual(Array.from({ length: 15 }, (_, i) => hex(2 * i)))
      expect(await seen(made.database, { text: '0.0.7' })).toEqual([7])
      expect(await seen(made.database, { text: '%' })).toEqual([])
      expect(await seen(made.database, { clusterId: 'c2' })).toEqual([])
    })

    test('show the version and generation that they have told last, and why they are behind', async () => {
      await using made = await open()
      const run = (state: string, generation: number, more: object = {}) => ({
        settings: { state, generation, seenAtMs: 5, ...more },
      })
      const refusal = { code: 'SETTING_INVALID', message: 'too fast' }
      const all = [
        host(0, { shoal: '1.2.0', ...run('applied', 7) }),
        host(1, { shoal: '1.1.0', ...run('failed', 6, refusal) }),
        host(2),
        host(3, run('waiting', 6)),
      ]
      // Another tracker has heard of it later, though it saw its announce earlier.
      const other = [host(3, { seenAtMs: 900, shoal: '1.2.0', ...run('applied', 7, { seenAtMs: 6 }) })]
      expect(await walk(made.database, [tracker(all), tracker(other)], 7)).toMatchObject({ agents: 4, behind: 1 })
      expect(await seen(made.database, { behind: true })).toEqual([1])
      expect(await seen(made.database, { version: '1.2.0' })).toEqual([0, 3])
      const { rows } = await storesOf(made.database).hosts.page({}, { count: 10 })
      expect(rows.map((row) => hostAnswer(row, 'one'))).toMatchObject([
        { version: '1.2.0', generation: 7, behind: false, settings: { state: 'applied' } },
        { version: '1.1.0', generation: 6, behind: true, settings: { state: 'failed', ...refusal } },
        { behind: false },
        { generation: 7, behind: false, settings: { state: 'applied' } },
      ])
      expect(rows[2]).toMatchObject({ version: '', generation: null, settingsState: '' })
      expect(await walk(made.database, [tracker(all)], 8)).toMatchObject({ behind: 3 })
      expect(await seen(made.database, { behind: true })).toEqual([0, 1, 3])
    })
  })
})
