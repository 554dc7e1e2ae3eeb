import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { alertCases } from '../kit/chart/alert-cases.ts'
import { quietManagerCases } from '../kit/chart/manager-alert-cases.ts'
import { type Prometheus, type ScrapedTarget, startPrometheus } from '../kit/chart/prometheus.ts'
import { pushAndPull } from '../kit/chart/push-and-pull.ts'
import { alerts, alertsFile, metricsOf, panelQueries, selectorsOf } from '../kit/chart/queries.ts'
import type { Series } from '../kit/chart/series.ts'
import { eventually } from '../kit/eventually.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { run } from '../kit/run.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** The alerts and dashboards of the chart, asked of a real Prometheus that reads the metrics of a running cluster. */
const stack = resourceStack()
const instances = [
  'agent-1',
  'agent-2',
  'origin-1',
  'origin-2',
  'tracker-1',
  'build-index-1',
  'proxy-1',
  'controller-1',
  'manager-1',
]
let cluster: Topology
let prometheus: Prometheus

beforeAll(async () => {
  cluster = stack.own(
    await startTopology({
      ...{ agents: 2, origins: 2, trackers: 1, controllers: 1, processes: [] },
      ...{ managers: 1, joinToken: 'a-join-token-of-a-test' },
      overrides: ['agent.registry.ownNames=[own.test]'],
    }),
  )
  const targets = instances.map(
    (id): ScrapedTarget => ({
      address: new URL(cluster.url(id, 'ops')).host,
      labels: { namespace: 'shoal', pod: id, component: id.replace(/-\d+$/, ''), service: 'shoal-metrics' },
    }),
  )
  prometheus = stack.own(await startPrometheus(targets, alertsFile))
  await eventually(async () => expect(await prometheus.query('up')).toEqual(instances.map(() => 1)))
}, 180_000)
afterAll(async () => stack[Symbol.asyncDispose]())

/** Metrics that a small cluster on a folder does not have, since nothing of the kind has happened or is switched on. */
const silent =
  /^shoal_(?:names_|kube_|controller_|replication_|upstream_|tls_|hand_over_copies|swarm_(?:wasted|bad|bans|unproven)|store_(?:refused|evictions)|backend_(?:throttled|retries)|scrub_|uploads_refused|tracker_(?:evicted|announces)|http_limited|unhandled|cluster_reads|fill_bytes|journal_tasks)/

/** Nobody reads from the backend what was pushed just now, and each member is healthy. */
const isSilent = (query: string) =>
  metricsOf(query).some((metric) => silent.test(metric)) || /from="backend"|== 0/.test(query)
const loud = panelQueries.filter(({ query }) => !isSilent(query))

const minutesOf = (text = '0m') => Number(text.slice(0, -1)) * (text.endsWith('h') ? 60 : 1)
/** Soon after the time that the alert waits. */
const firingAt = (name: string) => `${minutesOf(alerts.find(({ alert }) => alert === name)?.for) + 20}m`
const inputOf = (series: Series) => ({
  interval: '1m',
  input_series: Object.entries(series).map(([name, numbers]) => ({ series: name, values: numbers })),
})

/** What promtool says of the tests. */
async function judged(tests: readonly object[]): Promise<string> {
  await using folder = await tempFolder('alerts')
  const file = join(folder.path, 'tests.json')
  await writeFile(file, JSON.stringify({ rule_files: [alertsFile], evaluation_interval: '1m', tests }))
  return (await run('promtool', ['test', 'rules', file])).stdout
}

describe('alerts', () => {
  test('each fires when what it is about goes wrong, says of whom, and is silent before', async () => {
    expect(Object.keys(alertCases)).toEqual(alerts.map(({ alert }) => alert))
    const tests = Object.entries(alertCases).map(([alertname, series]) => ({
      ...inputOf(series),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${alertname}", alertstate="firing"}) > 0`,
          eval_time: firingAt(alertname),
          exp_samples: [{ labels: '{}', value: 1 }],
        },
      ],
      alert_rule_test: [{ eval_time: '0s', alertname, exp_alerts: [] }],
    }))
    expect(await judged(tests)).toContain('SUCCESS')
  })

  test('those of managers are silent about one of several, about what was seen long ago, and about what people do', async () => {
    const tests = quietManagerCases.map(([alertname, series]) => ({
      ...inputOf(series),
      alert_rule_test: [{ eval_time: firingAt(alertname), alertname, exp_alerts: [] }],
    }))
    expect(await judged(tests)).toContain('SUCCESS')
  })
})

describe('the metrics of a cluster', () => {
  test('what helm test runs pushes and pulls, and each query of each panel is answered, with data where there is any', async () => {
    const at = { proxy: cluster.url('proxy-1', 'registry'), name: 'own.test' }
    for (const id of ['agent-1', 'agent-2'])
      expect(await pushAndPull({ ...at, agent: cluster.url(id, 'registry') })).toContain('each byte as it was')
    // A rate needs what was before.
    await eventually(async () => {
      const empty: string[] = []
      for (const { where, query } of loud) if ((await prometheus.query(query)).length === 0) empty.push(where)
      expect(empty).toEqual([])
    })
    for (const { query } of panelQueries) await prometheus.query(query)
  })

  test('a manager has all series of its alerts before anything has happened, so that the first time counts', async () => {
    const own = alerts.filter(({ alert }) => alert.startsWith('ShoalManager'))
    const selectors = new Set(
      own.flatMap(({ expr }) => selectorsOf(expr)).filter((selector) => selector.startsWith('shoal_manager_')),
    )
    expect(selectors.size).toBeGreaterThan(15)
    await eventually(async () => {
      const missing: string[] = []
      for (const selector of selectors) if ((await prometheus.query(selector)).length === 0) missing.push(selector)
      expect(missing).toEqual([])
    })
  })

  test('Prometheus judges every alert, and none of them is pending in a cluster that is well', async () => {
    await eventually(async () => {
      const rules = await prometheus.rules()
      expect(rules.map(({ name }) => name)).toEqual(alerts.map(({ alert }) => alert))
      expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
      expect(rules.filter(({ state }) => state !== 'inactive').map(({ name }) => name)).toEqual([])
    })
  })
})
