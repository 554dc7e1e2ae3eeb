import { describe, expect, test } from '@jest/globals'
import {
  type GivenRemote,
  type GivenRemoteSet,
  givenRemotesHash,
  type HeldSet,
  MAX_GIVEN_REMOTES,
  type RemoteAnswer,
} from '../../../lib/api/index.ts'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { clusterStore } from '../../../services/manager/clusters/cluster-store.ts'
import { laterGeneration } from '../../../services/manager/giving.ts'
import { lookAtRelations, pushRelations, type RelationClusters } from '../../../services/manager/relations/push.ts'
import { raiseRelationGeneration, relationStore } from '../../../services/manager/relations/relation-store.ts'
import { seenRelations } from '../../../services/manager/relations/seen.ts'
import { eachManagerDatabase, type MadeDatabase } from '../../kit/manager/databases.ts'

const rules = [{ repository: 'team/*', tag: 'v*' }]
const nobodyLooks = () => undefined
const clock = fakeClock(1_795_000_000_000)

/** A database with clusters of these names. */
async function lab({ database }: Pick<MadeDatabase, 'database'>, ...names: readonly string[]) {
  const parts = { database, clock, random: seededRandom(1) }
  const clusters = clusterStore(parts)
  const ends: { id: string; name: string }[] = []
  for (const name of names) ends.push({ id: (await clusters.create('ada', { name })).id, name })
  const end = (name: string) => ends.find((each) => each.name === name) ?? { id: name, name }
  return { store: relationStore(parts), clusters, ends, end }
}

interface Backend {
  held: HeldSet & { remotes: readonly GivenRemote[] }
}

const backend = (): Backend => ({
  held: { by: 'nobody', manager: '', generation: 0, hash: '', count: 0, remotes: [] },
})

/** A build-index in memory, as `services/build-index` is: those with the same backend have the same remotes. */
function fakeIndex(
  id: string,
  shared: Backend,
  at: { state?: 'away' | 'off'; remotes?: readonly RemoteAnswer[] } = {},
) {
  const calls: GivenRemoteSet[] = []
  const hold = ({ manager, generation, remotes }: GivenRemoteSet) => {
    const hash = givenRemotesHash(remotes)
    shared.held = { by: 'manager', manager, generation, hash, count: remotes.length, remotes }
    return shared.held
  }
  const answered = async <T>(work: () => T): Promise<T> => {
    if (at.state === 'off') throw appError('REMOTES_OFF')
    if (at.state === 'away') throw appError('HOST_AWAY')
    return work()
  }
  const admin = {
    givenRemotes: () => answered(() => shared.held),
    giveRemotes: ({ body }: { readonly body: GivenRemoteSet }) =>
      answered(() => {
        calls.push(body)
        return hold(body)
      }),
    remotes: () => answered(() => ({ remotes: at.remotes ?? [] })),
  }
  return { id, admin, hold, calls }
}

type FakeIndex = ReturnType<typeof fakeIndex>

/** The clusters of a lab with these build-indexes and these addresses. */
const clustersOf = (
  ends: readonly { id: string; name: string }[],
  indexes: Readonly<Record<string, readonly FakeIndex[]>>,
  urls: Readonly<Record<string, readonly string[]>>,
) => {
  const nameOf = (id: string) => ends.find((end) => end.id === id)?.name ?? ''
  const clusters = {
    clusters: () => ends.map((end) => ({ ...end, away: false })),
    buildIndexes: (id: string) => indexes[nameOf(id)] ?? [],
    indexUrls: (id: string) => urls[nameOf(id)] ?? [],
  }
  return { clock, clusters: clusters as unknown as RelationClusters }
}

const remoteAnswer = (name: string, from: RemoteAnswer['from'], more: Partial<RemoteAnswer> = {}): RemoteAnswer => ({
  ...{ name, from, urls: ['http://elsewhere:1'], reachable: true, opensInMs: 0, concurrency: 4, signatures: true },
  ...{ deletes: false, rules: [{ repository: '*', tag: '*', looked: 0, fitting: 0 }], ...more },
})

/** All relations, page by page. */
async function pagesOf(
  components: Parameters<typeof seenRelations>[0],
  base: Pick<Parameters<typeof seenRelations>[1], 'relations' | 'urlsTo'>,
  count: number,
) {
  const pages = []
  for (let last: string | undefined = ''; last !== undefined; ) {
    const { relations, next } = await seenRelations(components, { ...base, count, last })
    pages.push(...relations)
    last = next
  }
  return pages
}

eachManagerDatabase((open) => {
  describe('relations', () => {
    test('are made, changed, paused and removed, each in the audit and with a generation', async () => {
      await using made = await open()
      const { store, end } = await lab(made, 'a', 'b')
      const relation = await store.create('ada', { from: end('a'), to: end('b'), rules })
      const usual = { windows: [], concurrency: 4, signatures: true, deletes: false, isPaused: false, note: '' }
      expect(relation).toMatchObject({ from: 'a', to: 'b', remote: 'b', rules, ...usual })
      expect([relation.urls, relation.bandwidth]).toEqual([undefined, undefined])
      const given = { urls: ['http://b:1'], bandwidth: 2 ** 40, windows: [{ from: '22:30', to: '06:00' }] }
      const change = { ...given, isPaused: true, deletes: true, note: 'at night' }
      const after = await store.change('ada', relation.id, { change, check: nobodyLooks })
      expect(after).toMatchObject(change)
      const back = { change: { urls: null, bandwidth: null }, check: nobodyLooks }
      const undone = await store.change('ada', 'a:b', back)
      expect([undone.urls, undone.bandwidth, undone.isPaused]).toEqual([undefined, undefined, true])
      await store.remove('ada', 'a:b', nobodyLooks)
      expect(await store.wanted()).toEqual({ generation: 4, relations: [] })
      const all = made.database.read.selectFrom('audit').select(['action', 'target'])
      const audit = await all.where('action', 'like', 'relation.%').orderBy('id').execute()
      expect(audit).toEqual(
        ['create', 'change', 'change', 'remove'].map((act) => ({ action: `relation.${act}`, target: 'a:b' })),
      )
    })

    test('are one for each pair, and of two clusters that are there', async () => {
      await using made = await open()
      const { store, clusters, end } = await lab(made, 'a', 'b', 'c')
      const [a, b, c] = [end('a'), end('b'), end('c')]
      await store.create('ada', { from: a, to: b, rules })
      const taken = { code: 'RELATION_EXISTS' }
      await expect(store.create('ada', { from: a, to: b, rules, remote: 'x' })).rejects.toMatchObject(taken)
      await expect(store.create('ada', { from: a, to: c, rules, remote: 'b' })).rejects.toMatchObject(taken)
      await expect(async () => store.create('ada', { from: a, to: a, rules })).rejects.toMatchObject({
        code: 'RELATION_SELF',
      })
      await expect(store.create('ada', { from: a, to: end('gone'), rules })).rejects.toMatchObject({
        code: 'CLUSTER_UNKNOWN',
      })
      await expect(store.get('b:a')).rejects.toMatchObject({ code: 'RELATION_UNKNOWN' })
      const refuse = () => {
        throw appError('CHANGED_MEANWHILE')
      }
      const unseen = { code: 'CHANGED_MEANWHILE' }
      const change = { change: { isPaused: true }, check: refuse }
      await expect(store.change('ada', 'a:b', change)).rejects.toMatchObject(unseen)
      await expect(store.remove('ada', 'a:b', refuse)).rejects.toMatchObject(unseen)
      expect(await store.wanted()).toMatchObject({ generation: 1 })
      for (const { id } of [a, b])
        await expect(clusters.remove('ada', id)).rejects.toMatchObject({ code: 'CLUSTER_IN_USE' })
      await store.create('ada', { from: b, to: a, rules })
      await clusters.change('ada', a.id, { name: 'z' })
      expect((await store.wanted()).relations.map(({ row }) => [row.from, row.to, row.remote])).toEqual([
        ['b', 'z', 'a'],
        ['z', 'b', 'b'],
      ])
      await clusters.remove('ada', c.id)
    })

    test('of one cluster are not more than its build-indexes take', async () => {
      await using made = await open()
      const names = Array.from({ length: MAX_GIVEN_REMOTES + 2 }, (_, i) => `c${i}`)
      const { store, end } = await lab(made, ...names)
      const full = { code: 'RELATIONS_FULL' }
      const many = Array.from({ length: 250 }, (_, i) => ({ repository: `r${i}`, tag: '*' }))
      await store.create('ada', { from: end('c1'), to: end('c0'), rules: many })
      await expect(store.create('ada', { from: end('c1'), to: end('c2'), rules: many })).rejects.toMatchObject(full)
      for (const name of names.slice(1, -1)) await store.create('ada', { from: end('c0'), to: end(name), rules })
      const last = { from: end('c0'), to: end(names.at(-1) ?? ''), rules }
      await expect(store.create('ada', last)).rejects.toMatchObject(full)
      const long = Array.from({ length: 200 }, (_, i) => ({ repository: `${i}/${'r'.repeat(240)}`, tag: '*' }))
      const change = { change: { rules: long }, check: nobodyLooks }
      await expect(store.change('ada', 'c0:c1', change)).rejects.toMatchObject(full)
    })

    test('each cluster is given its own, with the addresses of others; why one has them not is said', async () => {
      await using made = await open()
      const { store, ends, end } = await lab(made, 'a', 'b', 'c', 'd', 'e')
      const [ofA, ofB, ofC] = [backend(), backend(), backend()]
      const [one, two] = [fakeIndex('i1', ofA), fakeIndex('i2', ofA)]
      const [silent, foreign] = [fakeIndex('i0', ofA, { state: 'away' }), fakeIndex('i3', ofB)]
      const [off, idle] = [fakeIndex('i4', ofC, { state: 'off' }), fakeIndex('i5', backend(), { state: 'off' })]
      const indexes = { a: [silent, one, two], b: [foreign], c: [off], d: [idle] }
      const urls: Record<string, readonly string[]> = { a: ['http://a:1'], b: ['http://b:1', 'http://b:2'] }
      const components = clustersOf(ends, indexes, urls)
      const init = async () => ({ wanted: await store.wanted(), manager: 'm1' })
      await pushRelations(components, await init())
      expect(ofA.held.by).toBe('nobody')

      foreign.hold({ manager: 'm2', generation: 1, remotes: [] })
      await store.create('ada', { from: end('a'), to: end('b'), rules })
      await store.create('ada', { from: end('a'), to: end('c'), rules, urls: ['https://c.example.com'] })
      await store.create('ada', { from: end('a'), to: end('d'), rules, isPaused: true })
      // No build-index of it has joined.
      await store.create('ada', { from: end('a'), to: end('e'), rules })
      await store.create('ada', { from: end('b'), to: end('a'), rules })
      await store.create('ada', { from: end('c'), to: end('a'), rules })
      const before = await lookAtRelations(components, await init())
      expect(before.map(({ buildIndex, state }) => `${buildIndex} ${state}`)).toEqual([
        ...['i0 away', 'i1 behind', 'i2 behind', 'i3 foreign', 'i4 refused', 'i5 applied'],
      ])
      await pushRelations(components, await init())
      expect(ofA.held.remotes.map(({ name, urls }) => [name, urls])).toEqual([
        ['b', ['http://b:1', 'http://b:2']],
        ['c', ['https://c.example.com']],
      ])
      expect([one.calls.length, two.calls.length, foreign.calls.length]).toEqual([1, 0, 0])
      const at = (buildIndex: string, cluster: string, more: object) => ({ buildIndex, cluster, wanted: 6, ...more })
      expect(await lookAtRelations(components, await init())).toEqual([
        at('i0', 'a', { state: 'away', code: 'HOST_AWAY' }),
        at('i1', 'a', { state: 'applied', generation: 6 }),
        at('i2', 'a', { state: 'applied', generation: 6 }),
        at('i3', 'b', { state: 'foreign', generation: 1, manager: 'm2' }),
        at('i4', 'c', { state: 'refused', code: 'REMOTES_OFF' }),
        at('i5', 'd', { state: 'applied' }),
      ])

      urls['b'] = ['http://b:3']
      await pushRelations(components, await init())
      expect([one.calls.length, ofA.held.remotes[0]?.urls]).toEqual([2, ['http://b:3']])
      for (const to of ['b', 'c', 'd', 'e']) await store.remove('ada', `a:${to}`, nobodyLooks)
      await pushRelations(components, await init())
      expect([ofA.held.generation, ofA.held.remotes]).toEqual([10, []])
    })

    test('of a database that is older than what a cluster has come after that', async () => {
      await using made = await open()
      const { store, ends, end } = await lab(made, 'a', 'b')
      await store.create('ada', { from: end('a'), to: end('b'), rules })
      const shared = backend()
      const index = fakeIndex('i1', shared)
      const components = clustersOf(ends, { a: [index] }, { b: ['http://b:1'] })
      index.hold({ manager: 'm1', generation: 9, remotes: [] })
      const rows = await pushRelations(components, { wanted: await store.wanted(), manager: 'm1' })
      expect([laterGeneration(rows), shared.held.remotes]).toEqual([9, []])
      await raiseRelationGeneration(made.database, 9)
      const wanted = await store.wanted()
      expect(laterGeneration(await pushRelations(components, { wanted, manager: 'm1' }))).toBeUndefined()
      expect([wanted.generation, shared.held.remotes.map(({ name }) => name)]).toEqual([10, ['b']])
    })

    test('of which a database from before the first knows none are taken from the clusters that have them', async () => {
      await using made = await open()
      const { store, ends } = await lab(made, 'a', 'b')
      const [later, foreign] = [backend(), backend()]
      const [index, other] = [fakeIndex('i1', later), fakeIndex('i2', foreign)]
      const components = clustersOf(ends, { a: [index], b: [other] }, {})
      const more = { windows: [], concurrency: 4, signatures: true, deletes: false }
      const remotes = [{ name: 'b', urls: ['http://b:1'], rules, ...more }]
      index.hold({ manager: 'm1', generation: 3, remotes })
      other.hold({ manager: 'm2', generation: 3, remotes })
      const init = async () => ({ wanted: await store.wanted(), manager: 'm1' })
      const rows = await pushRelations(components, await init())
      expect(rows.map(({ state }) => state)).toEqual(['behind', 'applied'])
      await raiseRelationGeneration(made.database, laterGeneration(rows) ?? 0)
      const after = await pushRelations(components, await init())
      expect(after.map(({ state, generation }) => [state, generation])).toEqual([
        ['applied', 4],
        ['applied', 3],
      ])
      expect([later.held.remotes, foreign.held.remotes.length]).toEqual([[], 1])
    })

    test('are listed page by page beside those of files, each once, with what build-indexes say of them', async () => {
      await using made = await open()
      const { store, ends, end } = await lab(made, 'a', 'b', 'c')
      await store.create('ada', { from: end('a'), to: end('b'), rules })
      await store.create('ada', { from: end('a'), to: end('c'), rules, isPaused: true })
      const remotes = [
        remoteAnswer('b', 'given', { reachable: false, lastError: 'HOST_AWAY', cluster: 'b' }),
        remoteAnswer('b', 'config'),
        remoteAnswer('old', 'given', { cluster: 'c' }),
        remoteAnswer('aaa', 'config', { cluster: 'b', bytesPerSecond: 7 }),
      ]
      const indexes = {
        a: [fakeIndex('i1', backend(), { state: 'away' }), fakeIndex('i2', backend(), { remotes })],
        b: [fakeIndex('i3', backend(), { state: 'away' })],
      }
      const components = clustersOf(ends, indexes, { b: ['http://b:1'] })
      const { relations } = await store.wanted()
      const base = { relations, urlsTo: (id: string) => components.clusters.indexUrls(id) }
      const all = await seenRelations(components, { ...base, count: 100, last: '' })
      expect(all.relations).toMatchObject([
        { origin: 'file', remote: 'aaa', to: 'b', bandwidth: 7, reachable: true },
        { origin: 'file', remote: 'b', urls: ['http://elsewhere:1'] },
        { origin: 'managed', remote: 'b', to: 'b', rules, urls: ['http://b:1'], reachable: false, isPaused: false },
        { origin: 'managed', remote: 'c', to: 'c', isPaused: true, urls: [] },
        { origin: 'given', remote: 'old', to: 'c' },
      ])
      expect(all.relations[2]).toMatchObject({ lastError: 'HOST_AWAY', id: relations[0]?.row.id })
      expect(all.relations[3]?.reachable).toBeUndefined()
      expect([all.silent, all.next]).toEqual([[{ cluster: 'b', code: 'HOST_AWAY' }], undefined])
      expect(await pagesOf(components, base, 2)).toEqual(all.relations)
      const toC = await seenRelations(components, { ...base, count: 100, last: '', cluster: end('c') })
      expect(toC.relations.map(({ remote }) => remote)).toEqual(['c', 'old'])
    })

    test('of clusters whose names begin alike are on one page each, wherever a page ends', async () => {
      await using made = await open()
      const { store, ends, end } = await lab(made, 'us', 'us-2', 'us.3', 'us0')
      const names = ends.map(({ name }) => name)
      const pairs = names.flatMap((from) => names.flatMap((to) => (from === to ? [] : [`${from} ${to}`])))
      for (const [from = '', to = ''] of pairs.map((pair) => pair.split(' ')))
        await store.create('ada', { from: end(from), to: end(to), rules })
      const { relations } = await store.wanted()
      const components = clustersOf(ends, {}, {})
      for (let count = 1; count < pairs.length; count += 1) {
        const paged = await pagesOf(components, { relations, urlsTo: () => [] }, count)
        expect(paged.map(({ from, to }) => `${from} ${to}`).toSorted()).toEqual(pairs.toSorted())
      }
    })
  })
})
