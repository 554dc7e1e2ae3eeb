import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import {
  election,
  isJson,
  type Kube,
  type KubeObject,
  keyOf,
  kubeEvents,
  type Resource,
  resources,
  type Term,
  type WatchEvent,
  watchedObjects,
} from '../../../services/controller/kubernetes/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { kubeClient, kubeParts, named, testKinds, untilKnown } from '../../kit/kube-lab.ts'
import { type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'

/** An API server: the small one of the tests, or a real one. */
export interface KubePlace extends AsyncDisposable {
  readonly server: string
  /** PEM; undefined without TLS. */
  readonly authority: string | undefined
  /** May do everything. */
  readonly admin: string
  /** May do nothing. */
  readonly nobody: string
  /** How long a watch is that the server ends, milliseconds. */
  readonly watchMs: number
  /** It promises a bookmark before that end; a real one promises none. */
  readonly bookmarks: boolean
  kill(): Promise<void>
  /** After `kill`. */
  start(): Promise<void>
  /** Forgets all changes until now: watches and lists from before are too old. */
  forget(): Promise<void>
}

const { configMaps, widgets, namespaces } = testKinds
const { leases, events } = resources

const dataOf = (object: KubeObject) => (isJson(object['data']) ? object['data'] : undefined)
const statusOf = (object: KubeObject) => object['status']
const versionOf = ({ metadata }: KubeObject) => metadata.resourceVersion ?? ''

/** What the client and the server promise together. */
export function kubeContract(open: () => Promise<KubePlace>): void {
  let stack: ResourceStack
  let place: KubePlace
  let kube: Kube
  let spaces = 0

  beforeAll(async () => {
    stack = resourceStack()
    place = stack.own(await open())
    kube = await clientOf(place.admin)
  })
  afterAll(async () => stack[Symbol.asyncDispose]())

  const clientOf = (token: string, namespace?: string) =>
    kubeClient(stack, {
      ...{ server: place.server, authority: place.authority, user: { token } },
      ...(namespace !== undefined && { namespace }),
    })
  const newNamespace = async () => {
    spaces += 1
    const name = `space-${Date.now().toString(36)}-${spaces}`
    await kube.writes.create(namespaces, { metadata: { name } })
    return name
  }
  const put = (namespace: string, name: string, data: object = {}) =>
    kube.writes.create(configMaps, named(namespace, name, { data }))
  const firstPage = (namespace: string, limit = 500) => kube.reads.page(configMaps, { namespace, limit })
  /** What a watch tells until so many events have come. */
  const told = async (watch: AsyncIterable<WatchEvent>, count: number) => {
    const got: WatchEvent[] = []
    for await (const event of watch) {
      got.push(event)
      if (got.length === count) break
    }
    return got.map((event) => (event.type === 'bookmark' ? 'bookmark' : `${event.type} ${event.object.metadata.name}`))
  }
  const watchFrom = (resourceVersion: string, more: object) =>
    kube.reads.watch(configMaps, { resourceVersion, timeoutMs: 60_000, silenceMs: 60_000, ...more })

  describe('objects', () => {
    test('are created, read, replaced in their version, and not in another one', async () => {
      const namespace = await newNamespace()
      const made = await put(namespace, 'one', { a: '1' })
      expect(made).toMatchObject({
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: { name: 'one', namespace },
        data: { a: '1' },
      })
      expect(await kube.reads.get(configMaps, { name: 'one', namespace })).toEqual(made)
      const next = await kube.writes.replace(configMaps, { ...made, data: { a: '2' } })
      expect(versionOf(next)).not.toBe(versionOf(made))
      const late = kube.writes.replace(configMaps, { ...made, data: { a: '3' } })
      await expect(late).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
      expect(dataOf(await kube.reads.get(configMaps, { name: 'one', namespace }))).toEqual({ a: '2' })
    })

    test('keep their version when a write changes nothing', async () => {
      const namespace = await newNamespace()
      const made = await put(namespace, 'one', { a: '1' })
      expect(versionOf(await kube.writes.replace(configMaps, made))).toBe(versionOf(made))
      const merged = await kube.writes.merge(configMaps, { name: 'one', namespace }, { data: { a: '1' } })
      expect(versionOf(merged)).toBe(versionOf(made))
    })

    test('that are there already, missing, or of an unknown kind', async () => {
      const namespace = await newNamespace()
      await put(namespace, 'one')
      await expect(put(namespace, 'one')).rejects.toMatchObject({ code: 'KUBE_EXISTS' })
      await expect(put('no-such-space', 'one')).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
      const missing = { name: 'two', namespace }
      await expect(kube.reads.get(configMaps, missing)).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
      await expect(kube.writes.replace(configMaps, { metadata: missing })).rejects.toMatchObject({
        code: 'KUBE_NOT_FOUND',
      })
      const unknown: Resource = { ...widgets, plural: 'gadgets' }
      await expect(kube.reads.page(unknown, { limit: 1 })).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
      await expect(kube.writes.remove(unknown, missing)).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
    })

    test('are merged into: null takes a field away', async () => {
      const namespace = await newNamespace()
      await put(namespace, 'one', { a: '1', b: '2' })
      const merged = await kube.writes.merge(configMaps, { name: 'one', namespace }, { data: { a: null, c: '3' } })
      expect(dataOf(merged)).toEqual({ b: '2', c: '3' })
    })

    test('are removed only while they are those that are meant; what is gone counts as removed', async () => {
      const namespace = await newNamespace()
      const ref = { name: 'one', namespace }
      const made = await put(namespace, 'one')
      const other = kube.writes.remove(configMaps, ref, { uid: '11111111-2222-3333-4444-555555555555' })
      await expect(other).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
      await kube.writes.replace(configMaps, { ...made, data: { a: '1' } })
      const stale = kube.writes.remove(configMaps, ref, { resourceVersion: versionOf(made) })
      await expect(stale).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
      await kube.writes.remove(configMaps, ref, { uid: made.metadata.uid })
      await kube.writes.remove(configMaps, ref)
      await expect(kube.reads.get(configMaps, ref)).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
    })

    test('with a finalizer stay until it is taken away', async () => {
      const namespace = await newNamespace()
      const ref = { name: 'one', namespace }
      await kube.writes.create(configMaps, { metadata: { ...ref, finalizers: ['test.example/kept'] } })
      await kube.writes.remove(configMaps, ref)
      const leaving = await kube.reads.get(configMaps, ref)
      expect(leaving.metadata['deletionTimestamp']).toEqual(expect.any(String))
      await kube.writes.merge(configMaps, ref, { metadata: { finalizers: null } })
      await expect(kube.reads.get(configMaps, ref)).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
    })

    test('have a status that is written apart from the rest', async () => {
      const namespace = await newNamespace()
      const made = await kube.writes.create(
        widgets,
        named(namespace, 'one', { spec: { size: 1 }, status: { seen: 1 } }),
      )
      expect(statusOf(made)).toBeUndefined()
      const ref = { name: 'one', namespace }
      const part = { subresource: 'status' } as const
      const told = await kube.writes.merge(widgets, ref, { status: { seen: 2 }, spec: { size: 9 } }, part)
      expect(told).toMatchObject({ spec: { size: 1 }, status: { seen: 2 } })
      const grown = await kube.writes.replace(widgets, { ...told, spec: { size: 3 }, status: { seen: 9 } })
      expect(grown).toMatchObject({ spec: { size: 3 }, status: { seen: 2 }, metadata: { generation: 2 } })
    })

    test('that are wrong are refused with the reason', async () => {
      const namespace = await newNamespace()
      const wrong = { metadata: { name: 'one', namespace, labels: { a: 'not a label!' } } }
      await expect(kube.writes.create(configMaps, wrong)).rejects.toMatchObject({
        ...{ code: 'KUBE_INVALID', message: expect.stringContaining('metadata.labels') },
      })
      const asked = kube.reads.page(configMaps, { limit: 1, labels: 'a in (' })
      await expect(asked).rejects.toMatchObject({ code: 'KUBE_INVALID' })
      const byField = kube.reads.page(configMaps, { limit: 1, fields: 'data.a=1' })
      await expect(byField).rejects.toMatchObject({ code: 'KUBE_INVALID' })
      await kube.writes.create(widgets, named(namespace, 'one', { spec: { size: 1 } }))
      const ofNoVersion = kube.writes.replace(widgets, named(namespace, 'one', { spec: { size: 2 } }))
      await expect(ofNoVersion).rejects.toMatchObject({ code: 'KUBE_INVALID' })
    })

    test('are only checked by a dry run', async () => {
      const namespace = await newNamespace()
      const made = await put(namespace, 'one', { a: '1' })
      const dryRun = true
      await kube.writes.create(configMaps, named(namespace, 'two'), { dryRun })
      await kube.writes.merge(configMaps, made.metadata, { data: { a: '2' } }, { dryRun })
      await kube.writes.apply(configMaps, named(namespace, 'three'), { dryRun, manager: 'test' })
      await kube.writes.remove(configMaps, made.metadata, { dryRun })
      const { objects } = await firstPage(namespace)
      expect(objects.map(keyOf)).toEqual([`${namespace}/one`])
      expect(await kube.reads.get(configMaps, { name: 'one', namespace })).toEqual(made)
    })
  })

  describe('server-side apply', () => {
    const applied = (namespace: string, manager: string, data: object, more: object = {}) =>
      kube.writes.apply(configMaps, named(namespace, 'one', { data }), { manager, ...more })

    test('makes an object, and changes nothing the second time', async () => {
      const namespace = await newNamespace()
      const made = await applied(namespace, 'first', { a: '1' })
      expect(dataOf(made)).toEqual({ a: '1' })
      expect(versionOf(await applied(namespace, 'first', { a: '1' }))).toBe(versionOf(made))
    })

    test('takes back what its manager gave before, and leaves what others gave', async () => {
      const namespace = await newNamespace()
      await applied(namespace, 'first', { a: '1', b: '2' })
      await applied(namespace, 'second', { c: '3' })
      expect(dataOf(await applied(namespace, 'first', { b: '2' }))).toEqual({ b: '2', c: '3' })
    })

    test('fails for a field of another manager, and takes it when it must', async () => {
      const namespace = await newNamespace()
      await applied(namespace, 'first', { a: '1' })
      await expect(applied(namespace, 'second', { a: '2' })).rejects.toMatchObject({
        ...{ code: 'KUBE_CONFLICT', message: expect.stringContaining('first') },
      })
      expect(dataOf(await applied(namespace, 'second', { a: '1' }))).toEqual({ a: '1' })
      expect(dataOf(await applied(namespace, 'third', { a: '3' }, { force: true }))).toEqual({ a: '3' })
      // Neither of the first two has it any more, so that they take nothing back.
      expect(dataOf(await applied(namespace, 'first', { b: '1' }))).toEqual({ a: '3', b: '1' })
    })

    test('meets fields that somebody has changed by hand', async () => {
      const namespace = await newNamespace()
      await applied(namespace, 'first', { a: '1' })
      await kube.writes.merge(configMaps, { name: 'one', namespace }, { data: { a: 'by hand' } })
      await expect(applied(namespace, 'first', { a: '1' })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
      expect(dataOf(await applied(namespace, 'first', { a: '1' }, { force: true }))).toEqual({ a: '1' })
    })
  })

  describe('lists and watches', () => {
    const labelled = (namespace: string, name: string, label: string) =>
      kube.writes.apply(
        configMaps,
        { metadata: { name, namespace, labels: { of: label } } },
        { manager: 'test', force: true },
      )

    test('show all pages as they were at one moment, and go on from there', async () => {
      const namespace = await newNamespace()
      for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) await labelled(namespace, name, 'list')
      const query = { namespace, labels: 'of=list', limit: 2 }
      const first = await kube.reads.page(configMaps, query)
      await labelled(namespace, 'a6', 'list')
      const second = await kube.reads.page(configMaps, { ...query, next: first.next })
      const third = await kube.reads.page(configMaps, { ...query, next: second.next })
      const names = [first, second, third].map(({ objects }) => objects.map(({ metadata }) => metadata.name))
      expect(names).toEqual([['a1', 'a2'], ['a3', 'a4'], ['a5']])
      expect(third.next).toBeUndefined()
      const watch = await watchFrom(third.resourceVersion, { namespace, labels: 'of=list' })
      expect(await told(watch, 1)).toEqual(['put a6'])
    })

    test('tell what is put and removed, in order', async () => {
      const namespace = await newNamespace()
      const { resourceVersion } = await firstPage(namespace)
      const watch = await watchFrom(resourceVersion, { namespace, fields: 'metadata.name=one' })
      const made = await put(namespace, 'one')
      await put(namespace, 'two')
      await kube.writes.replace(configMaps, { ...made, data: { a: '1' } })
      await kube.writes.remove(configMaps, made.metadata)
      expect(await told(watch, 3)).toEqual(['put one', 'put one', 'removed one'])
    })

    test('tell of objects that no longer match as of removed ones', async () => {
      const namespace = await newNamespace()
      const { resourceVersion } = await firstPage(namespace)
      const watch = await watchFrom(resourceVersion, { namespace, labels: 'of in (x,y),of!=z' })
      for (const label of ['w', 'x', 'y', 'z']) await labelled(namespace, 'one', label)
      expect(await told(watch, 3)).toEqual(['put one', 'put one', 'removed one'])
    })

    test('send bookmarks, and end when they were asked to', async () => {
      const namespace = await newNamespace()
      const { resourceVersion } = await firstPage(namespace)
      const watch = await watchFrom(resourceVersion, {
        namespace,
        fields: 'metadata.name=one',
        timeoutMs: place.watchMs,
      })
      const kinds = []
      for await (const { type } of watch) kinds.push(type)
      expect(kinds.filter((kind) => kind !== 'bookmark')).toEqual([])
      if (place.bookmarks) expect(kinds).toContain('bookmark')
    })

    test('are aborted by their caller, which ends the connection', async () => {
      const namespace = await newNamespace()
      const { resourceVersion } = await firstPage(namespace)
      const leave = new AbortController()
      const query = { namespace, resourceVersion, timeoutMs: 60_000, silenceMs: 60_000 }
      const watch = await kube.reads.watch(configMaps, query, { signal: leave.signal })
      leave.abort()
      await expect(told(watch, 1)).rejects.toMatchObject({ code: 'ABORTED' })
    })

    test('that are too old say so', async () => {
      const namespace = await newNamespace()
      for (const name of ['a1', 'a2', 'a3']) await put(namespace, name)
      const first = await firstPage(namespace, 1)
      await kube.writes.remove(configMaps, { name: 'a1', namespace })
      await place.forget()
      const follow = async () => told(await watchFrom(first.resourceVersion, { namespace }), 1)
      await eventually(() => expect(follow()).rejects.toMatchObject({ code: 'KUBE_GONE' }))
      const next = kube.reads.page(configMaps, { namespace, limit: 1, next: first.next })
      await expect(next).rejects.toMatchObject({ code: 'KUBE_GONE' })
    })
  })

  describe('a live cache', () => {
    test('follows objects, and misses nothing while the server is killed and comes back', async () => {
      const namespace = await newNamespace()
      await put(namespace, 'before', { a: '1' })
      const parts = kubeParts()
      const watched = watchedObjects(
        { ...parts, kube },
        { resource: configMaps, namespace, keep: (object) => JSON.stringify(dataOf(object) ?? {}) },
      )
      const has = (name: string) => watched.items.get(`${namespace}/${name}`)
      await watched.start()
      await watched.listed()
      expect([watched.freshness, has('before')]).toEqual(['fresh', '{"a":"1"}'])
      await put(namespace, 'during', { b: '2' })
      await untilKnown(watched, () => has('during') !== undefined)
      await place.kill()
      await untilKnown(watched, () => watched.freshness === 'lastKnown')
      expect(has('during')).toBe('{"b":"2"}')
      await place.start()
      await kube.writes.remove(configMaps, { name: 'before', namespace })
      await put(namespace, 'after')
      await untilKnown(watched, () => has('after') !== undefined && has('before') === undefined)
      expect(watched.freshness).toBe('fresh')
      await watched.stop()
      expect(watched.freshness).toBe('lastKnown')
    })
  })

  describe('callers', () => {
    test('that are not known, and those that have no right', async () => {
      const stranger = await clientOf('nobody-gave-this-token')
      await expect(stranger.reads.page(configMaps, { limit: 1 })).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED' })
      const poor = await clientOf(place.nobody)
      await expect(poor.reads.page(configMaps, { limit: 1 })).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
    })
  })

  describe('leases and events', () => {
    test('a lease has one leader; who stops gives it back, and the next one takes it', async () => {
      const namespace = await newNamespace()
      const own = await clientOf(place.admin, namespace)
      const led: string[] = []
      const candidate = (identity: string) => {
        const began = deferred<Term>()
        const lead = async (term: Term) => {
          led.push(identity)
          began.resolve(term)
        }
        const timings = { leaseMs: 600_000, renewMs: 400_000, retryMs: 20 }
        const standing = election({ ...kubeParts(), kube: own }, { lease: 'one', identity, lead, timings })
        return { began: began.promise, standing }
      }
      const [first, second] = [candidate('first'), candidate('second')]
      await first.standing.start()
      const term = await first.began
      await second.standing.start()
      expect(() => term.assert()).not.toThrow()
      await first.standing.stop()
      await second.began
      await second.standing.stop()
      expect(led).toEqual(['first', 'second'])
      expect(() => term.assert()).toThrow(expect.objectContaining({ code: 'LEADERSHIP_LOST' }))
      const { spec } = await kube.reads.get(leases, { name: 'one', namespace })
      expect(spec).toMatchObject({ leaseTransitions: 1 })
      expect(spec).not.toHaveProperty('holderIdentity')
    })

    test('events stand beside the object that they are about', async () => {
      const namespace = await newNamespace()
      const object = await put(namespace, 'one')
      const teller = kubeEvents({ ...kubeParts(), kube }, { component: 'test', instance: 'here' })
      await teller.start()
      teller.tell({
        about: { resource: configMaps, object },
        type: 'Normal',
        reason: 'Tested',
        message: 'it was tested',
      })
      const fields = 'involvedObject.name=one'
      const found = await eventually(async () => {
        const { objects } = await kube.reads.page(events, { namespace, fields, limit: 10 })
        expect(objects).toHaveLength(1)
        return objects[0]
      })
      await teller.stop()
      expect(found).toMatchObject({
        reason: 'Tested',
        message: 'it was tested',
        involvedObject: { uid: object.metadata.uid },
      })
    })
  })
}
