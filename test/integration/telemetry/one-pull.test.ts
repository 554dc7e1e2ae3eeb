import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { errorXml } from '../../kit/http-faults.ts'
import { type CollectedSpan, type OtlpCollector, otlpCollector } from '../../kit/otlp-collector.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { s3Config } from '../../kit/s3-object.ts'
import { type S3Server, startS3Server } from '../../kit/s3-server/index.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const SERVER = 2
const CLIENT = 3
const SIZE = 3_000_000
const traced = ['agent-1', 'tracker-1', 'origin-1', 'build-index-1', 'build-index-2']

let collector: OtlpCollector
let store: S3Server
let shoal: Topology
let blob: PushedBlob

beforeAll(async () => {
  collector = await otlpCollector()
  store = await startS3Server()
  const s3 = s3Config(store)
  const everywhere = ['agent', 'tracker', 'origin', 'buildIndex', 'proxy'].flatMap((kind) => [
    `${kind}.tracing.endpoint=${collector.endpoint}`,
    `${kind}.tracing.ratio=1`,
    `${kind}.log=debug`,
  ])
  shoal = await startTopology({
    ...{ agents: 2, origins: 1, trackers: 1, processes: traced, overrides: everywhere },
    backends: { blobs: s3, index: s3 },
  })
  blob = await pushBlobOf(shoal, 'team/app', SIZE, { 'x-request-id': 'the-push' })
  await shoal.stop('origin-1')
  await rm(join(shoal.data, 'origin-1'), { recursive: true })
  await shoal.start('origin-1')
  store.faults.next({ method: 'GET', path: /\/blobs\/sha256\// }, errorXml(503, 'SlowDown'))
  for (const [agent, id] of [
    ['agent-1', 'cold-pull'],
    ['agent-2', 'warm-pull'],
  ] as const) {
    const client = registryClient(shoal.url(agent, 'registry'), { headers: { 'x-request-id': id } })
    const answer = await client.send('GET', blob.path)
    if (answer.status !== 200 || answer.body.length !== SIZE) throw new Error(`${id} answered ${answer.status}`)
  }
})
afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await collector[Symbol.asyncDispose]()
})

/** The spans of the trace of the request with this method and id, once its first span has come, and what is `enough`. */
async function traceOf(method: string, id: string, enough: (spans: readonly CollectedSpan[]) => boolean) {
  const firstOf = (spans: readonly CollectedSpan[]) =>
    spans.find(
      ({ parentSpanId, attributes }) =>
        parentSpanId === '' && attributes['shoal.request_id'] === id && attributes['http.request.method'] === method,
    )
  const ofIt = (spans: readonly CollectedSpan[]) => spans.filter(({ traceId }) => traceId === firstOf(spans)?.traceId)
  return ofIt(await collector.until((all) => firstOf(all) !== undefined && enough(ofIt(all))))
}

/** What a span is below of, from itself to the first one: its service, and its name. */
function wayUp(spans: readonly CollectedSpan[], from: CollectedSpan): readonly string[] {
  const above = spans.find(({ spanId }) => spanId === from.parentSpanId)
  const own = `${from.service}: ${from.name}`
  if (above === undefined) return [own]
  return [own, ...wayUp(spans, above)]
}

/** Services export by themselves: all parents are there, and those that come last. */
const isWhole = (spans: readonly CollectedSpan[]) => {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId))
  const services = ['shoal-agent', 'shoal-build-index', 'shoal-tracker', 'shoal-origin']
  return orphans.length === 0 && services.every((name) => spans.some(({ service }) => service === name))
}

const has = (service: string, name: string) => (spans: readonly CollectedSpan[]) =>
  spans.some((span) => span.service === service && span.name === name)

test('a pull of a cold blob is one trace through all services, down to each request to the store', async () => {
  const spans = await traceOf('GET', 'cold-pull', isWhole)
  const requests = spans.filter((span) => span.service === 'shoal-origin' && span.name === 'backend request')
  const reads = requests.filter(({ attributes }) => attributes['shoal.backend.operation'] === 'read')
  expect(reads.map(({ attributes, failed }) => [attributes['http.request.resend_count'], failed])).toEqual([
    [0, true],
    [1, false],
  ])
  expect(reads[0]?.attributes).toMatchObject({ 'error.type': 'BACKEND_THROTTLED', 'http.response.status_code': 503 })
  expect(wayUp(spans, reads[1]!)).toEqual([
    'shoal-origin: backend request',
    'shoal-origin: backend read',
    'shoal-origin: GET /namespace/:namespace/blobs/:digest/metainfo',
    'shoal-tracker: GET',
    'shoal-tracker: POST /namespace/:namespace/blobs/:digest/metainfo',
    'shoal-agent: POST',
    'shoal-agent: pull',
    'shoal-agent: GET /v2/*rest',
  ])
  const read = spans.find((span) => span.name === 'backend read' && span.service === 'shoal-origin')
  expect(read?.attributes).toMatchObject({ 'shoal.bytes': SIZE })
  const link = spans.find(({ service, kind }) => service === 'shoal-build-index' && kind === SERVER)!
  expect(wayUp(spans, link)).toEqual([
    'shoal-build-index: GET /repositories/:repository/blobs/:digest',
    'shoal-agent: GET',
    'shoal-agent: pull',
    'shoal-agent: GET /v2/*rest',
  ])
})

test('the span of a pull says what it waited for, and who gave how much', async () => {
  const isWait = ({ name }: CollectedSpan) => name.startsWith('wait: ')
  const all = await traceOf('GET', 'warm-pull', has('shoal-agent', 'pull'))
  const pull = all.find(({ name }) => name === 'pull')!
  const { attributes } = pull
  expect(attributes).toMatchObject({
    'shoal.pull.outcome': 'done',
    'shoal.pull.size': SIZE,
    'shoal.repository': 'team/app',
  })
  const bytes = ['peer', 'origin', 'http', 'cache'].map((from) => Number(attributes[`shoal.pull.bytes.${from}`]))
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBe(SIZE)
  const peers = pull.events.filter(({ name }) => name === 'peer')
  expect(peers.length).toBeGreaterThan(0)
  expect(pull.events.map(({ name }) => name)).toContain('first byte')
  const waits = all.filter(isWait)
  expect(waits.every((wait) => wait.parentSpanId === pull.spanId && wait.startMs >= pull.startMs)).toBe(true)
})

test('the logs of all services name the trace of the pull', async () => {
  const [first] = await traceOf('GET', 'cold-pull', isWhole)
  for (const id of ['agent-1', 'tracker-1', 'origin-1']) {
    await eventually(() => expect(shoal.logs(id)).toContain(`"traceId":"${first!.traceId}"`))
  }
  const indexes = () => shoal.logs('build-index-1') + shoal.logs('build-index-2')
  await eventually(() => expect(indexes()).toContain(`"traceId":"${first!.traceId}"`))
  const ended = shoal
    .logs('agent-1')
    .split('\n')
    .find((line) => line.includes('"pull ended"'))
  expect(JSON.parse(ended ?? '{}')).toMatchObject({ traceId: first!.traceId })
})

test('the time of the pull in the metrics names its trace, for who asks in OpenMetrics', async () => {
  const [first] = await traceOf('GET', 'cold-pull', isWhole)
  const metrics = async (accept: string) =>
    (await fetch(`${shoal.url('agent-1', 'ops')}/metrics`, { headers: { accept } })).text()
  const told = (await metrics('application/openmetrics-text;version=1.0.0')).split('\n')
  const exemplar = told.find((line) => line.includes(`trace_id="${first!.traceId}"`))
  expect(exemplar).toMatch(/^shoal_http_request_seconds_bucket\{.*listener="registry".*route="\/v2\/\*rest"/)
  expect(await metrics('text/plain')).not.toContain('trace_id')
})

test('a push is one trace for each request, through the origins to the store', async () => {
  const written = (spans: readonly CollectedSpan[]) =>
    ['build-index', 'origin'].every((name) => has(`shoal-${name}`, 'backend write')(spans))
  const spans = await traceOf('PUT', 'the-push', written)
  expect(spans.find(({ parentSpanId }) => parentSpanId === '')?.attributes['url.path']).toBe(
    '/v2/team/app/blobs/uploads/:id',
  )
  const stored = spans.find((span) => span.service === 'shoal-origin' && span.name === 'backend write')!
  expect(wayUp(spans, stored)).toEqual([
    'shoal-origin: backend write',
    'shoal-origin: PUT /namespace/:namespace/uploads/:id',
    'shoal-proxy: PUT',
    'shoal-proxy: PUT /v2/*rest',
  ])
  expect(spans.filter(({ kind, service }) => kind === CLIENT && service === 'shoal-proxy').length).toBeGreaterThan(1)
})
