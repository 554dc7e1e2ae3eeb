import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { managerApi } from '../../../lib/api/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type FileServer, fileServer } from '../../kit/file-server.ts'
import { type JobsLab, jobsLab } from '../../kit/manager/jobs-lab.ts'
import { everySecret } from '../../kit/secrets.ts'

let lab: JobsLab
let web: FileServer
let webUrl: string

beforeAll(async () => {
  web = await fileServer()
  web.files.set('model.bin', Buffer.alloc(300_000, 'a model'))
  const { port } = new URL(web.url)
  webUrl = `http://localhost:${port}`
  lab = await jobsLab({
    overrides: [
      `origin.urls.rules=${JSON.stringify([{ host: 'localhost', ports: [Number(port)], inner: true }])}`,
      'manager.jobs.allow=["localhost"]',
    ],
  })
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await web[Symbol.asyncDispose]()
})

const blobsOf = ({ config, layers, manifest }: Awaited<ReturnType<JobsLab['push']>>) =>
  [config, ...layers, manifest].map(({ digest }) => digest).toSorted()

describe('a preheat', () => {
  test('of all agents has each of them fetch the image; afterwards a question finds it whole at each', async () => {
    const image = await lab.push('team/app', '1.0', [200_000, 300_000])
    const job = await lab.ended(await lab.give({ kind: 'preheat', targets: ['team/app:1.0'], scope: 'agents' }))
    expect(job).toMatchObject({
      state: 'done',
      rows: { done: 3, failed: 0 },
      parts: [{ step: 'content' }, { step: 'fleet' }],
    })
    const { contents } = await lab.manager.jobContents({ id: job.id })
    expect(contents[0]?.blobs.map(({ digest }) => digest).toSorted()).toEqual(blobsOf(image))
    const asked = await lab.ended(await lab.give({ kind: 'query', targets: ['team/app:1.0'] }))
    const { rows } = await lab.manager.jobRows({ id: asked.id })
    expect(rows.map(({ state, holds }) => [state, holds])).toEqual(Array(3).fill(['done', 'whole']))
  })

  test.each([
    ['single_origin', 1],
    ['all_origins', 2],
  ] as const)('of %s brings each blob there', async (scope, copies) => {
    const image = await lab.push(`origins/${scope.replace('_', '-')}`, '1.0')
    const target = `origins/${scope.replace('_', '-')}:1.0`
    const job = await lab.ended(await lab.give({ kind: 'preheat', targets: [target], scope }))
    expect([job.state, job.code]).toEqual(['done', undefined])
    const { rows } = await lab.manager.jobRows({ id: job.id })
    expect(rows.map(({ blob }) => blob).toSorted()).toEqual(
      blobsOf(image).flatMap((digest) => Array.from({ length: copies }, () => digest)),
    )
    expect(rows.every(({ state, bytes, doneBytes }) => state === 'done' && bytes === doneBytes)).toBe(true)
  })

  test('of a file of the web brings it to an origin, and on to agents', async () => {
    const job = await lab.ended(await lab.give({ kind: 'preheat', urls: [`${webUrl}/model.bin`], scope: 'agents' }))
    expect([job.state, job.code, job.message]).toEqual(['done', undefined, undefined])
    expect(job).toMatchObject({ parts: [{ step: 'url' }, { step: 'fleet' }], rows: { done: 4 } })
  })

  test('of what is not there fails, and says why', async () => {
    const job = await lab.ended(await lab.give({ kind: 'preheat', targets: ['team/none:1.0'] }))
    expect(job).toMatchObject({ state: 'failed', code: 'MANIFEST_UNKNOWN' })
  })
})

test('a distribution tells which agents hold which blobs', async () => {
  const image = await lab.push('team/spread', '1.0')
  await lab.ended(await lab.give({ kind: 'preheat', targets: ['team/spread:1.0'], scope: 'agents', count: 1 }))
  const job = await lab.ended(await lab.give({ kind: 'distribution', targets: ['team/spread:1.0'] }))
  expect(job.state).toBe('done')
  const { rows } = await lab.manager.jobRows({ id: job.id })
  const holders = new Set(rows.filter(({ holds }) => holds === 'whole').map(({ host }) => host))
  expect(holders.size).toBe(1)
  expect(rows.filter(({ holds }) => holds === 'whole')).toHaveLength(blobsOf(image).length)
})

test('looks of the build-indexes are begun and followed', async () => {
  for (const kind of ['gc', 'retention'] as const) {
    const job = await lab.ended(await lab.give({ kind, dryRun: true }))
    expect([kind, job.state, job.code]).toEqual([kind, 'done', undefined])
  }
})

test('the same key is the same job, and with other content it is refused', async () => {
  await lab.push('team/keyed', '1.0')
  const body = { kind: 'preheat', targets: ['team/keyed:1.0'], key: 'once' } as const
  const [one, two] = [await lab.give(body), await lab.give(body)]
  expect(two).toBe(one)
  await expect(lab.give({ ...body, scope: 'all_origins' })).rejects.toMatchObject({ code: 'JOB_KEY_TAKEN' })
  const headers = {
    authorization: `Bearer ${everySecret.admin}`,
    'idempotency-key': 'once',
    'content-type': 'application/json',
  }
  const answer = await fetch(lab.url + managerApi.createJob.path, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...body, key: undefined }),
  })
  expect([answer.status, ((await answer.json()) as { id: string }).id]).toEqual([202, one])
})

test('a job is told of while it runs, from any number of a row on, until its end', async () => {
  await lab.push('team/told', '1.0', [400_000])
  const id = await lab.give({ kind: 'preheat', targets: ['team/told:1.0'], scope: 'agents' })
  const seen: { kind: string; data: unknown }[] = []
  for await (const event of await lab.manager.jobEvents({ id })) seen.push(event)
  expect(seen.at(-1)).toMatchObject({ kind: 'job', data: { state: 'done' } })
  const last = seen.filter(({ kind }) => kind === 'row').map(({ data }) => (data as { seq: number }).seq)
  expect(last).toEqual([...last].sort((a, b) => a - b))
  const rest: { kind: string }[] = []
  for await (const event of await lab.manager.jobEvents({ id, lastId: String(last.at(-1)) })) rest.push(event)
  expect(rest.map(({ kind }) => kind)).toEqual(['job'])
})

test('a job that is cancelled ends everywhere, and cannot be cancelled again', async () => {
  await lab.push('team/cancelled', '1.0')
  const never = {
    kind: 'preheat',
    targets: ['team/cancelled:1.0'],
    scope: 'agents',
    hosts: ['a-host-that-is-away'],
  } as const
  const id = await lab.give({ ...never, limitSeconds: 600 })
  const part = async () => (await lab.manager.job({ id })).parts.find(({ step }) => step === 'fleet')
  await eventually(async () => expect((await part())?.remoteId).toBeDefined())
  expect(await lab.manager.cancelJob({ id })).toMatchObject({ cancelAtMs: expect.any(Number) })
  expect(await lab.ended(id)).toMatchObject({ state: 'cancelled', rows: { cancelled: 1 } })
  await expect(lab.manager.cancelJob({ id })).rejects.toMatchObject({ code: 'JOB_OVER' })
})

test('a manager that is killed in the middle of a job goes on with it', async () => {
  await lab.push('team/killed', '1.0', [500_000])
  const id = await lab.give({ kind: 'preheat', targets: ['team/killed:1.0'], scope: 'agents' })
  await lab.restart()
  expect(await lab.ended(id)).toMatchObject({ state: 'done', rows: { done: 3 } })
})
