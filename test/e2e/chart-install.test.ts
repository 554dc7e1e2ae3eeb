import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { chartFolder, helms, kubectl } from '../kit/chart/helm.ts'
import { type RealInstall, realInstall } from '../kit/chart/real-install.ts'
import { shapes } from '../kit/chart/shapes.ts'
import { eventually } from '../kit/eventually.ts'
import { writeKubeconfig } from '../kit/kube-lab.ts'
import { kubeAssets } from '../kit/kube-real.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { startProcess } from '../kit/start-process.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology } from '../kit/topology.ts'

/** The chart at a real API server: what no template can show, each field and each right, is judged by Kubernetes itself. */
const assets = kubeAssets()
const canRun = assets !== undefined && kubectl !== undefined && helms.length > 0
if (!canRun)
  process.stdout.write('skipped: the chart at a real API server needs KUBEBUILDER_ASSETS, helm and kubectl\n')
const describeReal = canRun ? describe : describe.skip

const bucket = { driver: 's3', bucket: 'images', region: 'eu-west-1' }
const namesController = { enabled: true, config: { roles: ['names'], names: { base: 'c1.p2p.example.com' } } }
/** What services/controller calls: the lease, the caches and nodes that it watches, and the records that it writes. */
const controllerRules = [
  ' events create',
  ' nodes list,watch',
  ' pods list,watch',
  'coordination.k8s.io leases create',
  'coordination.k8s.io leases shoal-controller get,update',
  'externaldns.k8s.io dnsendpoints create,delete,list,update',
]
const hookKinds = ['ServiceAccount', 'ConfigMap', 'Role', 'RoleBinding', 'DaemonSet', 'Job']

const each = helms.flatMap((helm) => Object.entries(shapes).map(([shape, values]) => ({ helm, shape, values })))
const titled = each.map((one) => ({ ...one, title: `${one.helm.name}, ${one.shape}` }))

describeReal('at a real API server', () => {
  const stack = resourceStack()
  let real: RealInstall

  beforeAll(async () => {
    real = stack.own(await realInstall(assets ?? { etcd: '', apiserver: '' }, kubectl ?? ''))
  }, 300_000)
  afterAll(async () => stack[Symbol.asyncDispose]())

  test.each(titled)('$title: every object is taken, and no field of it is unknown', async ({ helm, values }) => {
    const { all } = await helm.template(values)
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: all })
    const said = await real.kubectl(['apply', '--dry-run=server', '--validate=strict', '--filename', '-'], list)
    expect(
      said
        .trim()
        .split('\n')
        .filter((line) => line.includes('(server dry run)')).length,
    ).toBe(all.length)
  })

  test('an upgrade keeps the secrets that the install has made, and so do all services', async () => {
    const [helm, newer = helm] = helms
    // Helm keeps what it has installed in Secrets of its own.
    const ours = ['get', 'secrets', '--selector', 'app.kubernetes.io/managed-by=Helm', '--output', 'json']
    const secrets = async () => {
      const { items } = JSON.parse(await real.kubectl(ours)) as {
        readonly items: readonly { readonly metadata: { readonly name: string }; readonly data: object }[]
      }
      return Object.fromEntries(items.map(({ metadata, data }) => [metadata.name, data]))
    }
    if (helm === undefined || newer === undefined) throw new Error('no helm')
    expect(await real.helm(helm, ['install', 'shoal', chartFolder])).toContain('helm test shoal')
    const before = await secrets()
    // One helm takes over from the other.
    await real.helm(newer, ['upgrade', 'shoal', chartFolder, '--set', 'origins.replicas=5'])
    expect(await secrets()).toEqual(before)
    expect(Object.keys(before)).toContain('shoal-agent-secrets')
    await real.helm(newer, ['uninstall', 'shoal'])
    expect(await real.kubectl(['get', 'persistentvolumeclaims', '--output', 'name'])).toContain('shoal-backend')
  }, 300_000)

  test('the controller has just the rights that its role needs, and leads with them', async () => {
    const [helm] = helms
    if (helm === undefined) throw new Error('no helm')
    const { all } = await helm.template({ ...shapes['both'], controller: namesController })
    const rights = all.filter(
      ({ kind, metadata }) => /Role|ServiceAccount/.test(kind) && metadata.name.includes('controller'),
    )
    await real.kubectl(['apply', '--filename', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: rights }))
    await eventually(async () => expect(await rulesOf('shoal-controller', 'shoal')).toEqual(controllerRules))
    expect(await rulesOf('shoal-controller', 'default')).toEqual([' nodes list,watch'])
    expect(await rulesOf('shoal-agent', 'shoal')).toEqual([])

    const token = (await real.kubectl(['create', 'token', 'shoal-controller'])).trim()
    await using folder = await tempFolder('controller')
    const kubeconfig = join(folder.path, 'kubeconfig')
    await writeKubeconfig(kubeconfig, {
      server: real.server,
      authority: real.authority,
      user: { token },
      namespace: 'shoal',
    })
    await using controller = await startTopology({
      ...{ agents: 0, origins: 1, trackers: 1, controllers: 1, processes: [] },
      later: ['build-index-1', 'proxy-1', 'origin-1', 'tracker-1'],
      overrides: [
        ...['controller.kubernetes.access=kubeconfig', `controller.kubernetes.kubeconfig=${kubeconfig}`],
        ...[
          'controller.roles=[names]',
          'controller.names.base=c1.p2p.example.com',
          'controller.lease.name=shoal-controller',
        ],
      ],
    })
    await eventually(async () => expect(await controller.counter('controller-1', 'shoal_controller_leads')).toBe(1))
    await eventually(async () => expect(await controller.counter('controller-1', 'shoal_kube_fresh')).toBe(2))
    expect(await controller.counter('controller-1', 'shoal_kube_watch_failures_total')).toBe(0)
    expect(await controller.counter('controller-1', 'shoal_names_failures_total')).toBe(0)
  }, 300_000)

  test('the uninstall waits until every node has undone its set-up, and says how many have not', async () => {
    const [helm] = helms
    if (helm === undefined) throw new Error('no helm')
    const { all } = await helm.template({ backend: bucket, agents: { setup: { enabled: true } } })
    const hooks = all.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'pre-delete')
    expect(hooks.map(({ kind }) => kind)).toEqual(hookKinds)
    await real.kubectl(['apply', '--filename', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: hooks }))
    const seen = async (desired: number, ready: number) =>
      real.kubectl([
        ...['patch', 'daemonset', 'shoal-setup-undo', '--subresource', 'status', '--type', 'merge', '--patch'],
        JSON.stringify({
          status: {
            ...{ observedGeneration: 1, desiredNumberScheduled: desired, numberReady: ready },
            ...{ currentNumberScheduled: desired, numberMisscheduled: 0 },
          },
        }),
      ])
    const token = (await real.kubectl(['create', 'token', 'shoal-setup-undo'])).trim()
    await using folder = await tempFolder('undo')
    await writeFile(join(folder.path, 'token'), token)
    await writeFile(join(folder.path, 'namespace'), 'shoal')
    await writeFile(join(folder.path, 'ca.crt'), real.authority)
    const waiting = (timeout: string) =>
      startProcess({
        command: process.execPath,
        args: [join(chartFolder, 'files', 'wait-for-undo.mjs')],
        env: {
          ...{ SERVER: real.server, ACCOUNT: folder.path, DAEMON_SET: 'shoal-setup-undo', TIMEOUT: timeout },
          NODE_EXTRA_CA_CERTS: join(folder.path, 'ca.crt'),
        },
        ready({ stdout }) {
          if (stdout === '') throw new Error('it has said nothing yet')
        },
      })

    await using one = await waiting('5m')
    expect(one.output().stdout).toContain('not begun yet')
    await seen(3, 1)
    await eventually(() => expect(one.output().stdout).toContain('2 nodes have not undone their set-up yet'))
    await seen(3, 3)
    expect(await one.exited).toMatchObject({ code: 0 })
    await seen(3, 2)
    await using late = await waiting('1s')
    expect(await late.exited).toMatchObject({ code: 1 })
    expect(late.output().stderr).toContain('helm uninstall --no-hooks')
  }, 300_000)

  /** What Kubernetes lets a service account do in a namespace, besides what it lets everybody. */
  async function rulesOf(account: string, namespace: string): Promise<readonly string[]> {
    const review = JSON.stringify({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace },
    })
    const asked = async (who: string) => {
      const as = `--as=system:serviceaccount:shoal:${who}`
      const said = await real.kubectl(['create', as, '--validate=false', '--output', 'json', '--filename', '-'], review)
      const { status } = JSON.parse(said) as { readonly status: { readonly resourceRules: readonly Rule[] } }
      return status.resourceRules.map(ruleText)
    }
    const everybody = await asked('nobody-at-all')
    return (await asked(account)).filter((rule) => !everybody.includes(rule)).toSorted()
  }
})

interface Rule {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

const ruleText = ({ apiGroups = [], resources = [], resourceNames = [], verbs }: Rule) =>
  [apiGroups, resources, ...(resourceNames.length > 0 ? [resourceNames] : []), verbs.toSorted()].join(' ')
