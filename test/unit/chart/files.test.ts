import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { dashboards, dashboardText } from '../../kit/chart/dashboards.ts'
import { chartFolder } from '../../kit/chart/helm.ts'
import { alerts, labelsOf, metricsOf, panelQueries } from '../../kit/chart/queries.ts'
import { shapes } from '../../kit/chart/shapes.ts'
import { valuesSchema, valuesSchemaText } from '../../kit/chart/values-schema.ts'
import { docTable } from '../../kit/doc-table.ts'

const file = (...path: readonly string[]) => readFileSync(join(chartFolder, ...path), 'utf8')
const values = parse(file('values.yaml')) as Readonly<Record<string, unknown>>

describe('files of the chart that are made', () => {
  test('the schema of its values is that of the configs of today: npm run chart writes it', () => {
    expect(file('values.schema.json')).toBe(valuesSchemaText())
  })

  test('the dashboards are those of test/kit/chart/dashboards.ts, and there are no others', () => {
    expect(readdirSync(join(chartFolder, 'files', 'dashboards')).toSorted()).toEqual(
      Object.keys(dashboards)
        .map((name) => `${name}.json`)
        .toSorted(),
    )
    for (const name of Object.keys(dashboards))
      expect(file('files', 'dashboards', `${name}.json`)).toBe(dashboardText(name))
  })
})

describe('the schema of the values', () => {
  const judge = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(valuesSchema())

  test('takes the values of the chart, and those of every shape', () => {
    for (const [shape, given] of Object.entries({ ...shapes, 'values.yaml': values })) {
      judge(given)
      expect([shape, judge.errors ?? []]).toEqual([shape, []])
    }
  })

  test.each([
    { agents: { config: { registry: { fil: true } } } },
    { origins: { config: { secrets: { node: 'a-secret-in-a-config-map' } } } },
    { trackers: { secretConfig: { secrets: { push: 'not-a-secret-of-trackers' } } } },
    { agents: { config: { labels: { rack: 1 } } } },
    { backend: { driver: 's3' } },
    { secrets: { node: 'short' } },
  ])('refuses %j', (given) => {
    expect(judge(given)).toBe(false)
  })
})

describe('queries of alerts and dashboards', () => {
  const known = new Map(
    docTable('docs/metrics.md', ['metric', 'type', 'labels', 'services', 'what']).map((row) => [row.metric, row]),
  )
  const queries = [...panelQueries.map(({ query }) => query), ...alerts.map(({ expr }) => expr)]
  /** What Prometheus and the ServiceMonitor of the chart add. */
  const added = ['namespace', 'pod', 'component', 'service', 'le']

  test('read only metrics, with labels, that docs/metrics.md has', () => {
    for (const query of queries) {
      expect([query, metricsOf(query).filter((metric) => !known.has(metric))]).toEqual([query, []])
      for (const [metric, labels] of labelsOf(query)) {
        const own = known.get(metric)?.labels.split(', ') ?? []
        expect([query, labels.filter((label) => !own.includes(label) && !added.includes(label))]).toEqual([query, []])
      }
    }
    expect(queries.flatMap(metricsOf).length).toBeGreaterThan(80)
  })

  test('every alert has a severity, a sentence, and what to do', () => {
    for (const { alert, labels, annotations } of alerts) {
      expect([alert, labels['severity']]).toEqual([alert, expect.stringMatching(/^(warning|critical)$/)])
      expect(annotations).toEqual({ summary: expect.any(String), description: expect.stringMatching(/\.$/) })
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
  })
})

test('docs/manager.md says of each alert about managers what to do', () => {
  const rows = docTable('docs/manager.md', ['alert', 'severity', 'what it says', 'what to do'])
  const own = alerts.filter(({ alert }) => alert.startsWith('ShoalManager'))
  expect(rows.map(({ alert, severity }) => [alert, severity])).toEqual(
    own.map(({ alert, labels }) => [alert, labels['severity']]),
  )
  expect(rows.filter((row) => row['what to do'] === '')).toEqual([])
})

interface Resources {
  readonly requests: { readonly cpu: string; readonly memory: string }
  readonly limits: { readonly memory: string }
}

const resourcesAt = (path: string): Resources => {
  const at = path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], values)
  return (at as { readonly resources: Resources }).resources
}

describe('docs/chart.md', () => {
  const rows = docTable('docs/chart.md', ['value', 'default', 'what'])
  const documented = new Map(rows.map(({ value, default: standard }) => [value, standard]))

  /** Values that are not mappings with keys of their own, by dotted path. */
  const leaves = (inner: Readonly<Record<string, unknown>>, prefix = ''): readonly (readonly [string, unknown])[] =>
    Object.entries(inner).flatMap(([key, value]) => {
      const isBranch =
        typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
      if (!isBranch || whole.has(key)) return [[prefix + key, value] as const]
      return leaves(value as Readonly<Record<string, unknown>>, `${prefix}${key}.`)
    })
  /** Values that are set as a whole. */
  const whole = new Set(['resources', 'labels', 'virtualNodes'])
  /** Services that have the same values besides their own. */
  const alike = [
    ...['origins', 'trackers', 'buildIndexes', 'proxy', 'controller', 'manager'],
    ...['agents', 'agents.node', 'agents.cache'],
  ]

  const rowOf = (path: string): string | undefined => {
    if (documented.has(path)) return path
    const service = alike.findLast((name) => path.startsWith(`${name}.`))
    return service === undefined ? undefined : `SERVICE.${path.slice(service.length + 1)}`
  }

  test('has a row for every value, with its default, and no other', () => {
    const used = new Set<string>()
    const wrong = leaves(values).flatMap(([path, value]) => {
      const row = rowOf(path)
      const said = row === undefined ? undefined : documented.get(row)
      if (row !== undefined) used.add(row)
      if (said === undefined) return [`${path} has no row`]
      if (said === 'see below') return []
      const own = typeof value === 'string' ? value : JSON.stringify(value)
      return said === own || (said === 'none' && (own === '' || own === '{}' || own === '[]'))
        ? []
        : [`${path} is ${own}, not ${said}`]
    })
    expect(wrong).toEqual([])
    expect([...documented.keys()].filter((row) => !used.has(row))).toEqual([])
  })

  test('asks for what was measured of each service', () => {
    const rows = {
      origin: 'origins',
      tracker: 'trackers',
      'build-index': 'buildIndexes',
      proxy: 'proxy',
      'agent on a node': 'agents.node',
      'agent as a cache': 'agents.cache',
      controller: 'controller',
      manager: 'manager',
    }
    const columns = ['service', 'idle', 'while 1 GiB is pushed', 'while 3 GiB are pulled', 'processors while pulled']
    const table = docTable('docs/chart.md', [...columns, 'request', 'limit'])
    expect(table.map(({ service }) => service)).toEqual(Object.keys(rows))
    for (const { service = '', request, limit } of table) {
      const { requests, limits } = resourcesAt(rows[service as keyof typeof rows])
      expect([service, `${requests.cpu}, ${requests.memory}`, limits.memory]).toEqual([service, request, limit])
    }
  })
})
