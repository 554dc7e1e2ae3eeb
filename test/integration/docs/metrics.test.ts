import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../../lib/config/index.ts'
import { serviceFacts } from '../../../lib/service/index.ts'
import { type Metrics, prometheusMetrics, silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { doors } from '../../../services/herd/index.ts'
import { docTable, projectSources, readProjectFile } from '../../kit/doc-table.ts'
import { writeKubeconfig } from '../../kit/kube-lab.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { testAuthority, tlsFolder } from '../../kit/tls-authority.ts'

interface Listed {
  readonly type: string
  readonly labels: string
}

/** Metrics that only record which metrics were registered. */
function listingMetrics(): Metrics & { readonly listed: ReadonlyMap<string, Listed> } {
  const silent = silentMetrics()
  const listed = new Map<string, Listed>()
  const list = (type: string, name: string, labels: readonly string[] = []) =>
    void listed.set(name, { type, labels: labels.toSorted().join(', ') })
  return {
    ...silent,
    listed,
    counter(init, labels) {
      list('counter', init.name, labels)
      return silent.counter(init, labels)
    },
    gauge(init, labels) {
      list('gauge', init.name, labels)
      return silent.gauge(init, labels)
    },
    histogram(init, labels) {
      list('histogram', init.name, labels)
      return silent.histogram(init, labels)
    },
  }
}

const services = Object.values(doors).map((door) => ({ door, name: serviceFacts(door.kind).name }))

/** Config keys that bind the services to free ports and put all data below one folder. */
function placesIn(
  folder: string,
  { inspect, kubeconfig }: { readonly inspect: object; readonly kubeconfig: string },
): Readonly<Record<string, readonly string[]>> {
  const free = (...listeners: readonly string[]) => listeners.map((key) => `${key}.bind=127.0.0.1:auto`)
  const file = (name: string) => `{ driver: file, folder: ${JSON.stringify(join(folder, name))} }`
  const backend = `{ driver: shadow, primary: ${file('new')}, secondary: ${file('old')} }`
  return {
    agent: [
      ...free('registry.listener', 'peer', 'ops', 'admin'),
      `folder=${join(folder, 'agent')}`,
      'registry.upstreams=[{ registry: registry.test, identity: publicOnly }]',
      `registry.forward.inspect=${JSON.stringify(inspect)}`,
      'manager.assignment=http://127.0.0.1:9',
    ],
    origin: [
      ...free('http', 'peer', 'ops', 'admin'),
      `folder=${join(folder, 'origin')}`,
      `backends=[{ repository: '*', backend: ${backend} }]`,
      `urls.rules=[{ host: models.test }]`,
      `urls.records=${file('urls')}`,
    ],
    tracker: [...free('http', 'ops', 'admin'), `folder=${join(folder, 'tracker')}`],
    'build-index': [...free('http', 'ops', 'admin'), `backend=${backend}`, 'upstreams=[{ registry: registry.test }]'],
    proxy: free('registry.listener', 'ops', 'admin'),
    controller: [
      ...free('ops', 'admin'),
      `kubernetes=${JSON.stringify({ access: 'kubeconfig', kubeconfig })}`,
      'roles=[names, accounts]',
      'names.base=c1.p2p.test',
      'accounts.image=registry.test/shoal',
    ],
    manager: [...free('http', 'ops', 'admin'), `folder=${join(folder, 'manager')}`],
  }
}

/** The metrics that each service registers when it starts. */
async function namedByServices() {
  await using folder = await tempFolder()
  const ours = testAuthority()
  const { config: tls } = await tlsFolder(folder.path, ours.issue(), [ours])
  const ca = { certificate: join(folder.path, 'operator.crt'), key: join(folder.path, 'operator.key') }
  await writeFile(ca.certificate, ours.certificate)
  await writeFile(ca.key, ours.key, { mode: 0o600 })
  const kubeconfig = join(folder.path, 'kubeconfig')
  // Nobody is there, and nothing waits for an answer.
  await writeKubeconfig(kubeconfig, { server: 'http://127.0.0.1:9' })
  const inspect = { hosts: ['registry.test'], ca }
  const places = placesIn(folder.path, { inspect, kubeconfig })
  const found: ({ service: string; name: string } & Listed)[] = []
  for (const { name: service, door } of services) {
    const metrics = listingMetrics()
    const config = await loadConfig(door.schema, {
      overrides: [`tls=${JSON.stringify(tls)}`, ...(places[service] ?? [])],
    })
    const running = door.make({ metrics, logger: silentLogger() }, config)
    await running.start()
    await running.stop()
    found.push(...[...metrics.listed].map(([name, listed]) => ({ service, name, ...listed })))
  }
  return found
}

let named: Awaited<ReturnType<typeof namedByServices>> = []
beforeAll(async () => {
  named = await namedByServices()
})

/** The metrics of the process, which every service adds. */
async function ofTheProcess() {
  const { text } = await prometheusMetrics({ process: true }).expose()
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return services.flatMap(({ name: service }) =>
    types.map(([, name = '', type = '']) => ({ service, name, type, labels: '' })),
  )
}

const rows = docTable('docs/metrics.md', ['metric', 'type', 'labels', 'services', 'what'])
const lineOf = ({ name, type, labels, service }: { service: string; name: string } & Listed) =>
  `${service}: ${type} ${name} {${labels}}`

describe('docs/metrics.md', () => {
  test('has one row for each metric, with its type, labels and services', async () => {
    const documented = rows.flatMap(({ metric, type, labels, services }) =>
      services.split(', ').map((service) => {
        const sorted = labels.split(', ').toSorted().join(', ')
        return lineOf({ service, name: metric, type, labels: sorted })
      }),
    )
    const real = [...named, ...(await ofTheProcess())].map(lineOf)
    expect(documented.toSorted()).toEqual(real.toSorted())
  })

  test('says of each what it measures', () => {
    expect(rows.filter(({ what }) => what === '')).toEqual([])
  })

  test('misses no metric that the sources name', () => {
    const text = projectSources('lib', 'services').map(readProjectFile).join('\n')
    const inSources = new Set(text.match(/(?<=')shoal_\w+(?=')/g))
    const documented = rows.map(({ metric }) => metric).filter((name) => name.startsWith('shoal_'))
    expect([...inSources].toSorted()).toEqual(documented.toSorted())
  })
})

test('no label has a value for each blob, peer, URL or repository', () => {
  const closed = [
    'from',
    'to',
    'kind',
    'op',
    'outcome',
    'priority',
    'cluster',
    'member',
    'event',
    'listener',
    'limit',
    'way',
    'route',
    'method',
    'volume',
    'direction',
    'answer',
    'why',
    'class',
    // Of managers; a handful.
    'duty',
    'remote',
    // Of the config.
    'rule',
    // Kinds of objects that roles of the controller follow.
    'resource',
  ]
  const labels = new Set(named.flatMap(({ labels }) => (labels === '' ? [] : labels.split(', '))))
  expect([...labels].filter((label) => ![...closed, 'status', 'state'].includes(label))).toEqual([])
})
