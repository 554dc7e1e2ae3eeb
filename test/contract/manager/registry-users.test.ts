import { describe, expect, test } from '@jest/globals'
import type { GivenRegistryUser, HeldSet, RegistryUserSet } from '../../../lib/api/index.ts'
import { MAX_REGISTRY_USERS, registryUsersHash } from '../../../lib/api/index.ts'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { parseGrant, tokenHash } from '../../../lib/identity/index.ts'
import { laterGeneration } from '../../../services/manager/giving.ts'
import { lookAtProxies, pushUsers, type RegistryClusters } from '../../../services/manager/registry/push.ts'
import { raiseRegistryGeneration, registryUserStore } from '../../../services/manager/registry/user-store.ts'
import { eachManagerDatabase, type MadeDatabase } from '../../kit/manager/databases.ts'

const grants = [parseGrant('team/*=pull,push')]
const ann = { name: 'ann', kind: 'user', grants } as const
const nobodyLooks = () => undefined
const clock = fakeClock(1_795_000_000_000)
const storeOf = ({ database }: Pick<MadeDatabase, 'database'>) =>
  registryUserStore({ database, clock, random: seededRandom(1) })

/** A proxy in memory, as `services/proxy` is. */
function fakeProxy(id: string, at: { state?: 'away' | 'off' } = {}) {
  let held: HeldSet & { users: readonly GivenRegistryUser[] } = {
    ...{ by: 'nobody', manager: '', generation: 0, hash: '', count: 0, users: [] },
  }
  const hold = ({ manager, generation, users }: RegistryUserSet) => {
    held = { by: 'manager', manager, generation, hash: registryUsersHash(users), count: users.length, users }
    return held
  }
  const answered = async <T>(work: () => T): Promise<T> => {
    if (at.state === 'off') throw appError('REGISTRY_USERS_OFF')
    if (at.state === 'away') throw appError('HOST_AWAY')
    return work()
  }
  const admin = {
    registryUsers: () => answered(() => held),
    giveRegistryUsers: ({ body }: { readonly body: RegistryUserSet }) => answered(() => hold(body)),
  }
  return { id, admin, hold, names: () => held.users.map(({ name }) => name), held: () => held }
}

/** Clusters `c1`, and `c2` if the second list is given, with these proxies. */
const clustersOf = (...lists: readonly ReturnType<typeof fakeProxy>[][]) => {
  const clusters = {
    clusters: () => lists.map((_, i) => ({ id: `c${i + 1}`, name: `name-${i + 1}`, away: false })),
    proxies: (id: string) => lists[Number(id.slice(1)) - 1] ?? [],
  }
  return { clock, clusters: clusters as unknown as RegistryClusters }
}

eachManagerDatabase((open) => {
  describe('users of registries', () => {
    test('are made, changed, rotated and removed; a secret is kept as its hash alone', async () => {
      await using made = await open()
      const store = storeOf(made)
      const { secret, kept } = await store.create('ada', { ...ann, clusters: ['c1'], note: 'hers' })
      expect(kept).toMatchObject({ ...ann, disabled: false, clusters: ['c1'], note: 'hers' })
      expect((await store.wanted()).users).toMatchObject([{ name: 'ann', sha256: tokenHash(secret), clusters: ['c1'] }])
      const change = { disabled: true, clusters: null, expiresAtMs: 2 ** 42 }
      const after = await store.change('ada', 'ann', { change, check: nobodyLooks })
      expect(after).toMatchObject({ disabled: true, grants, expiresAtMs: 2 ** 42, note: 'hers' })
      expect(after.clusters).toBeUndefined()
      const second = await store.rotate('ada', 'ann', nobodyLooks)
      expect(second.secret).not.toBe(secret)
      expect((await store.wanted()).users).toMatchObject([{ sha256: tokenHash(second.secret), disabled: true }])
      await store.remove('ada', 'ann', nobodyLooks)
      expect(await store.wanted()).toEqual({ generation: 4, users: [] })
      const audit = await made.database.read.selectFrom('audit').selectAll().orderBy('id').execute()
      const acts = ['create', 'change', 'rotate', 'remove'].map((act) => `registryUser.${act}`)
      expect(audit.map(({ action }) => action)).toEqual(acts)
      for (const shown of [secret, second.secret, tokenHash(secret)]) expect(JSON.stringify(audit)).not.toContain(shown)
    })

    test('of which one is unknown, taken, or not what was seen are left as they are', async () => {
      await using made = await open()
      const store = storeOf(made)
      await store.create('ada', ann)
      const refuse = () => {
        throw appError('CHANGED_MEANWHILE')
      }
      const unseen = { code: 'CHANGED_MEANWHILE' }
      await expect(store.create('ada', ann)).rejects.toMatchObject({ code: 'NAME_TAKEN' })
      const change = { change: { disabled: true }, check: refuse }
      await expect(store.change('ada', 'ann', change)).rejects.toMatchObject(unseen)
      await expect(store.rotate('ada', 'ann', refuse)).rejects.toMatchObject(unseen)
      await expect(store.remove('ada', 'ann', refuse)).rejects.toMatchObject(unseen)
      await expect(store.remove('ada', 'bob', nobodyLooks)).rejects.toMatchObject({ code: 'REGISTRY_USER_UNKNOWN' })
      expect(await storeOf(await made.reopened()).get('ann')).toMatchObject({ disabled: false })
      expect(await store.wanted()).toMatchObject({ generation: 1 })
      expect(await made.database.read.selectFrom('audit').selectAll().execute()).toHaveLength(1)
    })

    test('are not more than a proxy takes', async () => {
      await using made = await open()
      const row = { kind: 'user', disabled: 0, grants: '[]', clusters: null, expiresAtMs: null, note: '' }
      await made.database.keep(async (tx) => {
        for (let i = 0; i < MAX_REGISTRY_USERS; i += 1)
          await tx
            .insertInto('registryUsers')
            .values({ ...row, name: `u${i}`, sha256: String(i), createdAtMs: 0, rotatedAtMs: 0 })
            .execute()
      })
      const store = storeOf(made)
      await expect(store.create('ada', ann)).rejects.toMatchObject({ code: 'REGISTRY_USERS_FULL' })
      expect((await store.wanted()).users).toHaveLength(MAX_REGISTRY_USERS)
      await store.remove('ada', 'u0', nobodyLooks)
      await expect(store.create('ada', ann)).resolves.toMatchObject({ kept: { name: 'ann' } })
    })

    test('come page by page, each once', async () => {
      await using made = await open()
      const store = storeOf(made)
      for (const name of ['c', 'a', 'b']) await store.create('ada', { ...ann, name })
      const first = await store.page({ count: 2, last: undefined })
      expect([first.users.map(({ name }) => name), first.next]).toEqual([['a', 'b'], 'b'])
      const second = await store.page({ count: 2, last: first.next })
      expect([second.users.map(({ name }) => name), second.next]).toEqual([['c'], undefined])
    })

    test('each proxy is given those of its cluster; why one has them not is said', async () => {
      await using made = await open()
      const store = storeOf(made)
      const [one, other] = [fakeProxy('p1'), fakeProxy('p2')]
      const [away, off, foreign] = [
        fakeProxy('p3', { state: 'away' }),
        fakeProxy('p4', { state: 'off' }),
        fakeProxy('p5'),
      ]
      const components = clustersOf([one, away], [other, off, foreign])
      const init = async () => ({ wanted: await store.wanted(), manager: 'm1' })
      await pushUsers(components, await init())
      expect(one.held().by).toBe('nobody')
      foreign.hold({ manager: 'm2', generation: 1, users: [] })
      await store.create('ada', { ...ann, clusters: ['c1'] })
      await store.create('ada', { ...ann, name: 'bob' })
      expect((await lookAtProxies(components, await init())).map(({ state }) => state)).toContain('behind')
      const rows = await pushUsers(components, await init())
      const at = (proxy: string, cluster: string, more: object) => ({ proxy, cluster, wanted: 2, ...more })
      expect(rows).toEqual([
        at('p1', 'name-1', { state: 'applied', generation: 2 }),
        at('p3', 'name-1', { state: 'away', code: 'HOST_AWAY' }),
        at('p2', 'name-2', { state: 'applied', generation: 2 }),
        at('p4', 'name-2', { state: 'refused', code: 'REGISTRY_USERS_OFF' }),
        at('p5', 'name-2', { state: 'foreign', generation: 1, manager: 'm2' }),
      ])
      expect([one.names(), other.names(), foreign.names()]).toEqual([['ann', 'bob'], ['bob'], []])
    })

    test('of a database that is older than what a proxy has come after that', async () => {
      await using made = await open()
      const store = storeOf(made)
      await store.create('ada', ann)
      const proxy = fakeProxy('p1')
      const components = clustersOf([proxy])
      proxy.hold({ manager: 'm1', generation: 9, users: [] })
      const rows = await pushUsers(components, { wanted: await store.wanted(), manager: 'm1' })
      expect([laterGeneration(rows), proxy.names()]).toEqual([9, []])
      await raiseRegistryGeneration(made.database, 9)
      const wanted = await store.wanted()
      expect(laterGeneration(await pushUsers(components, { wanted, manager: 'm1' }))).toBeUndefined()
      expect([wanted.generation, proxy.names()]).toEqual([10, ['ann']])
    })

    test('of which a database from before the first knows none are taken from the proxies that have them', async () => {
      await using made = await open()
      const store = storeOf(made)
      const [later, foreign] = [fakeProxy('p1'), fakeProxy('p2')]
      const components = clustersOf([later, foreign])
      const users = [{ kind: 'user', name: 'eve', sha256: tokenHash('s'), disabled: false, grants }] as const
      later.hold({ manager: 'm1', generation: 3, users: [...users] })
      foreign.hold({ manager: 'm2', generation: 3, users: [...users] })
      const init = async () => ({ wanted: await store.wanted(), manager: 'm1' })
      const rows = await pushUsers(components, await init())
      expect(rows.map(({ state }) => state)).toEqual(['behind', 'applied'])
      await raiseRegistryGeneration(made.database, laterGeneration(rows) ?? 0)
      const after = await pushUsers(components, await init())
      expect(after.map(({ state, generation }) => [state, generation])).toEqual([
        ['applied', 4],
        ['foreign', 3],
      ])
      expect([later.names(), foreign.names()]).toEqual([[], ['eve']])
    })
  })
})
