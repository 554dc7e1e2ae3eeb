import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { basic, bearer, passwordFile } from '../../kit/registry-access.ts'
import { type RegistryAnswer, type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { everySecret } from '../../kit/secrets.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'
import { type ProxyStack, startProxyStack } from './proxy-stack.ts'

/** How clients react to a challenge, as they were traced: what they ask first, and in which form they ask for a token. */

const image = imageFixture(seededRandom(1))
const rules = [
  { who: ['user:ann'], repositories: ['team/*'], actions: ['push'] },
  { who: ['user:bob'], repositories: ['team/*'], actions: ['pull'] },
]
const passwords = { ann: 'the password of ann', bob: 'the password of bob', eve: 'the password of eve' }

let folder: TempFolder
let stack: ProxyStack
let registry: RegistryClient

beforeAll(async () => {
  folder = await tempFolder('logins')
  const users = await passwordFile(folder.path, passwords)
  const { push, service } = everySecret
  stack = await startProxyStack({ secrets: { push, service }, registry: { access: { rules, users } } })
  registry = registryClient(stack.url)
  await pushImage(registryClient(stack.url, { headers: bearer(push) }), 'team/app', image, ['t1'])
})
afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** What a client asks a token service for, and as whom. */
interface Asked {
  readonly user: string
  readonly password: string
  readonly scopes: readonly string[]
  /** Of the challenge. */
  readonly service: string
  readonly path: string
}

const query = (pairs: readonly (readonly [string, string])[]) =>
  new URLSearchParams(pairs.map(([key, value]) => [key, value] as [string, string])).toString()
const byGet =
  (more: (asked: Asked) => readonly (readonly [string, string])[] = () => []) =>
  (asked: Asked): Promise<RegistryAnswer> => {
    const scopes = asked.scopes.map((scope) => ['scope', scope] as const)
    const pairs = [...more(asked), ...scopes, ['service', asked.service] as const]
    return registry.send('GET', `${asked.path}?${query(pairs)}`, { headers: basic(asked.user, asked.password) })
  }
const byForm =
  (more: readonly (readonly [string, string])[]) =>
  ({ user, password, scopes, service, path }: Asked): Promise<RegistryAnswer> => {
    const login = [['username', user] as const, ['password', password] as const]
    const body = query([...more, ...login, ['service', service], ['scope', scopes.join(' ')]])
    return registry.send('POST', path, { body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  }

interface LoggingIn {
  /** docker and containers/image learn how to log in from the ping alone, the others from what they want. */
  readonly first: 'ping' | 'request'
  readonly pushScope: 'pull,push' | 'push,pull'
  readonly token: (asked: Asked) => Promise<RegistryAnswer>
}

const account = ({ user }: Asked) => ['account', user] as const
const clients: Readonly<Record<string, LoggingIn>> = {
  docker: {
    ...{ first: 'ping', pushScope: 'push,pull' },
    token: byGet((asked) => [account(asked), ['client_id', 'docker'], ['offline_token', 'true']]),
  },
  'containerd, nerdctl, BuildKit and the kubelet': {
    ...{ first: 'request', pushScope: 'pull,push' },
    token: byForm([
      ['client_id', 'containerd-client'],
      ['grant_type', 'password'],
    ]),
  },
  'skopeo, podman, buildah and CRI-O': {
    ...{ first: 'ping', pushScope: 'pull,push' },
    token: byGet((asked) => [account(asked)]),
  },
  'oras and helm': {
    ...{ first: 'request', pushScope: 'pull,push' },
    token: byForm([
      ['client_id', 'oras-go'],
      ['grant_type', 'password'],
    ]),
  },
  'cosign, crane and kaniko': { first: 'ping', pushScope: 'push,pull', token: byGet() },
  regctl: {
    first: 'request',
    pushScope: 'pull,push',
    token: byGet((asked) => [['client_id', 'regclient'], account(asked)]),
  },
  nydusd: { first: 'request', pushScope: 'pull,push', token: byForm([['client_id', 'nydusd']]) },
}

/** As nydusd takes it apart: at `",` and `=`. */
function challengeIn({ headers }: RegistryAnswer): ReadonlyMap<string, string> {
  const text = headers['www-authenticate'] ?? ''
  expect(text).toMatch(/^Bearer [a-z]+="[^"]*"(,[a-z]+="[^"]*")*$/)
  const fields = text.slice('Bearer '.length).split(/",|"$/).filter(Boolean)
  return new Map(fields.map((field) => field.split('="', 2) as [string, string]))
}

const pull = () => ['GET', '/v2/team/app/manifests/t1'] as const
const push = () => ['POST', '/v2/team/app/blobs/uploads/'] as const

describe.each(Object.entries(clients))('%s', (_, { first, pushScope, token }) => {
  /** The status of what it wants to do, after it has logged in; undefined when it is not given a token. */
  const tries = async (user: keyof typeof passwords, action: 'pull' | 'push', password: string = passwords[user]) => {
    const [method, target] = action === 'pull' ? pull() : push()
    const refused = await (first === 'ping' ? registry.send('GET', '/v2/') : registry.send(method, target))
    expect([refused.status, refused.errorCode()]).toEqual([401, 'UNAUTHORIZED'])
    const fields = challengeIn(refused)
    const actions = action === 'pull' ? 'pull' : pushScope
    if (first === 'request')
      expect(fields.get('scope')).toBe(`repository:team/app:${action === 'pull' ? 'pull' : 'pull,push'}`)
    const { pathname: path, search } = new URL(fields.get('realm') ?? '')
    expect(search).toBe('')
    const scopes = [`repository:team/app:${actions}`]
    const given = await token({ user, password, scopes, service: fields.get('service') ?? '', path })
    if (given.status !== 200) return { token: given.status }
    const body = given.json() as { token: string; access_token: string; expires_in: number; issued_at: string }
    expect([body.access_token, body.expires_in >= 60]).toEqual([body.token, true])
    expect(Date.parse(body.issued_at)).not.toBeNaN()
    const answer = await registry.send(method, target, { headers: bearer(body.token) })
    return { token: 200, status: answer.status, code: answer.errorCode() }
  }

  test('pushes and pulls with the right password, and is told of a wrong one', async () => {
    expect(await tries('ann', 'push')).toMatchObject({ token: 200, status: 202 })
    expect(await tries('ann', 'pull')).toMatchObject({ token: 200, status: 200 })
    expect(await tries('ann', 'push', 'wrong')).toEqual({ token: 401 })
  })

  test('is told that it may only pull, and nothing of what is hidden', async () => {
    expect(await tries('bob', 'pull')).toMatchObject({ status: 200 })
    expect(await tries('bob', 'push')).toMatchObject({ token: 200, status: 403, code: 'DENIED' })
    expect(await tries('eve', 'pull')).toMatchObject({ token: 200, status: 404, code: 'MANIFEST_UNKNOWN' })
    expect(await tries('eve', 'push')).toMatchObject({ token: 200, status: 404, code: 'NAME_UNKNOWN' })
  })
})

test('a client that mounts asks for two repositories at once', async () => {
  const scopes = ['repository:team/new:pull,push', 'repository:team/app:pull']
  const { docker: client } = clients
  const given = await client!.token({ user: 'ann', password: passwords.ann, scopes, service: 'shoal', path: '/token' })
  const { token } = given.json() as { token: string }
  const [layer] = image.layers
  const mount = `/v2/team/new/blobs/uploads/?from=team%2Fapp&mount=${encodeURIComponent(layer!.digest)}`
  expect((await registry.send('POST', mount, { headers: bearer(token) })).status).toBe(201)
})
