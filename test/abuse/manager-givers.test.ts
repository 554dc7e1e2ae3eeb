import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { digestOf } from '../../lib/core/index.ts'
import { type MadeToken, type ManagerLab, managerLab } from '../kit/manager/manager-lab.ts'

let lab: ManagerLab
let ada: { readonly cookie: string }

beforeAll(async () => {
  lab = await managerLab()
  ada = await lab.signedIn('ada', ['admin'])
})
afterAll(async () => lab[Symbol.asyncDispose]())

type Given = Pick<MadeToken, 'id' | 'headers'>
const token = (
  ...given: readonly [name: string, ...grants: (readonly [resource: string, action: string])[]]
): Promise<Given> => lab.token(ada, ...given)

const told = async (answer: Response): Promise<string> => {
  const text = await answer.text()
  return `${answer.status} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ''}`.trim()
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const nightly = { cron: '0 3 * * *', job: { kind: 'delete', targets: ['team/app:1.0'] } }

test('whoever may not give a job begins none by a schedule either', async () => {
  const set = async ({ headers }: Given, name: string) =>
    told(await lab.ask(`/api/v1/schedules/${name}`, { method: 'PUT', headers, json: nightly }))
  const scheduler = await token('scheduler', ['schedules', 'write'], ['jobs', 'read'])
  await expect(set(scheduler, 'a')).resolves.toBe('403 RIGHTS_EXCEEDED')
  await expect(set(await token('giver', ['jobs', 'write']), 'a')).resolves.toBe('403 DENIED')
  await expect(set(await token('both', ['schedules', 'write'], ['jobs', 'write']), 'a')).resolves.toBe('200')
})

test('a schedule of who may give no jobs any more begins none at a push, until somebody who may sets it again', async () => {
  await lab.admin().createCluster({ body: { name: 'one' } })
  const carl = await lab.signedIn('carl', ['operator'])
  const set = async (headers: Readonly<Record<string, string>>) => {
    const json = { onPush: { repository: 'team/*' }, job: { kind: 'preheat', clusters: ['one'] } }
    return told(await lab.ask('/api/v1/schedules/on-push', { method: 'PUT', headers, json }))
  }
  const hook = await token('hook', ['jobs', 'write'])
  const pushed = async (name: string) => {
    const target = { repository: 'team/app', digest: digestOf(Buffer.from(name)), mediaType: MANIFEST }
    const json = { events: [{ action: 'push', target }] }
    const answer = await lab.ask('/api/v1/events', { method: 'POST', headers: hook.headers, json })
    return ((await answer.json()) as { readonly jobs: readonly string[] }).jobs.length
  }
  await expect(set(carl)).resolves.toBe('200')
  await expect(pushed('first')).resolves.toBe(1)
  await lab.admin().changeUser({ user: 'carl', body: { disabled: true } })
  await expect(pushed('second')).resolves.toBe(0)
  const { lastCode, by } = await lab.admin().schedule({ name: 'on-push' })
  expect([lastCode, by]).toEqual(['SCHEDULE_RIGHTS_LOST', 'user:carl'])
  await expect(set(ada)).resolves.toBe('200')
  await expect(pushed('third')).resolves.toBe(1)
  await lab.admin().removeSchedule({ name: 'on-push' })
})

test('a token ends none of its user that was given more, but itself and lesser ones', async () => {
  const [weak, other, strong] = [await token('weak'), await token('other'), await token('strong', ['*', '*'])]
  const end = async ({ headers }: Given, { id }: Given) =>
    told(await lab.ask(`/api/v1/me/tokens/${id}`, { method: 'DELETE', headers }))
  await expect(end(weak, strong)).resolves.toBe('403 RIGHTS_EXCEEDED')
  await expect(end(strong, other)).resolves.toBe('204')
  await expect(end(weak, weak)).resolves.toBe('204')
  await expect(told(await lab.ask('/api/v1/me', { headers: weak.headers }))).resolves.toBe('401 UNAUTHORIZED')
})

test('what is to be changed only when it is as it was is not made where there was nothing', async () => {
  for (const match of ['*', '"*"', 'W/*', '"x"', 'W/"x"', '""', ''])
    for (const [path, json] of [
      ['/api/v1/roles/nobody', { grants: [] }],
      ['/api/v1/schedules/nobody', nightly],
    ] as const) {
      const headers = { ...ada, 'if-match': match }
      const answer = await told(await lab.ask(path, { method: 'PUT', headers, json }))
      expect([path, match, answer]).toEqual([path, match, '412 CHANGED_MEANWHILE'])
    }
})

test('what was seen is named exactly: a weak tag, or one of something else, changes nothing', async () => {
  await lab.admin().createUser({ body: { name: 'bob', password: 'correct horse battery', roles: [] } })
  const tag = (await lab.ask('/api/v1/users/bob', { headers: ada })).headers.get('etag') ?? ''
  const change = async (match: string) =>
    (
      await lab.ask('/api/v1/users/bob', {
        ...{ method: 'PATCH', headers: { ...ada, 'if-match': match }, json: { disabled: false } },
      })
    ).status
  for (const match of [`W/${tag}`, '"x"', '', ' ', ',', 'W/*', '**', tag.slice(0, -2), `${tag.slice(0, -1)}0"`])
    expect([match, await change(match)]).toEqual([match, 412])
  for (const match of [tag, `"x", ${tag}`, '*']) expect([match, await change(match)]).toEqual([match, 200])
})
