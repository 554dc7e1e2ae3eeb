import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FakeClock, seededRandom, systemClock } from '../../lib/base/index.ts'
import { recordingMetrics, silentLogger } from '../../lib/telemetry/index.ts'
import {
  type Kube,
  type KubeObject,
  kubernetesSchema,
  openKube,
  type Resource,
  type WatchedObjects,
} from '../../services/controller/kubernetes/index.ts'
import type { ResourceStack } from './resource-stack.ts'
import { tempFolder } from './temp-folder.ts'

const core = (plural: string, kind: string, namespaced = true): Resource => ({
  ...{ group: '', version: 'v1', plural, kind, namespaced },
})

/** Kinds of the API that only tests use. */
export const testKinds = {
  namespaces: core('namespaces', 'Namespace', false),
  configMaps: core('configmaps', 'ConfigMap'),
  /** A custom resource with a status. */
  widgets: { group: 'test.example', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true },
} as const

/** What the client of a test runs with, and what it has measured. */
export const kubeParts = () => ({
  ...{ clock: systemClock(), random: seededRandom(1), logger: silentLogger(), metrics: recordingMetrics() },
})

export interface KubeconfigInit {
  readonly server: string
  /** PEM. */
  readonly authority?: string | undefined
  /** Keys of the user: `{ token: 'x' }`. */
  readonly user?: object
  readonly namespace?: string
}

/** Writes a kubeconfig that only its owner reads. */
export async function writeKubeconfig(path: string, init: KubeconfigInit): Promise<void> {
  const { server, authority, user = {}, namespace } = init
  const cluster = {
    server,
    ...(authority !== undefined && { 'certificate-authority-data': Buffer.from(authority).toString('base64') }),
  }
  const config = {
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', ...(namespace && { namespace }) } }],
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user }],
  }
  await writeFile(path, JSON.stringify(config))
  await chmod(path, 0o600)
}

/** A client that has been started, of the server that the kubeconfig names. */
export async function kubeClient(stack: ResourceStack, init: KubeconfigInit, clock?: FakeClock): Promise<Kube> {
  const { path } = stack.own(await tempFolder('kube'))
  const kubeconfig = join(path, 'config')
  await writeKubeconfig(kubeconfig, init)
  const parts = { ...kubeParts(), ...(clock !== undefined && { clock }) }
  const kube = openKube(parts, kubernetesSchema.parse({ access: 'kubeconfig', kubeconfig }))
  await kube.start()
  stack.own({ [Symbol.asyncDispose]: () => kube.stop() })
  return kube
}

/** Resolves as soon as what is known is like this; it is looked at after each change. */
export function untilKnown<T>(watched: WatchedObjects<T>, isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const ends: (() => void)[] = []
    const look = () => {
      if (!isSo()) return
      for (const end of ends) end()
      resolve()
    }
    ends.push(watched.onChange(look))
    look()
  })
}

/** An object of a namespace. */
export const named = (namespace: string, name: string, rest: object = {}): KubeObject => ({
  metadata: { name, namespace },
  ...rest,
})

/** Time of a fake clock passes, in steps that are short beside what is under way on sockets, until it is so. */
export async function pump(clock: FakeClock, isSo: () => boolean, stepMs = 20): Promise<void> {
  while (!isSo()) {
    await clock.advance(stepMs)
    await systemClock().sleep(1)
  }
}
