import { expect, test } from '@jest/globals'
import { openUpstreams, type Upstreams, type UpstreamTalk, upstreamRulesSchema } from '../../../lib/backend/index.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { parseRegistryHost, parseRepositoryName, parseTag } from '../../../lib/core/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'
import { scriptedServer } from '../../kit/scripted-server.ts'

const name = parseRepositoryName('team/app')
const other = parseRepositoryName('team/other')

/** The upstreams of one process, which asks and tells by `talk`. */
async function processOf(stack: ResourceStack, talk?: UpstreamTalk): Promise<Upstreams> {
  const parts = { clock: systemClock(), random: seededRandom(2), logger: silentLogger(), metrics: silentMetrics() }
  const rule = { registry: '127.0.0.1:*', plainHttp: true, inner: true, wait: '2s' }
  const upstreams = openUpstreams({ ...parts, talk }, upstreamRulesSchema.parse([rule]))
  await upstreams.start()
  stack.own({ [Symbol.asyncDispose]: () => upstreams.stop() })
  return upstreams
}

test('who is asked to slow down tells the cluster, and nobody else asks the upstream before its time', async () => {
  await using stack = resourceStack()
  const server = stack.own(
    await scriptedServer((_request, res) => void res.writeHead(429, { 'retry-after': '120' }).end()),
  )
  const registry = parseRegistryHost(new URL(server.url).host)
  const owner = await processOf(stack)
  const talk: UpstreamTalk = {
    ask: async (_registry, repository) => owner.news({ registry, name: repository }),
    tell: async (_registry, repository, told) => owner.hear({ registry, name: repository }, told),
  }
  const [first, second] = [await processOf(stack, talk), await processOf(stack, talk)]
  const describe = (upstreams: Upstreams, repository = name) =>
    upstreams.at(registry)!.repository(repository).manifests.describe(parseTag('v1'))
  await expect(describe(first)).rejects.toMatchObject({ code: 'BACKEND_THROTTLED' })
  const asked = server.requests.length
  expect(asked).toBeGreaterThan(0)
  await eventually(() => expect(owner.news({ registry, name }).pausedForMs).toBeGreaterThan(60_000))
  await expect(describe(second, other)).rejects.toMatchObject({ code: 'BACKEND_THROTTLED' })
  await expect(describe(owner, other)).rejects.toMatchObject({ code: 'BACKEND_THROTTLED' })
  expect(server.requests).toHaveLength(asked)
})
