import type { IncomingMessage } from 'node:http'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { classWeights, type PullClass, parseRepository, pullClasses } from '../../../lib/core/index.ts'
import { pullRulesSchema } from '../../../lib/service/index.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'
import { pullRules } from '../../../services/agent/pull-rules/index.ts'

const names = ['a', 'b', 'ab'] as const
const list = fc.option(fc.uniqueArray(fc.constantFrom('a', 'b', 'a*', '*'), { minLength: 1, maxLength: 2 }), {
  nil: undefined,
})
const about = fc
  .record({ applications: list, repositories: list })
  .map((lists) => Object.fromEntries(Object.entries(lists).filter(([, value]) => value !== undefined)))
  .filter((lists) => Object.keys(lists).length > 0)
const rule = fc.tuple(about, fc.constantFrom(...pullClasses)).map(([lists, priority]) => ({ ...lists, priority }))
const header = fc.oneof(fc.integer({ min: 0, max: 25 }).map(String), fc.constantFrom('', 'high', '-1', '1e1'))

const highest = (...classes: readonly PullClass[]) => Math.max(...classes.map((each) => classWeights[each]))

test('whatever a client says, it is raised no further than by what the config says of everybody', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 6 }),
      fc.constantFrom('normal' as const, 'high' as const),
      fc.tuple(header, fc.constantFrom(...names, ''), fc.constantFrom(...names)),
      (rules, clientMax, [level, application, name]) => {
        const { admit } = pullRules(
          { metrics: silentMetrics() },
          { priorityHeader: 'P', applicationHeader: 'A', rules: pullRulesSchema.parse({ rules, clientMax }) },
        )
        const of = (headers: IncomingMessage['headers']) =>
          admit(
            { req: { headers }, principal: { name: 'anonymous', rights: [] } },
            { repository: parseRepository(name) },
          ).pullClass
        const own = rules.flatMap((each) => ('applications' in each ? [] : [each.priority]))
        expect(classWeights[of({ p: level, a: application })]).toBeLessThanOrEqual(highest(clientMax, ...own))
        // Nobody gets less by saying nothing of how important it is, but by saying that nobody waits.
        const [silent, low] = [of({ a: application }), of({ p: '1', a: application })]
        expect(classWeights[low]).toBeLessThanOrEqual(classWeights[silent])
      },
    ),
  )
})

test('no header frees a pull from a rule that names its repository alone', () => {
  const rules = pullRulesSchema.parse({ blocks: [{ name: 'stop', repositories: ['a*'] }] })
  const { admit } = pullRules({ metrics: silentMetrics() }, { priorityHeader: 'P', applicationHeader: 'A', rules })
  fc.assert(
    fc.property(header, fc.string(), fc.constantFrom('a', 'ab'), (level, application, name) => {
      const headers = { p: level, a: application }
      const puller = { req: { headers }, principal: { name: 'anonymous', rights: [] } }
      expect(() => admit(puller, { repository: parseRepository(name) })).toThrow('stop')
    }),
  )
})
