import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Resource } from '../../../services/controller/kubernetes/index.ts'
import { eventually } from '../eventually.ts'
import { kubeClient } from '../kube-lab.ts'
import { type KubeAssets, realKube } from '../kube-real.ts'
import { buildResource } from '../resource-stack.ts'
import { run } from '../run.ts'
import { tempFolder } from '../temp-folder.ts'
import type { Helm } from './helm.ts'

const definitions: Resource = {
  ...{ group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' },
  ...{ kind: 'CustomResourceDefinition', namespaced: false },
}

/** What other programs bring: their kinds are known, whatever is in them. */
const foreign: readonly Resource[] = [
  { group: 'cert-manager.io', version: 'v1', plural: 'certificates', kind: 'Certificate', namespaced: true },
  {
    group: 'monitoring.coreos.com',
    version: 'v1',
    plural: 'servicemonitors',
    kind: 'ServiceMonitor',
    namespaced: true,
  },
  {
    group: 'monitoring.coreos.com',
    version: 'v1',
    plural: 'prometheusrules',
    kind: 'PrometheusRule',
    namespaced: true,
  },
  { group: 'externaldns.k8s.io', version: 'v1alpha1', plural: 'dnsendpoints', kind: 'DNSEndpoint', namespaced: true },
]

const definitionOf = ({ group, version, plural, kind }: Resource) => ({
  metadata: {
    name: `${plural}.${group}`,
    // Groups of Kubernetes itself are guarded; these are none.
    annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' },
  },
  spec: {
    ...{ group, scope: 'Namespaced', names: { plural, kind } },
    versions: [
      {
        ...{ name: version, served: true, storage: true },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
})

/** A real API server with the namespace `shoal`, for kubectl and helm. */
export interface RealInstall extends AsyncDisposable {
  readonly server: string
  readonly authority: string
  readonly kubeconfig: string
  /** @throws CommandFailed */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /** Runs helm in the namespace `shoal`. @throws CommandFailed */
  helm(helm: Helm, args: readonly string[]): Promise<string>
}

export const realInstall = (assets: KubeAssets, kubectl: string): Promise<RealInstall> =>
  buildResource(async (stack) => {
    const { server, authority } = stack.own(await realKube(assets))
    const { path } = stack.own(await tempFolder('install'))
    const kube = await kubeClient(stack, { server, authority, user: { token: 'admin' } })
    for (const kind of foreign) await kube.writes.create(definitions, definitionOf(kind))
    for (const kind of foreign) await eventually(() => kube.reads.page(kind, { limit: 1 }))
    const kubeconfig = join(path, 'kubeconfig')
    const cluster = { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') }
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'admin', user: { token: 'admin' } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin', namespace: 'shoal' } }],
    }
    await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 })
    const call = async (args: readonly string[], input = '') =>
      (await run(kubectl, ['--kubeconfig', kubeconfig, ...args], { input, env: { HOME: path } })).stdout
    await call(['create', 'namespace', 'shoal'])
    return {
      ...{ server, authority, kubeconfig, kubectl: call },
      helm: async ({ program }, args) =>
        (await run(program, [...args, '--namespace', 'shoal', '--kubeconfig', kubeconfig], { env: { HOME: path } }))
          .stdout,
    }
  })
