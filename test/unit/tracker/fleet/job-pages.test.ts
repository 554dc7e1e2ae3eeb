import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from '@jest/globals'
import type { KeptRow } from '../../../../lib/api/index.ts'
import type { Exchange } from '../../../../lib/http/index.ts'
import { jobRoutes } from '../../../../services/tracker/admin/job-routes.ts'
import { jobLine } from '../../../../services/tracker/fleet/job-answer.ts'
import type { JobRun } from '../../../../services/tracker/fleet/job-run.ts'
import type { Jobs } from '../../../../services/tracker/fleet/jobs.ts'
import { nothingDone } from '../../../../services/tracker/fleet/progress.ts'

const LIMIT = 4 * 1024 * 1024
const long = (i: number) => `${i}`.padStart(5, '0') + '\u0001'.repeat(250)

/** A job for many hosts with the longest names that there are. */
function job(id: string): JobRun {
  const hosts = Array.from({ length: 1_000 }, (_, i) => long(i))
  const more = { state: 'waiting', attempts: 0, progress: nothingDone, zone: long(1), label: long(2) } as const
  const rows = hosts.map((host, n) => ({ n, kept: { ...more, host, named: host } satisfies KeptRow }))
  return { job: { id, kind: 'query', target: 'a:1', scope: { hosts } }, state: 'waiting', rows } as unknown as JobRun
}

/** What a route answers, as text. */
async function answer(path: string, runs: readonly JobRun[], last?: string): Promise<string> {
  const jobs: Partial<Jobs> = { all: () => runs, get: () => runs[0]! }
  const route = jobRoutes({
    jobs: jobs as Jobs,
    targets: { content: () => Promise.reject(new Error('nobody asks')) },
  }).find((each) => each.path === path && each.methods.includes('GET'))
  let body = ''
  const req = { headers: {}, complete: true } as unknown as IncomingMessage
  const res = { req, writeHead: () => res, setHeader: () => res, end: (bytes: Buffer) => (body = bytes.toString()) }
  const query = new URLSearchParams({ n: '1000', ...(last !== undefined && { last }) })
  const exchange = { method: 'GET', query, params: { id: 'x' }, req }
  await route!.handle({ ...exchange, res: res as unknown as ServerResponse } as unknown as Exchange)
  return body
}

test('a list of jobs with thousands of named hosts is small: it counts them', async () => {
  const text = await answer('/jobs', [job('b'), job('a')])
  expect(JSON.parse(text).jobs).toMatchObject([{ scope: { named: 1_000 } }, { scope: { named: 1_000 } }])
  expect(text.length).toBeLessThan(2_000)
  expect(jobLine(job('a')).scope).toEqual({ named: 1_000 })
})

test('a page of hosts ends before it is larger than clients read, and the next one goes on there', async () => {
  const hosts: string[] = []
  let next: string | undefined
  let pages = 0
  do {
    const text = await answer('/jobs/:id/hosts', [job('a')], next)
    expect(Buffer.byteLength(text)).toBeLessThan(LIMIT)
    const page = JSON.parse(text) as { hosts: readonly KeptRow[]; next?: string }
    hosts.push(...page.hosts.map(({ host }) => host))
    next = page.next
    pages += 1
  } while (next !== undefined)
  expect(hosts).toEqual(Array.from({ length: 1_000 }, (_, i) => long(i)))
  expect(pages).toBeGreaterThan(1)
})
