import { describe } from '@jest/globals'
import type { Resource } from '../../../services/controller/kubernetes/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { kubeClient, testKinds } from '../../kit/kube-lab.ts'
import { type KubeAssets, kubeAssets, realKube } from '../../kit/kube-real.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { kubeContract } from './kube-contract.ts'

const definitions: Resource = {
  ...{ group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' },
  ...{ kind: 'CustomResourceDefinition', namespaced: false },
}
const { widgets } = testKinds
const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const definition = {
  metadata: { name: `${widgets.plural}.${widgets.group}` },
  spec: {
    group: widgets.group,
    names: { plural: widgets.plural, kind: widgets.kind },
    scope: 'Namespaced',
    versions: [
      {
        ...{ name: widgets.version, served: true, storage: true, subresources: { status: {} } },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: anything, status: anything } } },
      },
    ],
  },
}

async function place(assets: KubeAssets) {
  const stack = resourceStack()
  const real = stack.own(await realKube(assets))
  const admin = 'admin'
  const kube = await kubeClient(stack, { server: real.server, authority: real.authority, user: { token: admin } })
  await kube.writes.create(definitions, definition)
  await eventually(() => kube.reads.page(widgets, { limit: 1 }))
  return {
    ...{ server: real.server, authority: real.authority, admin, nobody: 'poor', watchMs: 1_000, bookmarks: false },
    ...{ kill: () => real.kill(), start: () => real.start(), forget: () => real.forget() },
    [Symbol.asyncDispose]: async () => stack[Symbol.asyncDispose](),
  }
}

const assets = kubeAssets()
const describeReal = assets === undefined ? describe.skip : describe
describeReal(
  'a real kube-apiserver and etcd (KUBEBUILDER_ASSETS, or TEST_ASSET_ETCD and TEST_ASSET_KUBE_APISERVER)',
  () => {
    kubeContract(() => place(assets ?? { etcd: '', apiserver: '' }))
  },
)
