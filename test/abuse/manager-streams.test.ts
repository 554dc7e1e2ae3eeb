import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { codeOf } from '../../lib/base/index.ts'
import { digestOf } from '../../lib/core/index.ts'
import { eventually } from '../kit/eventually.ts'
import { type ManagerLab, managerLab } from '../kit/manager/manager-lab.ts'

let lab: ManagerLab

beforeAll(async () => {
  lab = await managerLab()
  await lab.admin().createCluster({ body: { name: 'one' } })
  await lab.admin().setRole({ role: 'watcher', body: { grants: [{ resource: 'jobs', action: 'read' }] } })
})
afterAll(async () => lab[Symbol.asyncDispose]())

/** A job that nobody does, as its cluster has no tracker. */
async function openJob(): Promise<string> {
  const targets = [digestOf(Buffer.from('what is looked for'))]
  return (await lab.admin().createJob({ body: { kind: 'query', targets, clusters: ['one'] } })).id
}

/** Of the stream of a job: what was told until it ended, and its first event. */
async function watching(headers: Readonly<Record<string, string>>) {
  const answer = await lab.ask(`/api/v1/jobs/${await openJob()}/events`, { headers })
  expect(answer.status).toBe(200)
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  let told = ''
  const read = async (until: () => boolean) => {
    while (!until()) {
      const { done, value = '' } = await reader.read()
      if (done) return
      told += value
    }
  }
  await read(() => told.includes('event: job'))
  return { ended: read(() => false) }
}

interface Watcher {
  readonly name: string
  readonly headers: Readonly<Record<'cookie', string>>
}

const losses: Readonly<Record<string, (watcher: Watcher) => Promise<unknown>>> = {
  'signs-out': ({ headers }) => lab.ask('/api/v1/sign-out', { method: 'POST', headers }),
  'is-disabled': ({ name }) => lab.admin().changeUser({ user: name, body: { disabled: true } }),
  'is-removed': ({ name }) => lab.admin().removeUser({ user: name }),
  'loses-the-role': ({ name }) => lab.admin().changeUser({ user: name, body: { roles: [] } }),
  'gets-another-password': ({ name }) => lab.admin().setPassword({ user: name, body: { password: 'x'.repeat(12) } }),
}

/** All at the same time, since each takes a look that comes every few seconds. */
test('a stream ends with the session, the token or the right of who gets it', async () => {
  const token = await lab.token(await lab.signedIn('tina', ['watcher']), 'watch', ['jobs', 'read'])
  const byToken = await watching(token.headers)
  const watchers = await Promise.all(
    Object.entries(losses).map(async ([name, lose]) => {
      const headers = await lab.signedIn(name, ['watcher'])
      const { ended } = await watching(headers)
      return { ended, lose: () => lose({ name, headers }) }
    }),
  )
  await lab.admin().revokeToken({ token: token.id })
  for (const { lose } of watchers) await lose()
  await Promise.all([byToken.ended, ...watchers.map(({ ended }) => ended)])
})

/** Opens a stream of that job: the status and code of its answer, and what closes it. */
async function opening(job: string, headers: Readonly<Record<string, string>>) {
  const closing = new AbortController()
  const answer = await lab.ask(`/api/v1/jobs/${job}/events`, { headers, signal: closing.signal })
  const code = answer.status === 200 ? '' : (/"code":"(\w+)"/.exec(await answer.text())?.[1] ?? '')
  return { told: `${answer.status} ${code}`.trim(), close: () => closing.abort() }
}

test('one user has his share of streams, with all sessions and tokens, and others get theirs', async () => {
  const job = await openJob()
  const greedy = await lab.signedIn('greedy', ['watcher'])
  const ways = [greedy, await lab.signedIn('greedy', []), (await lab.token(greedy, 'more', ['jobs', 'read'])).headers]
  const all = await Promise.all(Array.from({ length: 30 }, (_, i) => opening(job, ways[i % ways.length] ?? {})))
  const open = all.filter(({ told }) => told === '200')
  expect(open).toHaveLength(20)
  expect(new Set(all.map(({ told }) => told))).toEqual(new Set(['200', '429 STREAM_SHARE_FULL']))
  const other = await opening(job, await lab.signedIn('modest', ['watcher']))
  expect(other.told).toBe('200')
  other.close()
  open[0]?.close()
  await eventually(async () => {
    const again = await opening(job, greedy)
    expect(again.told).toBe('200')
    again.close()
  })
  for (const each of open) each.close()
})

test('whoever shows a secret has the share of an address', async () => {
  const id = await openJob()
  const closing = new AbortController()
  const streams = Array.from({ length: 21 }, () => lab.admin().jobEvents({ id }, { signal: closing.signal }))
  const firsts = await Promise.allSettled(streams.map(async (stream) => (await stream)[Symbol.asyncIterator]().next()))
  closing.abort()
  const refused = firsts.flatMap((first) => (first.status === 'rejected' ? [codeOf(first.reason)] : []))
  expect(refused).toEqual(['STREAM_SHARE_FULL'])
})
