import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { controlPlanes } from '../../../services/controller/accounts/resource/control-plane.ts'
import { type Kube, type Resource, resources } from '../../../services/controller/kubernetes/index.ts'
import { planeSpec } from '../../kit/accounts/accounts-lab.ts'
import { controlPlaneDefinition } from '../../kit/accounts/definition.ts'
import { documentedRights } from '../../kit/accounts/rights.ts'
import { eventually } from '../../kit/eventually.ts'
import { kubeClient } from '../../kit/kube-lab.ts'
import { kubeAssets, realKube } from '../../kit/kube-real.ts'
import { buildResource, type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'
import { accountsContract } from './accounts-contract.ts'

const cluster = (group: string, plural: string, kind: string): Resource => ({
  ...{ group, version: 'v1', plural, kind, namespaced: false },
})
const definitions = cluster('apiextensions.k8s.io', 'customresourcedefinitions', 'CustomResourceDefinition')
const rbac = 'rbac.authorization.k8s.io'
const roles = cluster(rbac, 'clusterroles', 'ClusterRole')
const bindings = cluster(rbac, 'clusterrolebindings', 'ClusterRoleBinding')

const place = () =>
  buildResource(async (stack) => {
    const real = stack.own(await realKube(kubeAssets() ?? { etcd: '', apiserver: '' }))
    const reached = { server: real.server, authority: real.authority }
    const kube = await kubeClient(stack, { ...reached, user: { token: 'admin' }, namespace: 'default' })
    const { metadata, spec } = controlPlaneDefinition() as {
      readonly metadata: { readonly name: string }
      readonly spec: object
    }
    await kube.writes.create(definitions, { metadata, spec })
    await eventually(() => kube.reads.page(controlPlanes, { limit: 1 }))
    await kube.writes.create(roles, { metadata: { name: 'accounts' }, rules: await documentedRights() })
    await kube.writes.create(bindings, {
      metadata: { name: 'accounts' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'accounts' },
      subjects: [{ apiGroup: rbac, kind: 'User', name: 'nobody' }],
    })
    return { ...reached, admin: 'admin', controller: 'poor', kube }
  })

const describeReal = kubeAssets() === undefined ? describe.skip : describe

describeReal('the role accounts with a real kube-apiserver and etcd (KUBEBUILDER_ASSETS)', () => {
  accountsContract(place)
})

describeReal('the custom resource at a real kube-apiserver (KUBEBUILDER_ASSETS)', () => {
  let stack: ResourceStack
  let kube: Kube
  beforeAll(async () => {
    stack = resourceStack()
    kube = stack.own(await place()).kube
  }, 240_000)
  afterAll(async () => stack[Symbol.asyncDispose]())

  const object = (name: string, spec: object) => ({ metadata: { name, namespace: 'default' }, spec })

  test('has its defaults', async () => {
    const made = await kube.writes.create(controlPlanes, object('plain', planeSpec()))
    expect(made['spec']).toMatchObject({
      ...{ paused: false, deletionPolicy: 'Retain', durability: 'backend' },
      origins: { replicas: 3, volume: { size: '100Gi' } },
      network: { loadBalancer: false, allowedCidrs: [] },
    })
  })

  test.each<readonly [string, object, RegExp]>([
    ['a balancer for everybody', { network: { loadBalancer: true } }, /open to everybody/],
    ['a network that is too wide', { network: { allowedCidrs: ['0.0.0.0/0'] } }, /not wider than \/8/],
    ['no origins', { origins: { replicas: 0 } }, /replicas/],
    ['a version that is no tag', { version: 'a b' }, /version/],
    [
      'a secret elsewhere',
      { backend: { ...planeSpec().backend, credentials: { secretName: 'other/secret' } } },
      /secretName/,
    ],
  ])('refuses %s', async (_, spec, why) => {
    await expect(kube.writes.create(controlPlanes, object('bad', planeSpec(spec)))).rejects.toMatchObject({
      ...{ code: 'KUBE_INVALID', message: expect.stringMatching(why) },
    })
  })

  test('refuses names that no namespace can hold, another bucket, and other volumes', async () => {
    await expect(kube.writes.create(controlPlanes, object('a'.repeat(41), planeSpec()))).rejects.toMatchObject({
      message: expect.stringMatching(/at most 40/),
    })
    const made = await kube.writes.create(controlPlanes, object('kept', planeSpec()))
    const ref = { name: made.metadata.name, namespace: 'default' }
    await expect(
      kube.writes.merge(controlPlanes, ref, { spec: { backend: { bucket: 'others' } } }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/bucket of an account stays/),
    })
    await expect(
      kube.writes.merge(controlPlanes, ref, { spec: { origins: { volume: { size: '1Gi' } } } }),
    ).rejects.toMatchObject({ message: expect.stringMatching(/volumes cannot be changed/) })
    await kube.writes.remove(resources.namespaces, { name: 'no-such' })
  })
})
