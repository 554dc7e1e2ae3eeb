import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { digestOf } from '../../lib/core/index.ts'
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
