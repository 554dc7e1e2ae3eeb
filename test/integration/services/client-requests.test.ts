import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { type RegistryAnswer, registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

let shoal: Topology

beforeAll(async () => {
  const overrides = ['agent.registry.clientRequests=0.2', 'proxy.registry.clientRequests=0.2']
  shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [], overrides })
})
afterAll(async () => shoal[Symbol.asyncDispose]())

/** Asks until the client has used up what it may save up: four requests. */
async function refusedAt(id: string, path: string, from: string): Promise<RegistryAnswer> {
  const client = registryClient(shoal.url(id, 'registry'), { from })
  return eventually(async () => {
    const answer = await client.send('GET', path)
    expect([429, 503]).toContain(answer.status)
    return answer
  })
}

test('a proxy says 429 with the time to wait, to that client alone, and never to a ping', async () => {
  const refused = await refusedAt('proxy-1', '/v2/team/app/tags/list', '127.0.0.2')
  expect([refused.status, refused.errorCode()]).toEqual([429, 'TOOMANYREQUESTS'])
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  const url = shoal.url('proxy-1', 'registry')
  for (const path of ['/v2/', '/v2']) {
    expect((await registryClient(url, { from: '127.0.0.2' }).send('GET', path)).status).toBe(200)
  }
  expect((await registryClient(url, { from: '127.0.0.3' }).send('GET', '/v2/team/app/tags/list')).status).toBe(404)
})

test.each(['/v2/team/app/tags/list', `/namespace/team%2Fapp/blobs/sha256:${'0'.repeat(64)}`])(
  'an agent says 503, so that its client goes to the next host',
  async (path) => {
    const refused = await refusedAt('agent-1', path, '127.0.0.2')
    expect([refused.status, refused.errorCode()]).toEqual([503, 'UNAVAILABLE'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    const ping = registryClient(shoal.url('agent-1', 'registry'), { from: '127.0.0.2' })
    expect((await ping.send('GET', '/v2/')).status).toBe(200)
  },
)
