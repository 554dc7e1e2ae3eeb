import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { liveKinds, managerApi } from '../../lib/api/index.ts'
import { type ManagerLab, managerLab } from '../kit/manager/manager-lab.ts'

let lab: ManagerLab
let ada: { readonly cookie: string }
let host: string

beforeAll(async () => {
  lab = await managerLab()
  ada = await lab.signedIn('ada', ['admin'])
  host = new URL((await lab.ask('/api/v1/me')).url).host
})
afterAll(async () => lab[Symbol.asyncDispose]())

interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
}

/** The status of a request that is sent as it stands. */
const statusOf = ({ method = 'GET', path = '/api/v1/me', headers = {}, body }: Asked): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(`http://${host}`, { method, path, headers: { ...headers } as Record<string, string> })
    sent.once('error', reject).once('response', (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
    })
    sent.end(body)
  })

/** With something in each place of the path that lets a request come as far as its body. */
const pathOf = (path: string): string =>
  path
    .replace(':scope', 'all')
    .replace(':kind', liveKinds[0] ?? '')
    .replaceAll(/:\w+/g, 'nobody')

describe('a page of another site, in the browser of somebody who is signed in', () => {
  const bodied = Object.values(managerApi).filter((call) => 'body' in call && call.body !== undefined)

  test.each(['text/plain', 'text/plain; application/json', 'multipart/form-data; boundary=x', 'application/jsonx', ''])(
    'changes nothing by a form, also where its browser says nothing of where it comes from: %j',
    async (type) => {
      for (const { method, path } of bodied) {
        const headers = { ...ada, ...(type !== '' && { 'content-type': type }) }
        const status = await statusOf({ method, path: pathOf(path), headers, body: '{}' })
        // 404: the route has looked for what the path names before it looks at a body.
        expect([path, [404, 415].includes(status)]).toEqual([path, true])
      }
    },
  )

  test.each([
    'null',
    'file://',
    '',
    'http://HOST.',
    'http://HOST/',
    'http://user@HOST',
    'http://HOST,http://evil.example',
  ])('is none of ours as %j', async (origin) =>
    expect(await statusOf({ headers: { ...ada, origin: origin.replace('HOST', host) } })).toBe(403),
  )

  test.each(['SAME-ORIGIN', '', 'x', 'same-origin, cross-site'])('is none of ours from %j', async (site) => {
    expect(await statusOf({ headers: { ...ada, 'sec-fetch-site': site } })).toBe(403)
  })

  test('is none of ours with two origins, of which one is ours', async () => {
    for (const origin of [
      [`http://${host}`, 'http://evil.example'],
      ['http://evil.example', `http://${host}`],
    ])
      expect(await statusOf({ headers: { ...ada, origin } })).toBe(403)
  })
})

describe('a name that leads to the manager', () => {
  test.each([
    ...['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', 'foo.localhost', '0.0.0.0', '[::]', '0'],
    ...['127.1', '2130706433', '0x7f000001', 'a@127.0.0.1', '127.0.0.1:'],
  ])('is not its own because it leads here: %s', async (name) => {
    expect(await statusOf({ headers: { ...ada, host: name } })).toBe(421)
  })

  test('counts in a whole URL more than in the header', async () => {
    expect(await statusOf({ path: 'http://evil.example/api/v1/me', headers: { ...ada, host } })).toBe(421)
  })

  test.each(['127.0.0.1', 'localhost', 'LOCALHOST.', '[::1]', '127.0.0.1:1'])('is its own: %s', async (name) => {
    expect(await statusOf({ headers: { ...ada, host: name } })).toBe(200)
  })
})

describe('a path that is written otherwise', () => {
  test.each([
    ...['//api/v1/users', '/api//v1/users', '/api/v1/users/', '/API/v1/users', '/api/v1/%75sers', '/api/v1/users%2f'],
    ...['/api/v1/users%00', '/api/v1/users;x', '/api/v1/./users', '/x/../api/v1/users', '/api/v1/%2e%2e/v1/users'],
    ...['/assets/../api/v1/users', '/assets/%2e%2e%2findex.html', '/assets/..%2f..%2fpackage.json', '/assets/%00'],
    ...['/assets/__proto__', '/assets/constructor', '/%2e%2e/%2e%2e/etc/passwd', '/api\\v1\\users', '/ICON.svg'],
  ])('leads nowhere: %s', async (path) => {
    expect(await statusOf({ path, headers: ada })).toBe(404)
  })

  test.each(['__proto__', 'constructor', '%00', '%2e%2e', 'a%2fb', '%f0%9f%92%a9', 'a'.repeat(5_000)])(
    'names nothing that is there: %s',
    async (name) => {
      for (const kind of [
        'users',
        'clusters',
        'members',
        'jobs',
        'schedules',
        'relations',
        'registry-users',
        'rollouts',
      ])
        expect([kind, await statusOf({ path: `/api/v1/${kind}/${name}`, headers: ada })]).toEqual([kind, 404])
    },
  )
})

test('no body of a request is a fault of ours', async () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const nested = `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`
  const known = ['name', 'args', 'spec', 'values', 'job', 'grants', 'roles', 'peer_cluster_config', 'events']
  const bodies = [
    ...[deep, nested, 'null', '1e999', '"x"', '', '{"__proto__":{"roles":["admin"]},"constructor":{"prototype":{}}}'],
    ...[
      '{"name":"\\u0000"}',
      '{"name":"\\ud800"}',
      `{"type":"preheat",${known.map((key) => `"${key}":${nested}`).join()}}`,
    ],
    `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":1`).join()}}`,
  ]
  const adapters = [
    ...(['POST /oapi/v1/jobs', 'POST /oapi/v1/clusters', 'PATCH /oapi/v1/jobs/1'] as const),
    'POST /registry/notifications' as const,
  ]
  const own = Object.values(managerApi).flatMap((call) =>
    'body' in call && call.body !== undefined ? [`${call.method} ${pathOf(call.path)}`] : [],
  )
  for (const route of [...own, ...adapters])
    for (const body of bodies) {
      const [method = '', path = ''] = route.split(' ')
      const status = await statusOf({ method, path, headers: { ...ada, 'content-type': 'application/json' }, body })
      expect([route, body.slice(0, 40), status < 500]).toEqual([route, body.slice(0, 40), true])
    }
})
