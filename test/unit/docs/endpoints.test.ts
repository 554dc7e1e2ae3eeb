import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import { krakenProbes } from '../../../lib/kraken/index.ts'
import { memoryRegistryStorage, type RegistryStorage, registryRoutes } from '../../../lib/registry/index.ts'
import { opsRoutes } from '../../../lib/service/index.ts'
import { blobTraffic, silentMetrics } from '../../../lib/telemetry/index.ts'
import { urlRoute } from '../../../services/agent/forward/index.ts'
import { type AgentKrakenComponents, agentKrakenRoutes } from '../../../services/agent/kraken/routes.ts'
import { type AgentAdminComponents, adminRoutes, blobRoute } from '../../../services/agent/server.ts'
import { buildIndexAdminRoutes } from '../../../services/build-index/admin.ts'
import { krakenListRoutes } from '../../../services/build-index/kraken/list-routes.ts'
import { krakenTagRoutes } from '../../../services/build-index/kraken/tag-routes.ts'
import { farEndRoutes } from '../../../services/build-index/replication/far-end.ts'
import { buildIndexServerRoutes } from '../../../services/build-index/server.ts'
import { controllerAdminRoutes } from '../../../services/controller/server.ts'
import { adapterRoutes } from '../../../services/manager/adapters/open-adapters.ts'
import { joiningRoutes } from '../../../services/manager/clusters/joining-routes.ts'
import { clusterWingRoutes } from '../../../services/manager/clusters/wing-routes.ts'
import { consoleRoutes } from '../../../services/manager/console-files.ts'
import { jobRoutes } from '../../../services/manager/jobs/job-routes.ts'
import { scheduleRoutes } from '../../../services/manager/jobs/schedules/schedule-routes.ts'
import { oidcRoutes } from '../../../services/manager/people/index.ts'
import { registryUserRoutes } from '../../../services/manager/registry/user-routes.ts'
import { relationRoutes } from '../../../services/manager/relations/relation-routes.ts'
import { managerRoutes } from '../../../services/manager/server.ts'
import { settingsWingRoutes } from '../../../services/manager/settings/routes.ts'
import { viewRoutes } from '../../../services/manager/views/view-routes.ts'
import { type OriginAdminComponents, originAdminRoutes } from '../../../services/origin/admin.ts'
import { originServerRoutes } from '../../../services/origin/server.ts'
import { tokenRoutes } from '../../../services/proxy/access/token-routes.ts'
import { proxyAdminRoutes } from '../../../services/proxy/admin.ts'
import { proxySchema } from '../../../services/proxy/config.ts'
import { type ProxyKrakenComponents, proxyKrakenRoutes } from '../../../services/proxy/kraken/routes.ts'
import { proxyServerRoutes } from '../../../services/proxy/server.ts'
import { type TrackerAdminComponents, trackerAdminRoutes } from '../../../services/tracker/admin/admin.ts'
import { trackerServerRoutes } from '../../../services/tracker/server.ts'
import { docTable } from '../../kit/doc-table.ts'
import { httpPair } from '../../kit/http-pair.ts'

/** Stands for components that no route uses before it is called. */
const untouched = {} as never
const parts = {} as OriginAdminComponents & AgentAdminComponents & TrackerAdminComponents
const krakenParts = {} as AgentKrakenComponents & ProxyKrakenComponents
const probes = krakenProbes('service')(() => ({}))

const readOnly = (): RegistryStorage => {
  const { blobs, manifests, tags, referrers } = memoryRegistryStorage()
  return { blobs, manifests, tags, referrers }
}

const proxyRoutes = () =>
  proxyServerRoutes(memoryRegistryStorage(), {
    registry: proxySchema.parse({}).registry,
    uploadSecret: 'a secret for the test',
    traffic: blobTraffic(silentMetrics()),
    looks: untouched,
    access: { logIn: { challenge: () => 'Bearer' }, routes: tokenRoutes(untouched) },
    rate: { count: () => undefined },
  })

/** The routes of each listener, by its heading in the document. */
const listeners: Readonly<Record<string, readonly Route[]>> = {
  'Every service: ops listener': opsRoutes({ metrics: silentMetrics(), checks: {} }),
  'origin: main listener': originServerRoutes(untouched, { memberId: 'origin-1' }),
  'origin: admin listener': originAdminRoutes({ ...parts, rings: {} }),
  'tracker: main listener': trackerServerRoutes(untouched),
  'tracker: admin listener': trackerAdminRoutes({ ...parts, rings: {} }),
  'build-index: admin listener': buildIndexAdminRoutes({
    ...{
      clock: systemClock(),
      cluster: 'local',
      index: untouched,
      changed: untouched,
      remotes: new Map(),
      hooks: new Map(),
      given: undefined,
      replication: { desk: undefined },
      steering: untouched,
      rings: {},
      garbage: undefined,
      upstreams: { standings: () => [], elsewhere: async () => [] },
      retention: undefined,
    },
  }),
  'proxy: admin listener': proxyAdminRoutes({ rings: {} }),
  'controller: admin listener': controllerAdminRoutes(untouched),
  'manager: main listener': [
    ...jobRoutes(untouched),
    ...scheduleRoutes(untouched),
    ...adapterRoutes(untouched, untouched),
    ...managerRoutes({ audit: untouched, people: untouched }),
    ...oidcRoutes(untouched),
    ...clusterWingRoutes(untouched),
    ...joiningRoutes(untouched, untouched),
    ...viewRoutes(untouched),
    ...settingsWingRoutes(untouched, untouched),
    ...registryUserRoutes(untouched),
    ...relationRoutes(untouched),
    ...consoleRoutes({ folder: '' }),
  ],
  'build-index: main listener': [...buildIndexServerRoutes(untouched, untouched), ...farEndRoutes(untouched)],
  'proxy: registry listener': proxyRoutes(),
  'agent: registry listener': [
    ...registryRoutes(readOnly(), { ownNames: [] }),
    ...[blobRoute(untouched), urlRoute(untouched, [])],
  ],
  'agent: kraken listener': [...agentKrakenRoutes(krakenParts), blobRoute(untouched), ...probes],
  'build-index: kraken listener': [...krakenTagRoutes(untouched), ...krakenListRoutes(untouched), ...probes],
  'proxy: kraken listener': [...proxyKrakenRoutes(krakenParts), ...probes],
  'agent: admin listener': adminRoutes({ ...parts, rings: {} }),
}

const rows = docTable('docs/endpoints.md', ['method', 'path', 'right', 'what'])
const withoutQuery = (path: string) => path.replace(/\?.*$/, '')

describe('docs/endpoints.md', () => {
  test.each(Object.keys(listeners))('%s: its rows are its routes, with their rights', (heading) => {
    const documented = rows
      .filter((row) => row.heading === heading)
      .flatMap(({ method, path, right }) => method.split(' ').map((each) => `${each} ${withoutQuery(path)} ${right}`))
    const served = listeners[heading]!.flatMap(({ methods, path, right, orRight }) =>
      methods.map((m) => `${m} ${path} ${[right, ...(orRight === undefined ? [] : [orRight])].join(' or ')}`),
    )
    expect(documented.toSorted()).toEqual(served.toSorted())
  })

  test('every table belongs to a listener', () => {
    expect([...new Set(rows.map(({ heading }) => heading))].toSorted()).toEqual(Object.keys(listeners).toSorted())
  })
})

const ociRows = docTable('docs/endpoints.md', ['method', 'OCI path', 'right', 'what'])
const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const examples: Readonly<Record<string, string>> = {
  '<name>': 'team/app',
  '<digest>': digestOf(Buffer.from('some content')),
  '<reference>': '1.0',
  '<session>': 'some-session',
}
const exampleOf = (path: string) => withoutQuery(path).replace(/<\w+>/g, (name) => examples[name] ?? name)

/** Sends every method to every documented path; returns those that were not refused with one of these statuses. */
async function allowed(routes: readonly Route[], right: 'read' | 'write', refusals: readonly number[]) {
  const rights = right === 'read' ? (['read'] as const) : (['read', 'write'] as const)
  await using pair = await httpPair(routes, {
    server: { envelope: 'registry' },
    authenticate: () => ({ name: 'anonymous', rights }),
  })
  const found: string[] = []
  for (const path of new Set(ociRows.map((row) => row['OCI path']))) {
    for (const method of everyMethod) {
      const answer = await pair.client.request({ method, url: pair.url(exampleOf(path)) })
      await answer.discard()
      if (!refusals.includes(answer.status)) found.push(`${method} ${path}`)
    }
  }
  return found.toSorted()
}

describe('OCI rows of docs/endpoints.md', () => {
  const requests = (rows: typeof ociRows) =>
    rows.flatMap((row) => row.method.split(' ').map((method) => `${method} ${row['OCI path']}`)).toSorted()

  test('are what the proxy does not refuse as unsupported', async () => {
    expect(await allowed(proxyRoutes(), 'write', [405])).toEqual(requests(ociRows))
  })

  test('name the right that the proxy asks for', async () => {
    const reads = ociRows.filter(({ right }) => right === 'read')
    expect(await allowed(proxyRoutes(), 'read', [405, 401, 403])).toEqual(requests(reads))
  })

  test('are served by the agent where they are reads', async () => {
    const reads = ociRows.filter(({ right }) => right === 'read')
    expect(await allowed(registryRoutes(readOnly(), { ownNames: [] }), 'write', [405])).toEqual(requests(reads))
  })
})
