import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../../lib/base/index.ts'
import { serviceFacts } from '../../../lib/service/index.ts'
import { type AgentAdminComponents, adminRoutes } from '../../../services/agent/server.ts'
import { buildIndexAdminRoutes } from '../../../services/build-index/admin.ts'
import { adminApis } from '../../../services/cli/admin/apis.ts'
import { ageText, fields, sizeText, spanText, table } from '../../../services/cli/admin/sheet.ts'
import { verbName } from '../../../services/cli/admin/verb.ts'
import { run } from '../../../services/cli/run.ts'
import { controllerAdminRoutes } from '../../../services/controller/server.ts'
import { doors } from '../../../services/herd/index.ts'
import { type ClusterWingComponents, clusterWingRoutes } from '../../../services/manager/clusters/wing-routes.ts'
import { type JobRoutesComponents, jobRoutes } from '../../../services/manager/jobs/job-routes.ts'
import {
  type ScheduleRoutesComponents,
  scheduleRoutes,
} from '../../../services/manager/jobs/schedules/schedule-routes.ts'
import type { PersonRoutesComponents } from '../../../services/manager/people/index.ts'
import {
  type RegistryUserRoutesComponents,
  registryUserRoutes,
} from '../../../services/manager/registry/user-routes.ts'
import { type RelationRoutesComponents, relationRoutes } from '../../../services/manager/relations/relation-routes.ts'
import { managerRoutes } from '../../../services/manager/server.ts'
import type { PlanDefaults } from '../../../services/manager/settings/plan.ts'
import { type SettingsWingComponents, settingsWingRoutes } from '../../../services/manager/settings/routes.ts'
import { type ViewRoutesComponents, viewRoutes } from '../../../services/manager/views/view-routes.ts'
import { type OriginAdminComponents, originAdminRoutes } from '../../../services/origin/admin.ts'
import { proxyAdminRoutes } from '../../../services/proxy/admin.ts'
import { type TrackerAdminComponents, trackerAdminRoutes } from '../../../services/tracker/admin/admin.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/** Stands for components that no route uses before it is called. */
const untouched = {} as object as OriginAdminComponents & AgentAdminComponents & TrackerAdminComponents

const noReplication = {
  clock: systemClock(),
  cluster: 'local',
  index: {} as never,
  changed: {} as never,
  remotes: new Map(),
  hooks: new Map(),
  given: undefined,
  replication: { desk: undefined },
  steering: {} as never,
  garbage: undefined,
  upstreams: { standings: () => [], elsewhere: async () => [] },
  retention: undefined,
}

const served = {
  origin: originAdminRoutes({ ...untouched, rings: {} }),
  agent: adminRoutes({ ...untouched, rings: {} }),
  tracker: trackerAdminRoutes({ ...untouched, rings: {} }),
  buildIndex: buildIndexAdminRoutes({ ...noReplication, rings: {} }),
  proxy: proxyAdminRoutes({ rings: {} }),
  controller: controllerAdminRoutes({
    leadership: () => ({ access: 'off', roles: [] }),
    names: () => undefined,
    accounts: () => undefined,
  }),
  manager: [
    ...jobRoutes({} as JobRoutesComponents),
    ...scheduleRoutes({} as ScheduleRoutesComponents),
    ...managerRoutes({ audit: { page: async () => ({ audit: [] }) }, people: {} as PersonRoutesComponents }),
    ...clusterWingRoutes({} as ClusterWingComponents),
    ...viewRoutes({} as ViewRoutesComponents),
    ...settingsWingRoutes({} as SettingsWingComponents, {} as PlanDefaults),
    ...registryUserRoutes({} as RegistryUserRoutesComponents),
    ...relationRoutes({} as RelationRoutesComponents),
  ],
}

describe('the admin APIs', () => {
  test('are those of all services with an admin listener', () => {
    const withAdmin = Object.values(doors).filter(({ kind }) => 'admin' in serviceFacts(kind).listeners)
    expect(adminApis.map(({ kind }) => kind).toSorted()).toEqual(withAdmin.map(({ kind }) => kind).toSorted())
  })

  test.each(adminApis)('$kind: each route has its call, and each call its verb', ({ kind, calls, verbs }) => {
    const routes = served[kind].flatMap(({ methods, path }) => methods.map((m) => `${m} ${path}`))
    const called = Object.values(calls).map(({ method, path }) => `${method} ${path}`)
    expect(called.toSorted()).toEqual(routes.toSorted())
    expect(Object.keys(verbs).toSorted()).toEqual(Object.keys(calls).toSorted())
  })

  const all = adminApis.flatMap(({ kind, verbs }) =>
    Object.entries(verbs).map(([name, { example }]) => ({ kind, name: verbName(name), example })),
  )
  test.each(all)('$kind $name has an example in its help', async ({ kind, name, example }) => {
    const host = recordingHost()
    expect(await run(['admin', serviceFacts(kind).name, name, '--help'], host)).toBe(0)
    expect(host.said).toContain(`Example:\n  shoal admin ${serviceFacts(kind).name} ${example}`)
    expect(example.split(' ')[0]).toBe(name)
  })
})

describe('the command line', () => {
  test('--help lists services and tools in two groups, with a line for each', async () => {
    const host = recordingHost()
    expect(await run(['--help'], host)).toBe(0)
    const [, services = '', tools = ''] = /Services:\n([\s\S]*?)\n\nTools:\n([\s\S]*)$/.exec(host.said) ?? []
    const names = (text: string) => text.split('\n').map((line) => line.trim().split(' ')[0])
    expect(names(services)).toEqual(Object.values(doors).map(({ kind }) => serviceFacts(kind).name))
    expect(names(tools)).toEqual(['herd', 'setup', 'doctor', 'explain', 'get', 'token', 'ca', 'probe', 'admin'])
  })

  test.each([
    [['agnt'], 'agent'],
    [['admin', 'orgin'], 'origin'],
    [['admin', 'origin', 'blbs'], 'blobs'],
    [['admin', 'origin', 'blobs', '--jsn'], '--json'],
  ])('%s is wrong, and the nearest is named', async (argv, nearest) => {
    const host = recordingHost()
    expect(await run(argv, host)).toBe(2)
    expect(host.complained).toContain(`(Did you mean ${nearest}?)`)
  })

  test('a service that is not there is told with its address', async () => {
    const host = recordingHost()
    expect(await run(['admin', 'agent', 'blobs', '--url', 'http://127.0.0.1:1'], host)).toBe(3)
    expect(host.complained).toMatch(/^shoal admin: PEER_CLOSED: .*\(http:\/\/127\.0\.0\.1:1\)$/)
  })
})

describe('an address or a secret that cannot be used', () => {
  const admin = async (words: readonly string[], env = {}) => {
    const host = recordingHost(env)
    return { exit: await run(['admin', 'agent', 'blobs', ...words], host), complained: host.complained }
  }
  const nowhere = ['--url', 'http://127.0.0.1:1']

  test.each(['localhost:64004', 'node7', 'ftp://node7', ''])('"%s" is no URL, and nothing is sent', async (url) => {
    expect(await admin(['--url', url])).toEqual({ exit: 2, complained: expect.stringContaining('is not a URL') })
  })

  test.each([
    ['a b and 16 others', 'a secret is ASCII characters without spaces'],
    ['a\nline-and-16-others', 'a secret is ASCII characters without spaces'],
    ['', 'a secret has at least 16 characters'],
    ['too-short', 'a secret has at least 16 characters'],
  ])('the secret %j is wrong usage, and is not printed', async (secret, reason) => {
    await using folder = await tempFolder('admin')
    const file = join(folder.path, 'secret')
    await writeFile(file, secret)
    const message = `shoal admin: CONFIG_INVALID: ${reason}`
    expect(await admin([...nowhere, '--secret-file', file])).toEqual({ exit: 2, complained: message })
  })

  test('a secret on the command line, which every user sees, is wrong usage', async () => {
    expect(await admin([...nowhere, '--secret', 'a-long-enough-secret'])).toMatchObject({ exit: 2 })
  })

  test.each(['', 'a-long-enough-secret\n'])('the variable %j is read as a shell or a file left it', async (secret) => {
    expect((await admin(nowhere, { SHOAL_ADMIN_SECRET: secret })).exit).toBe(3)
  })
})

describe('a sheet', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
  ])('says %i bytes as %s', (bytes, text) => expect(sizeText(bytes)).toBe(text))

  test.each([
    [0, '0s'],
    [61_000, '1m 1s'],
    [3_600_000, '1h 0m'],
    [90_061_000, '1d 1h'],
  ])('says %i ms as %s', (ms, text) => expect(spanText(ms)).toBe(text))

  test('says when something was or will be', () => {
    expect([ageText(undefined, 5), ageText(1_000, 4_000), ageText(4_000, 1_000)]).toEqual(['-', '3s ago', 'in 3s'])
  })

  test('is aligned', () => {
    const rows = [
      { name: 'a', size: '1 B' },
      { name: 'long', size: '20 B' },
    ]
    expect(
      table(rows, [
        ['NAME', ({ name }) => name],
        ['SIZE', ({ size }) => size],
      ]),
    ).toBe('NAME  SIZE\na     1 B\nlong  20 B')
    expect(fields({ a: '1', long: '2' })).toBe('a     1\nlong  2')
  })
})
