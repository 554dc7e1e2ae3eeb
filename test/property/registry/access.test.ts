import { beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { FUZZ_MS, fuzzRuns } from '../../kit/fuzz-runs.ts'
import type { RawAnswer, RawRequest } from '../../kit/memory-listener.ts'
import { type AccessScene, accessScene, bearer, gives, type Login, repositories } from './access-scene.ts'

/** Whatever a client shows, it gets what the rules give to who it is, and no more; and nothing breaks. */

let scene: AccessScene

beforeAll(async () => {
  scene = await accessScene()
})

const send = async ({ text }: Login, request: RawRequest): Promise<RawAnswer> => {
  const shown = text === undefined ? [] : [['authorization', text] as const]
  const answer = await scene.listener.send({ ...request, headers: [...(request.headers ?? []), ...shown] })
  if (answer === undefined) throw new Error(`no answer: ${JSON.stringify(request)}`)
  return answer
}

/** The status of a list of tags, or of the begin of an upload. */
function expected({ who, names }: Login, repository: string, action: 'pull' | 'push'): number {
  const isNamed = names === undefined || names.includes(`${repository} ${action}`)
  const covers = isNamed || (action === 'pull' && names.includes(`${repository} push`))
  if (gives(who, repository, action)) {
    if (!covers) return 401
    if (action === 'push') return 202
    return repository === 'team/app' ? 200 : 404
  }
  if (who === 'anonymous' || who === 'refused') return 401
  return gives(who, repository, 'pull') ? 403 : 404
}

test(
  'a login of any form, a forged token and one that is nearly right give what the rules do',
  async () => {
    const action = fc.constantFrom('pull' as const, 'push' as const)
    await fc.assert(
      fc.asyncProperty(scene.login, fc.constantFrom(...repositories), action, async (login, repository, what) => {
        const target = `/v2/${repository}/${what === 'pull' ? 'tags/list' : 'blobs/uploads/'}`
        const answer = await send(login, { method: what === 'pull' ? 'GET' : 'POST', target })
        expect([login, repository, what, answer.status]).toEqual([
          login,
          repository,
          what,
          expected(login, repository, what),
        ])
        if (answer.status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="/)
        const ping = await send(login, { method: 'GET', target: '/v2/' })
        expect(ping.status).toBe(login.who === 'anonymous' || login.who === 'refused' ? 401 : 200)
      }),
      fuzzRuns('access', 500),
    )
  },
  FUZZ_MS,
)

const scopeName = fc.constantFrom(...repositories, '*', 'A', 'host:5000/a', '../x', '', '%2e', 'a'.repeat(300))
const scope = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('repository', 'repository', 'repository(plugin)', 'registry', 'other', ''),
      fc.oneof(scopeName, fc.constant('catalog')),
      fc.array(fc.constantFrom('pull', 'push', 'delete', '*', 'admin', ''), { maxLength: 4 }),
    )
    .map(([type, name, actions]) => `${type}:${name}:${actions.join(',')}`),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
)
const field = fc.oneof(
  { weight: 3, arbitrary: scope.map((each) => ['scope', each] as const) },
  fc.tuple(
    fc.constantFrom('service', 'account', 'client_id', 'offline_token', 'access_type', 'grant_type', '__proto__'),
    fc.constantFrom('shoal', 'true', 'password', 'refresh_token', '', '%00'),
  ),
)
const fields = fc
  .array(field, { maxLength: 40 })
  .map((pairs) => new URLSearchParams(pairs.map(([key, value]) => [key, value] as [string, string])).toString())
const oddForm = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(Buffer.alloc(20_000, 'a=b&'), Buffer.from('{"grant_type":"password"}'), Buffer.from('username=%ff')),
)
const formType = fc.constantFrom('application/x-www-form-urlencoded', 'application/json', 'multipart/form-data', '')
const tokenRequest = fc.oneof(
  fields.map((query): RawRequest => ({ method: 'GET', target: `/token?${query}` })),
  fc
    .tuple(
      fc.oneof(
        fields.map((text) => Buffer.from(text)),
        oddForm,
      ),
      formType,
      fc.boolean(),
    )
    .map(([body, type, chunked]): RawRequest => {
      return { method: 'POST', target: '/token', body, chunked, headers: [['content-type', type]] }
    }),
)

test(
  'a token names no more than the rules give, whatever is asked for, and who shows nothing right gets none',
  async () => {
    let given = 0
    await fc.assert(
      fc.asyncProperty(scene.login, tokenRequest, async (login, request) => {
        const { status, headers, body } = await send(login, request)
        expect([400, 401, 405, 413, 415, 200]).toContain(status)
        if (status !== 200) return
        given += 1
        expect(headers['cache-control']).toBe('no-store')
        // A form brings a login of its own, here always an empty one.
        const who = request.method === 'POST' ? 'anonymous' : login.who
        expect([login, who]).not.toEqual([login, 'refused'])
        // Who shows a token of ours must log in anew.
        if (request.method === 'GET') expect(login.names).toBeUndefined()
        const { token } = JSON.parse(body.toString('utf8')) as { token: string }
        const claims = await bearer.prove(token)
        expect(claims?.name).toBe(who)
        for (const { type, name, actions } of claims?.access ?? []) {
          if (type === 'registry') expect([who, name, actions]).toEqual(['user:ann', 'catalog', ['*']])
          else for (const each of actions) expect([name, each, gives(who, name, each)]).toEqual([name, each, true])
        }
      }),
      fuzzRuns('tokens', 500),
    )
    expect(given).toBeGreaterThan(20)
  },
  FUZZ_MS,
)
