import { afterAll, describe, expect, test } from '@jest/globals'
import { liveKeys } from '../../../lib/api/live-keys.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import { parseRegistryHost, type Repository } from '../../../lib/core/index.ts'
import { secretAuthenticator } from '../../../lib/identity/index.ts'
import { type ListenerInit, pullRulesSchema, serviceRuntime } from '../../../lib/service/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { agentSchema } from '../../../services/agent/config.ts'
import { clientFront } from '../../../services/agent/fronts/client-front.ts'
import type { Links } from '../../../services/agent/links/index.ts'
import { pullRules } from '../../../services/agent/pull-rules/index.ts'
import type { Pulls } from '../../../services/agent/pulls.ts'
import type { AgentStorageComponents } from '../../../services/agent/registry-storage.ts'
import { memoryListener } from '../../kit/memory-listener.ts'
import { resourceStack } from '../../kit/resource-stack.ts'

const stack = resourceStack()
afterAll(async () => stack[Symbol.asyncDispose]())

const load = (registry: object) =>
  loadConfig(agentSchema, { overrides: Object.entries(registry).map(([k, v]) => `registry.${k}=${JSON.stringify(v)}`) })

const upstreams = ['docker.io', 'ghcr.io', 'quay.io']
const hub = {
  ...{ name: 'hub', bind: '127.0.0.1:65011', default: 'docker.io' },
  mounts: [
    { path: '/ghcr', default: 'ghcr.io' },
    { path: '/team/own', default: 'own' },
    { path: '/nobody', default: 'none' },
  ],
}
const headers = { priorityHeader: 'X-Priority', applicationHeader: 'X-Application' }
const silent = { name: 'silent', bind: '127.0.0.1:65012' }
const registry = {
  ...{ upstreams, default: 'own', ownHosts: ['own.example.com'], ownNames: ['own.example.com'] },
  ...{ mounts: [{ path: '/quay', default: 'quay.io' }], listeners: [hub, silent] },
}

/** What a front asks the cluster for, by the tag that is asked of it. */
async function fronts(keys: object = registry) {
  const asked: string[] = []
  const unused = () => Promise.reject(new Error('nobody asks for that'))
  const parts = {
    pulling: { find: unused, lookUp: (_: unknown, work: () => Promise<unknown>) => work() } as Pulls,
    links: {
      async tag({ registry: host, name }: Repository, tag: string) {
        asked.push(`${host} ${name}:${tag}`)
        return undefined
      },
    } as Partial<Links> as Links,
    urls: { ask: unused, readComing: unused },
    index: {} as AgentStorageComponents['index'],
    onSent: () => undefined,
    rules: pullRules({ metrics: silentMetrics() }, { ...headers, rules: pullRulesSchema.parse({}) }),
    ownPorts: () => [],
  }
  const config = await load(keys)
  const runtime = serviceRuntime('agent', config, { logger: silentLogger(), metrics: silentMetrics() })
  const front = clientFront(runtime, config, parts)
  stack.own({ [Symbol.asyncDispose]: () => front.guarded.stop() })
  const meant = async (at: ListenerInit, path: string, headers: readonly (readonly [string, string])[] = []) => {
    asked.length = 0
    const authenticate = secretAuthenticator({ anonymous: at.anonymous })
    const answer = await memoryListener(at.routes, { authenticate }).send({ method: 'GET', target: path, headers })
    expect(answer?.status).toBe(404)
    const [error] = (
      JSON.parse(answer?.body.toString() ?? '') as { errors: { code: string; detail?: { code?: string } }[] }
    ).errors
    return asked[0] ?? error?.detail?.code ?? error?.code
  }
  return { ...front, meant, hub: front.further['hub']!, silent: front.further['silent']! }
}

const nginx = 'v2/library/nginx/manifests/latest'

describe('what a request means that names no registry', () => {
  test.each([
    ['usual', '/', 'own library/nginx:latest'],
    ['usual', '/quay/', 'quay.io library/nginx:latest'],
    ['usual', '/ghcr/', 'NOT_FOUND'],
    ['hub', '/', 'docker.io library/nginx:latest'],
    ['hub', '/ghcr/', 'ghcr.io library/nginx:latest'],
    ['hub', '/team/own/', 'own library/nginx:latest'],
    ['hub', '/nobody/', 'REGISTRY_UNSAID'],
    ['hub', '/quay/', 'NOT_FOUND'],
    ['silent', '/', 'REGISTRY_UNSAID'],
    ['silent', '/ghcr/', 'NOT_FOUND'],
    ['silent', '/quay/', 'NOT_FOUND'],
  ] as const)('at the listener %s below %s', async (listener, root, expected) => {
    const all = await fronts()
    expect(await all.meant(all[listener], root + nginx)).toBe(expected)
  })

  test('a host of ours counts at the usual listener alone, and below none of its mount points', async () => {
    const all = await fronts({ ...registry, default: 'none' })
    const host = [['host', 'own.example.com']] as const
    const asked = (listener: 'usual' | 'hub' | 'silent', root: string) => all.meant(all[listener], root + nginx, host)
    expect(await asked('usual', '/')).toBe('own library/nginx:latest')
    expect(await asked('usual', '/quay/')).toBe('quay.io library/nginx:latest')
    expect(await asked('hub', '/')).toBe('docker.io library/nginx:latest')
    expect(await asked('silent', '/')).toBe('REGISTRY_UNSAID')
  })

  test('whoever names a registry gets that one everywhere', async () => {
    const all = await fronts()
    for (const at of [all.usual, all.hub, all.silent]) {
      expect(await all.meant(at, `/${nginx}?ns=ghcr.io`)).toBe('ghcr.io library/nginx:latest')
      expect(await all.meant(at, `/${nginx}?ns=own.example.com`)).toBe('own library/nginx:latest')
      expect(await all.meant(at, `/${nginx}?ns=elsewhere.example`)).toBe('NAME_UNKNOWN')
    }
  })
})

describe('registries of others that are set while an agent runs', () => {
  const ghcr = `/${nginx}?ns=ghcr.io`
  const set = (...entries: readonly unknown[]) => liveKeys.agent['registry.upstreams'].parse(entries)

  test('are served from then on, at every listener and by every name, and those that are taken off are not', async () => {
    const all = await fronts({ upstreams: ['docker.io'], listeners: [silent] })
    expect(await all.meant(all.usual, ghcr)).toBe('NAME_UNKNOWN')
    all.live.setUpstreams(set('ghcr.io'))
    for (const at of [all.usual, all.silent]) {
      expect(await all.meant(at, ghcr)).toBe('ghcr.io library/nginx:latest')
      expect(await all.meant(at, '/v2/ghcr.io/a/b/manifests/latest')).toBe('ghcr.io a/b:latest')
      expect(await all.meant(at, `/${nginx}?ns=docker.io`)).toBe('NAME_UNKNOWN')
    }
    all.live.setUpstreams(set())
    expect(await all.meant(all.usual, ghcr)).toBe('NAME_UNKNOWN')
  })

  test('say whether clients show what they log in with elsewhere', async () => {
    const all = await fronts({ upstreams: ['docker.io'] })
    const shows = () => all.usual.foreignLogIns?.()
    all.live.setUpstreams(set({ registry: 'registry.example.com', identity: 'passThrough' }))
    expect(shows()).toBe(true)
    all.live.setUpstreams(set('registry.example.com'))
    expect(shows()).toBe(false)
  })

  test.each<[string, object, readonly unknown[], string]>([
    ['the default names is taken off', { default: 'ghcr.io' }, ['docker.io'], 'registry.default must be own'],
    [
      'a mount point names is taken off',
      { mounts: [{ path: '/ghcr', default: 'ghcr.io' }] },
      [],
      'registry.mounts.0.default must be own',
    ],
    ['a further listener names is taken off', { listeners: [hub] }, ['ghcr.io'], 'registry.listeners.0.default must'],
    [
      'wants to be logged in to, where clients have to show a secret of ours',
      { anonymous: 'none' },
      [{ registry: 'ghcr.io', identity: 'passThrough' }],
      'registry.anonymous cannot be none',
    ],
  ])('are refused, and all stays, where one that %s', async (_, keys, entries, message) => {
    const all = await fronts({ upstreams, ...keys })
    const refused = expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) })
    expect(() => all.live.setUpstreams(set(...entries))).toThrow(refused)
    const served = upstreams.map((host) => all.guarded.serves(parseRegistryHost(host)))
    expect([...served, all.guarded.passThrough()]).toEqual([true, true, true, false])
  })

  const known = { registry: 'reg.example.com', identity: 'passThrough', url: 'http://10.0.0.1', plainHttp: true }

  test.each<[string, object]>([
    ['to another URL', { url: 'http://10.0.0.2' }],
    ['by the URL of another registry', { registry: 'ghcr.io', plainHttp: false }],
    ['without TLS', { registry: 'ghcr.io', url: undefined }],
    ['to addresses within', { inner: true }],
    ['by what another authority signs', { ca: '/tmp/ca.pem' }],
  ])('never lead clients that log in %s', async (_, keys) => {
    const all = await fronts({ upstreams: [known] })
    const asked = set(JSON.parse(JSON.stringify({ ...known, ...keys })))
    expect(() => all.live.setUpstreams(asked)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  test('may say who reads, and for how long a proof counts, at one that the file leads to', async () => {
    const all = await fronts({ upstreams: [known] })
    const publicOnly = { ...known, identity: 'publicOnly', proofFor: '0s', wait: '1s' }
    expect(() => all.live.setUpstreams(set(publicOnly))).not.toThrow()
    expect(() => all.live.setUpstreams(set('reg.example.com', 'ghcr.io'))).not.toThrow()
  })
})

test('the other paths for clients are at the usual listener alone', async () => {
  const all = await fronts()
  const paths = (at: ListenerInit) => at.routes.map(({ path }) => path).filter((path) => !/\/v2(?:\/|$)/.test(path))
  expect([paths(all.usual), paths(all.hub)]).toEqual([['/namespace/:namespace/blobs/:digest', '/urls'], []])
})

test('clients may show at each of them what they log in with at a registry that decides itself', async () => {
  const entry = { registry: 'registry.example.com', identity: 'passThrough' }
  const passing = await fronts({
    upstreams: [entry],
    listeners: [hub, silent].map((o) => ({ ...o, default: 'none', mounts: [] })),
  })
  expect([passing.usual, passing.hub].map(({ foreignLogIns }) => foreignLogIns?.())).toEqual([true, true])
  const usual = await fronts()
  expect([usual.usual, usual.hub].map(({ foreignLogIns }) => foreignLogIns?.())).toEqual([false, false])
})

describe('a config is refused that has', () => {
  const more = (keys: object) => ({ upstreams, listeners: [{ ...silent, ...keys }] })
  test.each<[string, object]>([
    ['a listener whose default is not served', more({ default: 'example.com' })],
    [
      'a mount point of a listener whose default is not served',
      more({ mounts: [{ path: '/a', default: 'example.com' }] }),
    ],
    ...['/v2', '/a/v2', '/a/namespace', '/token', '/healthz/a', '/metrics', '/readyz', 'a', '/a/', '/A'].map(
      (path): [string, object] => [
        `the mount point ${path} at a listener`,
        more({ mounts: [{ path, default: 'own' }] }),
      ],
    ),
    ['the mount point /token', { mounts: [{ path: '/token', default: 'own' }] }],
    ['one mount point twice', { mounts: ['own', 'none'].map((usual) => ({ path: '/a', default: usual })) }],
    ['a listener without a name', { listeners: [{ bind: '127.0.0.1:1' }] }],
    ['a listener without an address', { listeners: [{ name: 'a' }] }],
    ['a listener with a strange name', more({ name: 'a b' })],
    [
      'too many listeners',
      { listeners: Array.from({ length: 9 }, (_, i) => ({ name: `a${i}`, bind: '127.0.0.1:auto' })) },
    ],
  ])('%s', async (_, keys) => {
    await expect(load(keys)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
