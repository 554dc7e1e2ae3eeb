import { afterEach, describe, expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type OtlpCollector, otlpCollector } from '../../kit/otlp-collector.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]()
})

/** A proxy that traces every request, alone: what it is asked for, nobody answers. */
async function proxyWith(collector: OtlpCollector, more: readonly string[] = []): Promise<Topology> {
  open.push(collector)
  const shoal = await startTopology({
    ...{ agents: 0, origins: 1, trackers: 1, processes: [] },
    later: ['origin-1', 'tracker-1', 'build-index-1', 'build-index-2'],
    overrides: [`proxy.tracing.endpoint=${collector.endpoint}`, 'proxy.tracing.ratio=1', ...more],
  })
  open.push(shoal)
  return shoal
}

const ask = async (shoal: Topology, times: number) => {
  const client = registryClient(shoal.url('proxy-1', 'registry'))
  const statuses = []
  for (let i = 0; i < times; i += 1) statuses.push((await client.send('GET', '/v2/team/app/tags/list')).status)
  return statuses
}

const spans = (shoal: Topology, outcome: string) =>
  shoal.counter('proxy-1', 'shoal_trace_spans_total', `outcome="${outcome}"`)

describe('a collector', () => {
  test('that has no time gets the same spans again, when it says', async () => {
    const answers = [
      { status: 429, headers: { 'retry-after': '1' } },
      { status: 503, headers: {} },
    ]
    const collector = await otlpCollector((res) => {
      const answer = answers.shift()
      if (answer !== undefined) res.writeHead(answer.status, answer.headers).end()
      return answer !== undefined
    })
    const shoal = await proxyWith(collector)
    await ask(shoal, 1)
    const came = await collector.until((all) => all.some(({ name }) => name === 'GET /v2/*rest'))
    expect(collector.requests.length).toBeGreaterThanOrEqual(3)
    expect(new Set(came.map(({ spanId }) => spanId)).size).toBe(came.length)
    expect(await spans(shoal, 'lost')).toBe(0)
  })

  test('that answers 400 is not asked again, and the spans are counted', async () => {
    const refused = deferred()
    const collector = await otlpCollector((res) => {
      res.writeHead(400).end('{}')
      refused.resolve()
      return true
    })
    const shoal = await proxyWith(collector)
    await ask(shoal, 1)
    await refused.promise
    await eventually(async () => expect(await spans(shoal, 'refused')).toBeGreaterThan(0))
    await shoal.stop('proxy-1')
    expect(collector.requests).toHaveLength(1)
  })

  test('that never answers holds up neither requests nor the stop', async () => {
    const asked = deferred()
    const collector = await otlpCollector(() => {
      asked.resolve()
      return true
    })
    const shoal = await proxyWith(collector, ['proxy.drain=500ms'])
    const before = await ask(shoal, 1)
    await asked.promise
    expect(await ask(shoal, 20)).toEqual(Array.from({ length: 20 }, () => before[0]))
    await shoal.stop('proxy-1')
  })

  test('that is away costs nothing but its spans', async () => {
    const collector = await otlpCollector()
    await collector.kill()
    const shoal = await proxyWith(collector)
    expect((await ask(shoal, 5)).every((status) => status >= 500)).toBe(true)
    await shoal.stop('proxy-1')
    expect(collector.spans).toEqual([])
  })
})

test('a stop sends the last spans, and keys go to the collector alone', async () => {
  const collector = await otlpCollector()
  const shoal = await proxyWith(collector, ['proxy.tracing.headers.authorization=Bearer a-key-of-the-collector'])
  await ask(shoal, 3)
  await shoal.stop('proxy-1')
  expect(collector.spans.filter(({ name }) => name === 'GET /v2/*rest')).toHaveLength(3)
  const [first] = collector.requests
  expect(first?.headers.authorization).toBe('Bearer a-key-of-the-collector')
  expect(first?.body.toString()).not.toContain('a-key-of-the-collector')
})
