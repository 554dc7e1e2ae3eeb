import { createServer } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { listening } from '../../kit/listening.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MB = 1_000_000
const one = { agents: 1, origins: 1, trackers: 1 }

const pulls = {
  blocks: [
    { name: 'no-secrets', repositories: ['secret/*'] },
    { name: 'no-crawler', applications: ['crawler'] },
    { name: 'no-models', urls: ['^http://127\\.0\\.0\\.1:\\d+/models/'] },
  ],
}

/** What the agent answers, from its registry listener. */
async function answer(shoal: Topology, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(shoal.url('agent-1', 'registry') + path, { headers })
  const body = await response.arrayBuffer()
  return { status: response.status, body: response.ok ? body.byteLength : JSON.parse(Buffer.from(body).toString()) }
}

const refused = (rule: string) => ({
  status: 403,
  body: { errors: [expect.objectContaining({ code: 'DENIED', detail: { rule, code: 'PULL_BLOCKED' } })] },
})

test('of two pulls that share the upload rate of an origin, the one of the higher class has most of it', async () => {
  const overrides = ['origin.limits.upload=8MB/s']
  const processes = ['origin-1', 'agent-1', 'agent-2']
  await using shoal = await startTopology({ ...one, agents: 2, processes, overrides })
  const [slow, fast] = [await pushBlobOf(shoal, 'nightly/job', 60 * MB), await pushBlobOf(shoal, 'team/app', 16 * MB)]
  const received = (id: string) => shoal.counter(id, 'shoal_received_bytes_total', 'from="origin"')
  const headers = { 'x-dragonfly-priority': '3', 'x-dragonfly-application': 'nightly' }
  const leaving = new AbortController()
  const began = fetch(shoal.url('agent-1', 'registry') + slow.path, { headers, signal: leaving.signal })
  const low = began.then((response) => response.arrayBuffer()).catch(() => undefined)
  await eventually(async () => expect(await received('agent-1')).toBeGreaterThan(2 * MB))
  const pulling = fetch(shoal.url('agent-2', 'registry') + fast.path).then((response) => response.arrayBuffer())
  await eventually(async () => expect(await received('agent-2')).toBeGreaterThan(MB))
  const [before, head] = [await received('agent-1'), await received('agent-2')]
  expect((await pulling).byteLength).toBe(16 * MB)
  const meanwhile = (await received('agent-1')) - before
  // Its weight is a fourth of the other one's.
  expect(meanwhile).toBeLessThan((16 * MB - head) / 2)
  expect(meanwhile).toBeGreaterThan(0)
  const told = (await (await fetch(`${shoal.url('agent-1', 'admin')}/pulls`)).json()) as { pulls: readonly unknown[] }
  expect(told.pulls).toEqual([expect.objectContaining({ class: 'low', application: 'nightly', outcome: 'running' })])
  leaving.abort()
  await low
})

describe('an agent with rules that refuse', () => {
  test('says so on each way in, and asks nothing of the cluster or of a web server', async () => {
    let asked = 0
    const server = createServer((_, res) => {
      asked += 1
      res.end('weights')
    })
    await using web = await listening(server)
    const more = (kind: string) => (kind === 'agent' ? { pulls } : {})
    await using shoal = await startTopology({ ...one, optional: true, processes: [], more })
    const { digest, path } = await pushBlobOf(shoal, 'secret/app', MB)
    const open = await pushBlobOf(shoal, 'team/app', MB)
    expect(await answer(shoal, path)).toEqual(refused('no-secrets'))
    expect(await answer(shoal, '/v2/secret/app/manifests/1')).toEqual(refused('no-secrets'))
    expect(await answer(shoal, `/namespace/secret%2Fapp/blobs/${digest}`)).toEqual(refused('no-secrets'))
    expect(await answer(shoal, open.path, { 'x-dragonfly-application': 'crawler' })).toEqual(refused('no-crawler'))
    const url = encodeURIComponent(`http://127.0.0.1:${web.port}/models/a`)
    expect((await answer(shoal, `/urls?url=${url}`)).status).toBe(403)
    const preload = await fetch(`${shoal.url('agent-1', 'kraken')}/preload/tags/secret%2Fapp:1`)
    expect([preload.status, await preload.text()]).toEqual([
      403,
      expect.stringContaining('PULL_BLOCKED: the rule no-secrets'),
    ])
    expect(await answer(shoal, open.path)).toEqual({ status: 200, body: MB })
    expect(asked).toBe(0)
    expect(await shoal.counter('agent-1', 'shoal_pulls_blocked_total')).toBe(5)
  })
})

describe('an origin that withholds a repository', () => {
  test('gives nothing of it to agents, who say so to their clients', async () => {
    const withhold = [{ name: 'licensed', repositories: ['vendor/*'] }]
    const more = (kind: string) => (kind === 'origin' ? { withhold } : {})
    await using shoal = await startTopology({ ...one, processes: [], more })
    const { path } = await pushBlobOf(shoal, 'vendor/tool', 2 * MB)
    const open = await pushBlobOf(shoal, 'team/app', MB)
    expect(await answer(shoal, path)).toEqual(refused('licensed'))
    expect(await answer(shoal, open.path)).toEqual({ status: 200, body: MB })
  })
})
