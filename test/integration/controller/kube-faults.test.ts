import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import {
  type Kube,
  kubeEvents,
  type ObjectChange,
  resources,
  type WatchedObjects,
  type WatchedObjectsInit,
  watchedObjects,
} from '../../../services/controller/kubernetes/index.ts'
import { kubeClient, kubeParts, pump, testKinds, untilKnown } from '../../kit/kube-lab.ts'
import { type KubeServer, kubeServer } from '../../kit/kube-server/kube-server.ts'
import { type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'

const { configMaps } = testKinds

let stack: ResourceStack
let server: KubeServer
let kube: Kube

beforeEach(async () => {
  stack = resourceStack()
  server = stack.own(await kubeServer())
  kube = await kubeClient(stack, { server: server.url, user: { token: 'admin' } })
})
afterEach(async () => stack[Symbol.asyncDispose]())

const put = (name: string, data: object = {}) => server.state.put(configMaps, { metadata: { name }, data })
const listed = () => server.asked.filter(({ verb }) => verb === 'list').length
const watched = () => server.asked.filter(({ verb }) => verb === 'watch').length

describe('a call', () => {
  const list = (signal?: AbortSignal) => kube.reads.page(configMaps, { limit: 10 }, { signal })
  const answered = (status: number, headers: Readonly<Record<string, string>> = {}, body = '') => {
    server.fault = () => ({ status, headers, body })
  }

  test.each([
    [429, 'KUBE_THROTTLED'],
    [500, 'KUBE_UNAVAILABLE'],
    [503, 'KUBE_UNAVAILABLE'],
    [302, 'KUBE_UNAVAILABLE'],
    [400, 'KUBE_INVALID'],
    [401, 'KUBE_UNAUTHORIZED'],
    [403, 'KUBE_FORBIDDEN'],
    [404, 'KUBE_NOT_FOUND'],
    [410, 'KUBE_GONE'],
  ])('that is answered with %i fails with %s, whatever its body is', async (status, code) => {
    answered(status, {}, '<html>')
    await expect(list()).rejects.toMatchObject({ code, detail: { status } })
  })

  test('is told how long the server wants to be left alone', async () => {
    answered(429, { 'retry-after': '7' })
    await expect(list()).rejects.toMatchObject({ detail: { retryAfterMs: 7000 } })
  })

  test('that nobody answers has one code, and may be aborted', async () => {
    server.fault = () => 'cut'
    await expect(list()).rejects.toMatchObject({ code: 'KUBE_UNAVAILABLE' })
    server.fault = () => 'hang'
    const leave = new AbortController()
    const waiting = expect(list(leave.signal)).rejects.toMatchObject({ code: 'ABORTED' })
    leave.abort()
    await waiting
    await server.kill()
    await expect(list()).rejects.toMatchObject({ code: 'KUBE_UNAVAILABLE' })
  })

  test.each([
    ['no JSON', '<html>'],
    ['no list', '{"items":7}'],
    ['an object without a name', '{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{}}]}'],
    [
      'labels that are no texts',
      '{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a","labels":{"a":1}}}]}',
    ],
  ])('that is answered with %s fails', async (_, body) => {
    answered(200, {}, body)
    await expect(list()).rejects.toMatchObject({ code: 'BODY_INVALID' })
  })

  test('of an object that is larger than any may be fails', async () => {
    answered(200, {}, JSON.stringify({ metadata: { name: 'a' }, data: 'x'.repeat(5 * 1024 * 1024) }))
    await expect(kube.reads.get(configMaps, { name: 'a' })).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
  })

  test.each(['a/b', '..', '', 'a?b'])('of an object that is called %j goes nowhere', async (name) => {
    await expect(kube.reads.get(configMaps, { name })).rejects.toMatchObject({ code: 'KUBE_INVALID' })
    expect(server.asked).toEqual([])
  })
})

describe('a live cache', () => {
  const open = async (init: Partial<WatchedObjectsInit<string>> = {}) => {
    const clock = fakeClock()
    const parts = { ...kubeParts(), clock }
    const own = await kubeClient(stack, { server: server.url, user: { token: 'admin' } }, clock)
    const keep = ({ metadata, data }: { metadata: { name: string }; data?: unknown }) =>
      metadata.name.startsWith('odd') ? undefined : JSON.stringify(data)
    const cache = watchedObjects({ ...parts, kube: own }, { resource: configMaps, keep, ...init })
    const changes: string[] = []
    cache.onChange((change) => void changes.push(told(change)))
    stack.own({ [Symbol.asyncDispose]: () => cache.stop() })
    await cache.start()
    return { cache, clock, changes, metrics: parts.metrics }
  }
  const told = (change: ObjectChange<string>) =>
    change.type === 'freshness' ? change.freshness : `${change.type} ${change.key}`
  const begun = async ({ cache, clock }: { cache: WatchedObjects<string>; clock: ReturnType<typeof fakeClock> }) => {
    await cache.listed()
    await pump(clock, () => server.watches > 0)
  }

  test('keeps what it is told to keep, and tells only what has changed when it has to list again', async () => {
    for (const name of ['a', 'b', 'odd']) put(name)
    const it = await open()
    await begun(it)
    expect([...it.cache.items.keys()]).toEqual(['default/a', 'default/b'])
    await server.kill()
    await untilKnown(it.cache, () => it.cache.freshness === 'lastKnown')
    put('c')
    server.state.drop(configMaps, 'a')
    server.state.compact()
    it.changes.length = 0
    await server.start()
    await pump(it.clock, () => it.cache.freshness === 'fresh' && it.cache.items.has('default/c'))
    expect(it.changes.filter((change) => /^(put|removed)/.test(change))).toEqual(['put default/c', 'removed default/a'])
  })

  test('goes on from where it was when the server is back, and lists nothing', async () => {
    put('a')
    const it = await open()
    await begun(it)
    const lists = listed()
    await server.kill()
    await untilKnown(it.cache, () => it.cache.freshness === 'lastKnown')
    put('b')
    server.state.drop(configMaps, 'a')
    await server.start()
    await pump(it.clock, () => it.cache.items.has('default/b') && !it.cache.items.has('default/a'))
    expect(listed()).toBe(lists)
  })

  test('knows by bookmarks how far it is, so that it need not list what others have made old', async () => {
    put('a')
    const it = await open({ fields: 'metadata.name=a' })
    await begun(it)
    const lists = listed()
    const before = it.cache.heardMs
    put('of no interest')
    await it.clock.advance(1)
    server.bookmark()
    await pump(it.clock, () => it.cache.heardMs !== before)
    await server.kill()
    server.state.compact()
    await server.start()
    await pump(it.clock, () => server.watches > 0 && it.cache.freshness === 'fresh')
    expect(listed()).toBe(lists)
  })

  test('begins anew when a watch is silent for too long, and loses nothing', async () => {
    const it = await open({ silenceMs: 2_000 })
    await begun(it)
    const watches = watched()
    await pump(it.clock, () => watched() > watches && server.watches > 0)
    put('a')
    await pump(it.clock, () => it.cache.items.has('default/a'))
  })

  test('waits as long as a server wishes that has too much to do', async () => {
    let refused = 0
    server.fault = () => {
      refused += 1
      return { status: 429, headers: { 'retry-after': '40' } }
    }
    const it = await open()
    await pump(it.clock, () => refused === 1)
    const fromMs = it.clock.monotonicMs()
    await pump(it.clock, () => refused === 2, 500)
    expect(it.clock.monotonicMs() - fromMs).toBeGreaterThanOrEqual(39_000)
  })

  test('keeps what it knew while there are too many', async () => {
    put('a')
    const it = await open({ most: 2 })
    await begun(it)
    put('b')
    await pump(it.clock, () => it.cache.items.size === 2)
    put('c')
    await untilKnown(it.cache, () => it.cache.freshness === 'lastKnown')
    expect([...it.cache.items.keys()]).toEqual(['default/a', 'default/b'])
    server.state.drop(configMaps, 'a')
    await pump(it.clock, () => it.cache.items.has('default/c') && !it.cache.items.has('default/a'))
  })
})

test('the same event is told once, and not more of them than people can read', async () => {
  const clock = fakeClock()
  const parts = { ...kubeParts(), clock }
  const about = { resource: configMaps, object: { metadata: { name: 'one', namespace: 'default' } } }
  const events = kubeEvents({ ...parts, kube }, { component: 'test', instance: 'here' })
  await events.start()
  const tell = (message: string) => events.tell({ about, type: 'Warning', reason: 'Tested', message })
  for (let i = 0; i < 60; i += 1) tell(`message ${i}`)
  tell('message 0')
  const written = () => server.state.all(resources.events).length
  await pump(clock, () => written() === 25)
  await clock.advance(11 * 60_000)
  tell('message 0')
  await pump(clock, () => written() === 26)
  await events.stop()
  expect(parts.metrics.value('shoal_kube_events_total', { outcome: 'dropped' })).toBe(35)
})
