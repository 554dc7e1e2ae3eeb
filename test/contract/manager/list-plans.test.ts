import { describe, expect, test } from '@jest/globals'
import { managerApi } from '../../../lib/api/index.ts'
import { fakeClock, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { auditFilter, auditLog } from '../../../services/manager/audit-log.ts'
import { hostStore } from '../../../services/manager/clusters/host-store.ts'
import { managerSchema } from '../../../services/manager/config.ts'
import { jobStore } from '../../../services/manager/jobs/job-store.ts'
import { managerService } from '../../../services/manager/service.ts'
import { eachManagerDatabase, type MadeDatabase } from '../../kit/manager/databases.ts'
import { quickPasswords } from '../../kit/manager/manager-lab.ts'
import { notedReads, type Planned, plansOf } from '../../kit/manager/query-plans.ts'
import { settingsLab } from '../../kit/manager/settings-lab.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/** Tables that have few rows, by which limit; of all others a page must not read what it does not show. */
const small: Readonly<Record<string, string>> = {
  clusters: 'MAX_CLUSTERS',
  members: 'MAX_MEMBERS',
  roles: 'MAX_ROLES',
  schedules: 'MAX_SCHEDULES',
  settingSlots: 'MAX_SLOTS',
  jobs: 'MAX_OPEN_JOBS, and those that ended within jobs.keep',
  jobParts: 'the same',
  rollouts: 'each a change that somebody made',
  leases: 'one for each duty',
  relations: 'MAX_RELATIONS',
  relationGeneration: 'one',
  settingManager: 'one',
}

/** Routes whose lists are no rows of the database: they are asked of the clusters at that moment. */
const elsewhere = ['swarms', 'images', 'settingsBehind', 'nodePulls']

/** A word for each filter, so that every one of them counts; a new one has to be named here. */
const words: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  audit: { last: '0zzz', actor: 'user:ada', action: 'user.create', target: 'bob', from: '1', until: '9' },
  jobs: { last: 'x', state: 'failed', kind: 'preheat', by: 'user:ada', cluster: 'herd' },
  jobRows: { last: '7', state: 'failed' },
  schedules: { last: 'a' },
  users: { last: 'a' },
  tokens: { last: 'a' },
  clusters: { last: 'a' },
  members: { last: 'a', cluster: 'herd', kind: 'tracker', state: 'ok' },
  hosts: {
    ...{ last: 'c/a', cluster: 'herd', zone: 'z', version: '1', state: 'banned', role: 'origin', text: 'a' },
    behind: 'true',
  },
  settings: { last: 'a' },
  settingVersions: { last: '7' },
  rollouts: { last: 'x', state: 'done' },
  rolloutEvents: { last: 'x' },
  registryUsers: { last: 'a' },
  relations: { last: 'a/b/file', cluster: 'herd' },
}

interface ListCall {
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
}

const lists = Object.entries<{ readonly method: string } & ListCall>(managerApi)
  .filter(([, { method, query }]) => method === 'GET' && query !== undefined && 'n' in query)
  .filter(([name]) => !elsewhere.includes(name))

/** Every choice of some of them, also none and all. */
const choices = (names: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: 2 ** names.length }, (_, chosen) => names.filter((_name, i) => (chosen & (1 << i)) !== 0))

/** A manager on this database, and what its lists need to be found. */
const running = ({ database }: MadeDatabase) =>
  buildResource(async (stack) => {
    const { path: folder } = stack.own(await tempFolder('plans'))
    const reads = notedReads(database)
    const bind = { bind: '127.0.0.1:auto' }
    const clusters = { first: { name: 'herd' } }
    const config = managerSchema.parse({ folder, http: bind, ops: bind, admin: bind, clusters })
    const parts = { logger: silentLogger(), metrics: silentMetrics(), random: seededRandom(3), clock: systemClock() }
    const service = managerService({ ...parts, passwords: quickPasswords(), database: reads.database }, config)
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const { rollout } = await settingsLab({ database }).set({ log: 'info' })
    const job = await jobStore({ database, clock: fakeClock(), random: seededRandom(5) }).add({
      ...{
        actor: 'user:ada',
        spec: { kind: 'query', targets: ['a/b:1'] },
        parts: [{ cluster: 'herd', step: 'resolve', spec: {} }],
        untilMs: 0,
      },
    })
    const ids: Readonly<Record<string, string>> = { jobRows: job.id, rolloutEvents: rollout.id }
    const pathOf = (name: string, path: string) =>
      path
        .replace(':id', ids[name] ?? '')
        .replace(':scope', 'all')
        .replace(':kind', 'agent')
    return { ...reads, pathOf: (name: string, path: string) => service.adminUrl + pathOf(name, path) }
  })

eachManagerDatabase((open) => {
  describe('lists of the API', () => {
    test('each filter has a word here', () => {
      for (const [name, { query = {} }] of lists)
        expect([name, Object.keys(words[name] ?? {}).toSorted()]).toEqual([
          name,
          Object.keys(query)
            .filter((each) => each !== 'n')
            .toSorted(),
        ])
    })

    test('read by an index, in its order, whatever they are filtered by', async () => {
      await using made = await open()
      await using manager = await running(made)
      manager.noted()
      for (const [name, { path }] of lists)
        for (const chosen of choices(Object.keys(words[name] ?? {}))) {
          const query = new URLSearchParams({
            n: '10',
            ...Object.fromEntries(chosen.map((each) => [each, words[name]?.[each] ?? ''])),
          })
          const answer = await fetch(`${manager.pathOf(name, path)}?${query.toString()}`)
          expect([name, chosen, answer.status, await answer.text()]).toEqual([name, chosen, 200, expect.any(String)])
        }
      const plans = await plansOf(made, manager.noted(), (table) => table in small)
      expect(plans.length).toBeGreaterThan(lists.length)
      // A text is looked for in all hosts that fit the rest.
      const isSearch = ({ statement }: Planned) => statement.includes('words like')
      expect(plans.filter((each) => each.slow.length > 0 && !isSearch(each))).toEqual([])
    })

    test('the audit has an index for each choice of filters, which leaves no row to be looked at in vain', async () => {
      await using made = await open()
      const { database, noted } = notedReads(made.database)
      const filter = { actor: 'user:ada', target: 'bob', action: 'user.create', from: '1', until: '9', last: '0zzz' }
      for (const chosen of choices(Object.keys(filter))) {
        const columns = chosen.filter((name) => ['actor', 'target', 'action'].includes(name))
        if (columns.length === 0) continue
        const query = new URLSearchParams(Object.entries(filter).filter(([name]) => chosen.includes(name)))
        noted()
        await auditLog({ database }).page({ count: 10, last: query.get('last') ?? undefined }, auditFilter(query))
        const plans = await plansOf(made, noted(), () => false)
        const told = plans.map(({ plan, slow }) => [chosen, slow, plan.join(', ')])
        // Of what is not in the index, PostgreSQL tells as a filter; SQLite tells what it looks up.
        const isUpper = chosen.includes('until') || chosen.includes('last')
        const terms = columns.length + Number(chosen.includes('from')) + Number(isUpper)
        const name = `audit_by_${columns.join('_')}`
        const index =
          made.driver === 'libsql'
            ? new RegExp(`\\b${name} \\((?:[^?]*[=<>]\\?){${terms}}\\)$`)
            : new RegExp(`^(?!.*Filter:).*\\b${name} \\(`)
        expect(told).toEqual([[chosen, [], expect.stringMatching(index)]])
      }
    })

    test('hosts are searched in the index that has all that a list is filtered by, and nothing else', async () => {
      await using made = await open()
      const { database, noted } = notedReads(made.database)
      await hostStore({ database }).page({ text: 'a' }, { count: 10 })
      const plans = (await plansOf(made, noted(), () => true)).filter(({ statement }) =>
        statement.includes('words like'),
      )
      expect(plans.map(({ plan }) => plan.join(', '))).toEqual([
        expect.stringMatching(/(COVERING INDEX|Index Only Scan.*) hostsInOrder/),
      ])
    })
  })
})
