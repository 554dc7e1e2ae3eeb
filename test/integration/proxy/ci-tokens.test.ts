import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { eventually } from '../../kit/eventually.ts'
import { basic, bearer, tokenFor } from '../../kit/registry-access.ts'
import { type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { type ProxyStack, startProxyStack } from './proxy-stack.ts'

/** An issuer of ID tokens on this machine, as GitHub, GitLab and Kubernetes are, and a proxy that believes it. */

const keyOf = (kid: string) => ({ kid, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) })
const [first, second] = [keyOf('first'), keyOf('second')]
const published = [first]
let asked: string[] = []
let isAway = false

const server = createServer((req, res) => {
  asked.push(req.url ?? '')
  if (isAway) {
    res.writeHead(503).end()
    return
  }
  const keys = published.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256' }))
  const document = req.url === '/keys' ? { keys } : { issuer, jwks_uri: `${issuer}/keys` }
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
})
let issuer: string
let stack: ProxyStack
let client: RegistryClient

const callers = [
  { name: 'deploy', claims: { repository: 'org/*', ref: 'refs/heads/main' } },
  { name: 'build', claims: { repository: 'org/*' } },
]
const rules = [
  { who: ['ci:*'], repositories: ['team/*'], actions: ['pull'] },
  { who: ['ci:deploy'], repositories: ['team/*'], actions: ['push'] },
]
const start = () =>
  startProxyStack({ registry: { access: { rules, ci: [{ issuer, audience: 'our-registry', callers }] } } })

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  stack = await start()
  client = registryClient(stack.url)
})
afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

interface Job {
  readonly claims?: object
  readonly audience?: string
  readonly from?: string
  readonly key?: { readonly kid: string; readonly privateKey: KeyObject }
  readonly expires?: string
}

const idToken = ({ claims, audience = 'our-registry', from = issuer, key = first, expires = '10m' }: Job = {}) =>
  new SignJWT({ repository: 'org/app', ref: 'refs/heads/main', ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid })
    .setIssuer(from)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(key.privateKey)

const open = '/v2/team/app/blobs/uploads/'
const statusOf = async (headers: object, method = 'POST', path = open, at = client) =>
  (await at.send(method, path, { headers: { ...headers } })).status

test('a job pushes as the caller that its claims fit, with its ID token in any form', async () => {
  const token = await idToken()
  expect(await statusOf(bearer(token))).toBe(202)
  expect(await statusOf(basic('oidc', token))).toBe(202)
  const given = await tokenFor(client, ['repository:team/app:pull,push'], basic('oidc', token))
  expect(await statusOf(bearer(given))).toBe(202)
  const branch = await idToken({ claims: { ref: 'refs/heads/other' } })
  expect(await statusOf(bearer(branch))).toBe(403)
  expect(await statusOf(bearer(branch), 'GET', '/v2/team/app/tags/list')).toBe(404)
})

test.each<[string, () => Job]>([
  ['of another project', () => ({ claims: { repository: 'other/app' } })],
  ['without the claim', () => ({ claims: { repository: undefined } })],
  ['with a claim that is no text', () => ({ claims: { repository: ['org/app'] } })],
  ['for somebody else', () => ({ audience: 'another-registry' })],
  ['of another issuer', () => ({ from: 'http://127.0.0.1:1' })],
  ['signed by somebody else', () => ({ key: { ...keyOf('first') } })],
  ['whose time is over', () => ({ expires: '-5m' })],
])('a token %s is none', async (_, job) => {
  expect(await statusOf(bearer(await idToken(job())))).toBe(401)
})

test('a token without a signature is none', async () => {
  const [, payload] = (await idToken()).split('.')
  const head = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
  expect(await statusOf(bearer(`${head}.${payload}.`))).toBe(401)
})

test('the keys are asked for once, and not again for each token that names another one', async () => {
  await using fresh = await start()
  const at = registryClient(fresh.url)
  asked = []
  const unknown = await Promise.all(Array.from({ length: 20 }, (_, i) => idToken({ key: { ...second, kid: `k${i}` } })))
  const statuses = await Promise.all(unknown.map((token) => statusOf(bearer(token), 'POST', open, at)))
  expect(statuses).toEqual(Array(20).fill(401))
  expect(await statusOf(bearer(await idToken()), 'POST', open, at)).toBe(202)
  expect(asked).toEqual(['/.well-known/openid-configuration', '/keys'])
})

test('an issuer that does not answer is an outage, not a wrong token', async () => {
  await using fresh = await start()
  const at = registryClient(fresh.url)
  isAway = true
  expect(await statusOf(bearer(await idToken()), 'POST', open, at)).toBe(503)
  isAway = false
  const token = await idToken()
  await eventually(async () => expect(await statusOf(bearer(token), 'POST', open, at)).toBe(202))
})
