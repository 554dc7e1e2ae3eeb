import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { digestHex, digestOf } from '../../../lib/core/index.ts'
import { exitCodes } from '../../../services/cli/exit-codes.ts'
import { run } from '../../../services/cli/run.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { type FileServer, fileServer } from '../../kit/file-server.ts'
import { answer } from '../../kit/http-faults.ts'
import { type ObjectServer, objectServer } from '../../kit/object-server.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

/** Two agents in front of web servers at these URLs. */
function cluster(...urls: readonly string[]) {
  const ports = urls.map((url) => Number(new URL(url).port))
  const host = { host: '127.0.0.1', ports, inner: true }
  return startTopology({
    ...{ agents: 2, origins: 2, trackers: 1, processes: [] },
    overrides: [
      `origin.urls.rules=${JSON.stringify([{ ...host, path: '^/models/', limits: { attempts: 1 } }])}`,
      // Each request asks the web server whether it still has the same.
      'origin.urls.freshFor=0s',
      `agent.registry.forward.hosts=${JSON.stringify([host])}`,
      `agent.registry.forward.rules=${JSON.stringify([{ host: '127.0.0.1', path: '^/models/', as: 'blob' }])}`,
      'agent.registry.upstreamWait=60s',
    ],
  })
}

/** A GET through an agent as the proxy. */
function get(topology: Topology, agent: string, url: string, headers: Record<string, string> = {}) {
  const { hostname, port } = new URL(topology.url(agent, 'registry'))
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    const sent = request({ hostname, port, path: url, headers: { host: new URL(url).host, ...headers } }, (got) => {
      buffer(got).then((body) => resolve({ status: got.statusCode ?? 0, headers: got.headers, body }), reject)
    })
    sent.on('error', reject).end()
  })
}

const asks = (topology: Topology, outcome: string) =>
  Promise.all(
    ['origin-1', 'origin-2'].map((id) => topology.counter(id, 'shoal_url_asks_total', `outcome="${outcome}"`)),
  ).then((counts) => counts.reduce((sum, count) => sum + count, 0))

const OUTCOMES = ['fresh', 'same', 'new', 'changed', 'coming', 'outage', 'refused', 'failed']

const allAsks = async (topology: Topology) =>
  (await Promise.all(OUTCOMES.map((outcome) => asks(topology, outcome)))).reduce((sum, count) => sum + count, 0)

/** To who comes first they go as they come, to all others by the digest. */
async function onceFromTheWeb(topology: Topology, web: ObjectServer, bytes: Buffer) {
  web.openTo(1_000_000)
  web.cutAt(2_000_000)
  const url = `${web.url}/models/a`

  // Two agents at the same moment, and one part: none of them waits for the rest.
  const first = get(topology, 'agent-1', url)
  const second = get(topology, 'agent-2', url)
  const part = await get(topology, 'agent-1', url, { range: 'bytes=100-299' })
  expect([part.status, part.headers['content-range'], part.headers['etag']]).toEqual([
    206,
    'bytes 100-299/3000000',
    '"one"',
  ])
  expect(part.body.equals(bytes.subarray(100, 300))).toBe(true)
  web.openTo(Number.POSITIVE_INFINITY)
  for (const { status, body } of await Promise.all([first, second])) {
    expect([status, body.equals(bytes)]).toEqual([200, true])
  }
  expect(web.counts.total).toBeLessThan(bytes.length + 512 * 1024)

  // From now on it is a blob with a digest, which the swarm brings.
  const told = `sha-256=:${Buffer.from(digestHex(digestOf(bytes)), 'hex').toString('base64')}:`
  for (const agent of ['agent-1', 'agent-2']) {
    const known = await eventually(async () => {
      const found = await get(topology, agent, url, { range: 'bytes=-5', 'if-range': '"one"' })
      expect(found.headers['repr-digest']).toBe(told)
      return found
    })
    expect([known.status, known.body.equals(bytes.subarray(-5))]).toEqual([206, true])
    expect((await get(topology, agent, url)).body.equals(bytes)).toBe(true)
  }
}

/** Changed content is another blob; what is for one client, or under no rule, goes to the web server itself. */
async function changes(topology: Topology, web: FileServer) {
  const [old, other] = [cipherBytes('old', 200_000), cipherBytes('other', 200_000)]
  web.files.set('models/b', old)
  web.files.set('else', old)
  const url = `${web.url}/models/b`
  const before = await get(topology, 'agent-1', url)
  expect(before.body.equals(old)).toBe(true)
  await eventually(async () => {
    await get(topology, 'agent-2', url)
    expect(await asks(topology, 'same')).toBeGreaterThan(0)
  })

  web.files.set('models/b', other)
  const tag = { range: 'bytes=50-', 'if-range': String(before.headers['etag']) }
  for (const agent of ['agent-1', 'agent-2']) {
    const after = await get(topology, agent, url, tag)
    expect([after.status, after.body.equals(other)]).toEqual([200, true])
  }

  // Each of these is passed on: no origin is asked.
  const heard = await allAsks(topology)
  expect((await get(topology, 'agent-1', `${web.url}/else`)).body.equals(old)).toBe(true)
  expect((await get(topology, 'agent-1', url, { authorization: 'Bearer x' })).body.equals(other)).toBe(true)
  expect((await get(topology, 'agent-1', url, { cookie: 'a=b' })).body.equals(other)).toBe(true)
  expect((await get(topology, 'agent-1', url, { 'cache-control': 'no-cache' })).body.equals(other)).toBe(true)
  expect(await allAsks(topology)).toBe(heard)
  // What an origin refuses comes from the web server itself, too.
  expect((await get(topology, 'agent-1', `${web.url}/models/none`)).status).toBe(404)
  expect(await allAsks(topology)).toBe(heard + 1)

  const host = recordingHost()
  const agent = topology.url('agent-2', 'registry')
  expect(await run(['get', url, '--agent', agent, '--digest', digestOf(other)], host)).toBe(exitCodes.done)
  expect(host.bytes.equals(other)).toBe(true)

  await eventually(async () => {
    expect((await get(topology, 'agent-1', url)).headers['repr-digest']).toBeDefined()
  })

  // While the web server is out of order, what it said before counts.
  web.faults.next({ times: Number.POSITIVE_INFINITY }, answer(503))
  expect((await get(topology, 'agent-1', url)).body.equals(other)).toBe(true)
  expect(await asks(topology, 'outage')).toBe(1)
  const byName = await fetch(`${topology.url('agent-1', 'registry')}/urls?url=${encodeURIComponent(`${web.url}/else`)}`)
  expect([byName.status, JSON.stringify(await byName.json())]).toEqual([403, expect.stringContaining('URL_NOT_NAMED')])
}

test('what lies under a URL leaves the web server once, and changes for all at once; what is for one client is passed on', async () => {
  const bytes = cipherBytes('a model', 3_000_000)
  await using gated = await objectServer(bytes)
  await using files = await fileServer()
  await using topology = await cluster(gated.url, files.url)
  await changes(topology, files)
  const before = await asks(topology, 'new')
  await onceFromTheWeb(topology, gated, bytes)
  expect((await asks(topology, 'new')) - before).toBe(1)
})
