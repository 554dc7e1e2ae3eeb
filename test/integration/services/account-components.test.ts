import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../../lib/base/index.ts'
import { deepMerge, parseConfig, type Tree } from '../../../lib/config/index.ts'
import { type HttpClient, httpClient } from '../../../lib/http/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { buildIndexSchema, buildIndexService } from '../../../services/build-index/index.ts'
import { httpTalk } from '../../../services/controller/accounts/account/origin-talk.ts'
import type { SeenPod } from '../../../services/controller/accounts/rules/rollout.ts'
import { isJson, type Resource, resources } from '../../../services/controller/kubernetes/index.ts'
import { originSchema, originService } from '../../../services/origin/index.ts'
import { trackerSchema, trackerService } from '../../../services/tracker/index.ts'
import { type AccountsLab, accountsLab, isSettled } from '../../kit/accounts/accounts-lab.ts'
import { eventually } from '../../kit/eventually.ts'
import { type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

let stack: ResourceStack
let lab: AccountsLab
beforeAll(async () => {
  stack = resourceStack()
  lab = await accountsLab({}, systemClock().now())
  stack.own({ [Symbol.asyncDispose]: () => lab.stop() })
  for (const name of ['one', 'two']) lab.do.account(name)
  await lab.until(() => ['one', 'two'].every((name) => isSettled(lab, name)))
})
afterAll(async () => stack[Symbol.asyncDispose]())

const data = (resource: Resource, account: string, name: string): Readonly<Record<string, string>> => {
  const found = lab.kube
    .all(resource)
    .find(({ metadata }) => metadata.namespace === lab.namespace(account) && metadata.name === name)
  const texts = isJson(found?.['data']) ? (found['data'] as Readonly<Record<string, string>>) : {}
  if (resource !== resources.secrets) return texts
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]))
}
const token = (account: string, which: string) => data(resources.secrets, account, 'shoal-tokens')[which] ?? ''
const authority = (account: string) => data(resources.secrets, account, 'shoal-authority')['tls.crt'] ?? ''

/** The config as a pod of the account has it, at addresses of this machine. */
async function configOf(account: string, component: string, changes: Tree): Promise<Tree> {
  const { path } = stack.own(await tempFolder(`${account}-${component}`))
  const files = data(resources.secrets, account, `${component}-tls`)
  await mkdir(join(path, 'tls'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, 'tls', name), text, { mode: 0o600 })
  const read = (text: string | undefined) => JSON.parse(text ?? '{}') as Tree
  const rendered = deepMerge(
    read(data(resources.configMaps, account, component)['config.yaml']),
    read(data(resources.secrets, account, `${component}-secrets`)['secrets.yaml']),
  )
  const at = { bind: '127.0.0.1:auto' }
  return [
    rendered,
    { http: at, ops: at, admin: at },
    { member: `${component}-0`, folder: join(path, 'data') },
    {
      tls: {
        certificate: join(path, 'tls/tls.crt'),
        key: join(path, 'tls/tls.key'),
        authorities: [join(path, 'tls/ca.crt')],
      },
    },
    // No name server here knows the pods.
    Object.fromEntries(
      Object.entries({ origins: 'origin', trackers: 'tracker', buildIndexes: 'build-index' }).flatMap(([ring, name]) =>
        ring in rendered
          ? [
              [
                ring,
                {
                  members: [
                    { id: `${name}-0`, url: `https://${name}-0.${name}.${lab.namespace(account)}.svc.cluster.local:1` },
                  ],
                },
              ],
            ]
          : [],
      ),
    ),
    changes,
  ].reduce(deepMerge, {})
}

const running = async <T extends { start(): Promise<void>; stop(): Promise<void> }>(service: T): Promise<T> => {
  await service.start()
  stack.own({ [Symbol.asyncDispose]: () => service.stop() })
  return service
}

const clientOf = (trusts: string, shows: string): Promise<HttpClient> => {
  const tls = { now: { certificate: undefined, key: undefined, authorities: [authority(trusts)] } }
  const lookup = (_: string, __: object, done: (err: null, found: readonly object[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }])
  return running(httpClient({ clock: systemClock(), lookup: lookup as never }, { tls, token: shows }))
}

/** The component of the second account runs; the port of its admin listener. */
const started = {
  async tracker() {
    const config = parseConfig(trackerSchema, await configOf('two', 'tracker', {}))
    return (await running(trackerService({ logger: silentLogger() }, config))).adminUrl
  },
  async 'build-index'() {
    const { path } = stack.own(await tempFolder('backend'))
    const changes = { backend: { driver: 'file', folder: path } }
    const parsed = parseConfig(buildIndexSchema, await configOf('two', 'build-index', changes))
    return (await running(buildIndexService({ logger: silentLogger() }, parsed))).adminUrl
  },
} as const

describe.each(['tracker', 'build-index'] as const)('a %s of an account', (component) => {
  test('takes its own secrets, and neither those of another account nor its authority', async () => {
    const { port } = new URL(await started[component]())
    const url = `https://${component}-0.${component}.${lab.namespace('two')}.svc.cluster.local:${port}/rings`
    const ask = async (trusts: string, shows: string) => {
      const http = await clientOf(trusts, shows)
      const answer = await http.request({ method: 'GET', url })
      await answer.discard()
      return answer.status
    }
    expect(await ask('two', token('two', 'admin'))).toBe(200)
    for (const which of ['admin', 'adminRead', 'service', 'node'])
      expect(await ask('two', token('one', which))).toBe(401)
    await expect(ask('one', token('two', 'admin'))).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' })
  })
})

describe('an origin of an account', () => {
  const pod = { name: 'origin-0', uid: 'x', component: 'origin', ordinal: 0, isReady: true } as unknown as SeenPod
  const ADDRESS = '127.0.77.2'

  test('tells the controller what it hands over, and nobody with the secrets of another account', async () => {
    const { path } = stack.own(await tempFolder('backend'))
    const place = { namespace: lab.namespace('two'), domain: 'cluster.local' }
    const config = parseConfig(
      originSchema,
      await configOf('two', 'origin', {
        peer: { bind: '127.0.0.1:auto' },
        admin: { bind: `${ADDRESS}:64004` },
        backends: [{ repository: '*', backend: { driver: 'file', folder: path } }],
      }),
    )
    await running(originService({ logger: silentLogger() }, config))
    const lookup = (_: string, __: object, done: (err: null, found: readonly object[]) => void) =>
      done(null, [{ address: ADDRESS, family: 4 }])
    const talkAs = async (admin: string, trusts: string) => {
      const open = httpTalk({ clock: systemClock(), lookup: lookup as never })
      const talk = await open({ place, admin, authority: authority(trusts) })
      stack.own({ [Symbol.asyncDispose]: () => talk.stop() })
      return talk
    }
    const own = await talkAs(token('two', 'admin'), 'two')
    await eventually(async () =>
      expect(await own.ask(pod, {})).toEqual({ state: 'staying', isWalked: true, unsafe: 0, failures: 0 }),
    )
    await own.tell(pod, 'leave', {})
    await eventually(async () => expect(await own.ask(pod, {})).toMatchObject({ state: 'left' }))
    await own.tell(pod, 'stay', {})
    await eventually(async () => expect(await own.ask(pod, {})).toMatchObject({ state: 'staying' }))
    const stranger = await talkAs(token('one', 'admin'), 'two')
    await expect(stranger.ask(pod, {})).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    const misled = await talkAs(token('two', 'admin'), 'one')
    await expect(misled.ask(pod, {})).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' })
  })
})
