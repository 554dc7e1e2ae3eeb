import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { type JobsLab, jobsLab } from '../../kit/manager/jobs-lab.ts'
import { cookieOf, PASSWORD } from '../../kit/manager/manager-lab.ts'

let lab: JobsLab
/** Of the build-index, from its next start on. */
let webhooks: object = {}

beforeAll(async () => {
  lab = await jobsLab({ agents: 2, more: (kind) => (kind === 'buildIndex' ? { webhooks } : {}) })
})
afterAll(async () => lab[Symbol.asyncDispose]())

/** A personal access token of somebody who may write jobs. */
async function tokenOf(name: string, grants: readonly object[]): Promise<string> {
  const http = lab.shoal.url('manager-1', 'http')
  const post = (path: string, json: object, headers: object = {}) =>
    fetch(http + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(json),
    })
  await lab.manager.createUser({ body: { name, password: PASSWORD, roles: ['operator'] } })
  const cookie = cookieOf(await post('/api/v1/sign-in', { name, password: PASSWORD }))
  const made = await post('/api/v1/me/tokens', { name, grants, expiresAtMs: Date.now() + 3_600_000 }, { cookie })
  const { token } = (await made.json()) as { readonly token: string }
  return token
}

test('a push begins the job of a schedule, told by the webhook of a build-index that shows a token', async () => {
  const token = await tokenOf('hook', [{ resource: 'jobs', action: 'write' }])
  const other = await tokenOf('blind', [{ resource: 'audit', action: 'read' }])
  const url = `${lab.shoal.url('manager-1', 'http')}/api/v1/events`
  webhooks = { manager: { url, token, events: ['push'] }, blind: { url, token: other } }
  await lab.shoal.stop('build-index-1')
  await lab.shoal.start('build-index-1')
  const onPush = { repository: 'team/*', tag: 'v*' }
  await lab.manager.setSchedule({ name: 'on-push', body: { onPush, job: { kind: 'preheat', scope: 'agents' } } })
  await lab.push('team/app', 'latest')
  const image = await lab.push('team/app', 'v1')
  const id = await eventually(async () => {
    const { jobs } = await lab.manager.jobs({})
    expect(jobs.map(({ state, schedule }) => [state, schedule])).toEqual([['done', 'on-push']])
    return jobs[0]?.id ?? ''
  })
  const { contents } = await lab.manager.jobContents({ id })
  expect(contents[0]?.blobs.map(({ digest }) => digest)).toContain(image.manifest.digest)
})
