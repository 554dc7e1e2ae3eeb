import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { newToken, parseGrant, tokenFileText } from '../../../lib/identity/index.ts'
import { type RecordingLogger, recordingLogger } from '../../../lib/telemetry/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { basic, bearer, passwordFile, tokenFor } from '../../kit/registry-access.ts'
import { type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { everySecret } from '../../kit/secrets.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'
import { type ProxyStack, startProxyStack } from './proxy-stack.ts'

/** A proxy whose config says who may do what. */

const ann = basic('ann', 'the password of ann')
const bob = basic('bob', 'the password of bob')
const { token: buildToken, kept } = newToken({
  ...{ name: 'build', expiresMs: undefined, grants: [parseGrant('team/*=pull,push')] },
})
const rules = [
  { who: ['anonymous'], repositories: ['public/*'], actions: ['pull'] },
  { who: ['user:ann'], repositories: ['team/*', 'public/*'], actions: ['push'] },
  { who: ['user:ann'], repositories: ['team/*'], actions: ['delete'] },
  { who: ['user:*'], repositories: ['shared/*'], actions: ['pull', 'catalog'] },
]
/** Other tests of this file push there, in any order. */
const madeByOthers = ['team/mine', 'team/mounts', 'team/told']
const image = imageFixture(seededRandom(1))
const { manifest, layers } = image
const layer = layers[0]!

let folder: TempFolder
let users: string
let stack: ProxyStack
let logger: RecordingLogger
let client: RegistryClient
const as = (headers: object) => registryClient(stack.url, { headers: { ...headers } })

beforeAll(async () => {
  folder = await tempFolder('access')
  users = await passwordFile(folder.path, { ann: 'the password of ann', bob: 'the password of bob' })
  const tokens = join(folder.path, 'tokens')
  await writeFile(tokens, tokenFileText([kept]))
  logger = recordingLogger()
  const { read, push, service } = everySecret
  stack = await startProxyStack({
    logger,
    secrets: { read, push, service },
    registry: { access: { rules, users, tokens } },
  })
  client = registryClient(stack.url)
  for (const name of ['team/app', 'public/app', 'shared/app', 'private/app']) {
    await pushImage(as(bearer(push)), name, image, ['1.0'])
  }
})
afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const pull = (name: string) => `/v2/${name}/manifests/1.0`
const statusOf = async (headers: object, method: string, path: string) => (await as(headers).send(method, path)).status

describe('a log-in', () => {
  test('begins with a challenge that names the token service of the host that was called', async () => {
    const answer = await client.send('GET', '/v2/', { headers: { host: 'registry.test:5000' } })
    expect([answer.status, answer.errorCode()]).toEqual([401, 'UNAUTHORIZED'])
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="http://registry.test:5000/token",service="shoal"')
    const read = await client.send('GET', pull('team/app'))
    expect(read.headers['www-authenticate']).toMatch(/,service="shoal",scope="repository:team\/app:pull"$/)
    const write = await client.send('PUT', pull('team/app'))
    expect(write.headers['www-authenticate']).toMatch(/,scope="repository:team\/app:pull,push"$/)
    const list = await client.send('GET', '/v2/_catalog')
    expect(list.headers['www-authenticate']).toMatch(/,scope="registry:catalog:\*"$/)
  })

  test('gives a token, which gives what was asked for as far as the rules do', async () => {
    const token = await tokenFor(client, ['repository:team/app:pull,push', 'repository:private/app:pull'], ann)
    expect(await statusOf(bearer(token), 'GET', '/v2/')).toBe(200)
    expect(await statusOf(bearer(token), 'GET', pull('team/app'))).toBe(200)
    expect(await statusOf(bearer(token), 'POST', '/v2/team/app/blobs/uploads/')).toBe(202)
    expect(await statusOf(bearer(token), 'GET', pull('private/app'))).toBe(404)
    const other = await as(bearer(token)).send('GET', pull('shared/app'))
    expect(other.status).toBe(401)
    expect(other.headers['www-authenticate']).toMatch(/scope="repository:shared\/app:pull",error="insufficient_scope"$/)
  })

  test('is what a token is given for: no token is given for another one', async () => {
    const narrow = await tokenFor(client, ['repository:team/app:pull'], ann)
    const asked = '/token?service=shoal&scope=repository:team/app:pull,push'
    const answer = await as(bearer(narrow)).send('GET', asked)
    expect([answer.status, answer.errorCode()]).toEqual([401, 'UNAUTHORIZED'])
    expect((await as(ann).send('GET', asked)).status).toBe(200)
  })

  test('may be an OAuth2 form, as containerd sends it', async () => {
    const form = { grant_type: 'password', username: 'ann', password: 'the password of ann', service: 'shoal' }
    const body = new URLSearchParams({
      ...form,
      scope: 'repository:team/app:pull repository:shared/app:pull',
    }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await client.send('POST', '/token', { headers, body })
    const given = answer.json() as { access_token: string; expires_in: number; issued_at: string }
    expect([answer.status, given.expires_in, answer.headers['cache-control']]).toEqual([200, 300, 'no-store'])
    expect(Math.abs(Date.parse(given.issued_at) - Date.now())).toBeLessThan(60_000)
    for (const name of ['team/app', 'shared/app']) {
      expect(await statusOf(bearer(given.access_token), 'GET', pull(name))).toBe(200)
    }
    const wrong = body.replace('of+ann', 'of+bob')
    expect((await client.send('POST', '/token', { headers, body: wrong })).status).toBe(401)
    const other = body.replace('grant_type=password', 'grant_type=refresh_token')
    expect((await client.send('POST', '/token', { headers, body: other })).errorCode()).toBe('UNSUPPORTED')
    expect((await client.send('POST', '/token', { headers: { 'content-type': 'text/plain' }, body })).status).toBe(415)
  })

  test('needs no token: a password, a named token and a secret may come with every request', async () => {
    const { read, push } = everySecret
    expect(await statusOf(ann, 'GET', pull('team/app'))).toBe(200)
    expect(await statusOf(basic('anybody', buildToken), 'GET', pull('team/app'))).toBe(200)
    expect(await statusOf(bearer(buildToken), 'GET', pull('team/app'))).toBe(200)
    for (const secret of [read, push]) {
      expect(await statusOf(basic('anybody', secret), 'GET', pull('private/app'))).toBe(200)
      const token = await tokenFor(client, ['repository:private/app:pull,push'], basic('anybody', secret))
      expect(await statusOf(bearer(token), 'GET', pull('private/app'))).toBe(200)
      const opened = await statusOf(bearer(token), 'POST', '/v2/private/app/blobs/uploads/')
      expect(opened).toBe(secret === push ? 202 : 403)
    }
  })

  test('with wrong credentials is refused everywhere, also where nobody needs any', async () => {
    for (const headers of [basic('ann', 'wrong'), basic('nobody', 'wrong'), bearer('wrong'), bearer('a.b.c')]) {
      expect(await statusOf(headers, 'GET', '/v2/')).toBe(401)
      expect(await statusOf(headers, 'GET', pull('public/app'))).toBe(401)
      expect(await statusOf(headers, 'GET', '/token?scope=repository:public/app:pull')).toBe(401)
    }
    const answer = await as(bearer('a.b.c')).send('GET', pull('public/app'))
    expect(answer.headers['www-authenticate']).toMatch(/error="invalid_token"$/)
  })
})

describe('who does not log in', () => {
  test.each([[{}], [basic('', '')]])('pulls what anybody may, with %j, with or without a token', async (none) => {
    expect(await statusOf(none, 'GET', pull('public/app'))).toBe(200)
    const token = await tokenFor(client, ['repository:public/app:pull'], none)
    expect(await statusOf(bearer(token), 'GET', pull('public/app'))).toBe(200)
    expect(await statusOf(bearer(token), 'GET', '/v2/')).toBe(200)
    expect(await statusOf(bearer(token), 'GET', pull('shared/app'))).toBe(401)
    expect(await statusOf(bearer(token), 'POST', '/v2/public/app/blobs/uploads/')).toBe(401)
  })
})

describe('rules', () => {
  test('a change of what one may only read is DENIED, of what one may not know of NAME_UNKNOWN', async () => {
    const wanted = [
      ['PUT', pull('shared/app')],
      ['DELETE', pull('shared/app')],
      ['DELETE', `/v2/shared/app/blobs/${layer.digest}`],
      ['POST', '/v2/shared/app/blobs/uploads/'],
      ['GET', '/v2/shared/app/blobs/uploads/some'],
      ['PATCH', '/v2/shared/app/blobs/uploads/some'],
    ] as const
    for (const [method, path] of wanted) {
      const [seen, unseen] = [
        await as(bob).send(method, path),
        await as(bob).send(method, path.replace('shared', 'private')),
      ]
      expect([method, seen.status, seen.errorCode()]).toEqual([method, 403, 'DENIED'])
      expect([method, unseen.status, unseen.errorCode()]).toEqual([method, 404, 'NAME_UNKNOWN'])
    }
    expect((await client.send('GET', pull('shared/app'), { headers: bearer(everySecret.push) })).status).toBe(200)
  })

  test('the catalog shows what one may pull, page by page, and ends without a hint', async () => {
    const listed = async (headers: object, query = '') => {
      const answer = await as(headers).send('GET', `/v2/_catalog${query}`)
      const { repositories } = answer.json() as { repositories: readonly string[] }
      return [repositories.filter((name) => !madeByOthers.includes(name)), answer.headers['link']]
    }
    expect(await listed(ann)).toEqual([['public/app', 'shared/app', 'team/app'], undefined])
    expect(await listed(bob)).toEqual([['public/app', 'shared/app'], undefined])
    expect(await listed(bearer(everySecret.read))).toEqual([
      ['private/app', 'public/app', 'shared/app', 'team/app'],
      undefined,
    ])
    expect(await listed(bob, '?n=1')).toEqual([['public/app'], '</v2/_catalog?last=public%2Fapp&n=1>; rel="next"'])
    expect(await listed(bob, '?n=1&last=public/app')).toEqual([['shared/app'], undefined])
    const token = await tokenFor(client, ['registry:catalog:*'], bob)
    expect(await listed(bearer(token))).toEqual([['public/app', 'shared/app'], undefined])
    expect(await statusOf(bearer(buildToken), 'GET', '/v2/_catalog')).toBe(403)
  })

  test('a blob is mounted only from where one may pull', async () => {
    const mounted = async (from: string, headers: object = ann) => {
      const query = `mount=${layer.digest}${from === '' ? '' : `&from=${from}`}`
      const answer = await as(headers).send('POST', `/v2/team/mounts/blobs/uploads/?${query}`)
      return answer.status
    }
    expect(await mounted('private/app')).toBe(202)
    expect(await mounted('nowhere/app')).toBe(202)
    expect(await statusOf(ann, 'HEAD', `/v2/team/mounts/blobs/${layer.digest}`)).toBe(404)
    const one = await tokenFor(client, ['repository:team/mounts:pull,push'], ann)
    expect(await mounted('team/app', bearer(one))).toBe(202)
    expect(await mounted('', bearer(one))).toBe(202)
    const both = await tokenFor(client, ['repository:team/mounts:pull,push', 'repository:team/app:pull'], ann)
    expect(await mounted('team/app', bearer(both))).toBe(201)
  })

  test('a push and a delete by who may', async () => {
    const token = await tokenFor(client, ['repository:team/mine:pull,push'], basic('x', buildToken))
    await pushImage(as(bearer(token)), 'team/mine', image, ['2.0'])
    const tag = '/v2/team/mine/manifests/2.0'
    expect(await statusOf(bearer(buildToken), 'DELETE', tag)).toBe(403)
    const star = await tokenFor(client, ['repository:team/mine:*'], ann)
    expect(await statusOf(bearer(star), 'DELETE', tag)).toBe(202)
  })
})

describe('the log', () => {
  const lines = (audit: string) =>
    logger.lines.map(({ fields }) => fields).filter((fields) => fields['audit'] === audit)

  test('has a line for each change, with who made it and what was stored', async () => {
    await pushImage(as(ann), 'team/told', image, ['1.0'])
    await as(ann).send('DELETE', `/v2/team/told/manifests/${manifest.digest}`)
    const changes = await eventually(() => {
      const told = lines('change').filter((fields) => String(fields['what']).includes('team/told'))
      expect(told).toHaveLength(5)
      return told
    })
    expect(changes.map((fields) => fields['who'])).toEqual(Array(5).fill('user:ann'))
    expect(changes.at(-2)).toMatchObject({
      what: 'PUT /v2/team/told/manifests/1.0',
      digest: manifest.digest,
      outcome: 201,
    })
    expect(changes.at(-1)).toMatchObject({ what: `DELETE /v2/team/told/manifests/${manifest.digest}`, outcome: 202 })
  })

  test('has a line for each refusal, and never a password, a token or a hash', async () => {
    // Of each address only some are told one by one.
    const from = (headers: object) => registryClient(stack.url, { headers: { ...headers }, from: '127.0.0.9' })
    await from(bob).send('PUT', pull('shared/app'))
    await from(bob).send('GET', pull('private/app'))
    await from(basic('ann', 'a wrong password')).send('GET', pull('team/app'))
    await from({}).send('POST', '/token', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'username=bob&password=another+wrong+password',
    })
    const refusals = lines('refusal').flatMap((fields) => (fields['from'] === '127.0.0.9' ? [fields] : []))
    expect(refusals.map(({ who, what, outcome }) => [who, what, outcome])).toEqual([
      ['user:bob', 'PUT /v2/shared/app/manifests/1.0', 'DENIED'],
      ['user:bob', 'GET /v2/private/app/manifests/1.0', 'HIDDEN'],
      ['wrong credentials', 'GET /v2/team/app/manifests/1.0', 'UNAUTHORIZED'],
      ['wrong credentials', 'POST /token', 'UNAUTHORIZED'],
    ])
    const text = JSON.stringify(logger.lines)
    for (const secret of [
      buildToken,
      kept.sha256,
      'the password of',
      'a wrong password',
      'another wrong',
      'eyJ',
      '$2y$',
      ann.authorization,
    ]) {
      expect(text).not.toContain(secret)
    }
  })
})
