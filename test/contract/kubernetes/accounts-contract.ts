import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { controlPlanes } from '../../../services/controller/accounts/resource/control-plane.ts'
import { namespaceOf } from '../../../services/controller/accounts/rules/marks.ts'
import { isJson, type Kube, type KubeObject, resources } from '../../../services/controller/kubernetes/index.ts'
import { credentials, planeSpec } from '../../kit/accounts/accounts-lab.ts'
import { accountsOn } from '../../kit/accounts/accounts-on-server.ts'
import { eventually } from '../../kit/eventually.ts'
import { kubeClient } from '../../kit/kube-lab.ts'
import { type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'

/** An API server that knows the custom resource. */
export interface AccountsPlace extends AsyncDisposable {
  readonly server: string
  /** PEM; undefined without TLS. */
  readonly authority: string | undefined
  /** Token of who may do everything. */
  readonly admin: string
  /** Token of who has the rights of docs/accounts.md, and no others. */
  readonly controller: string
}

const HOME = 'default'

/** What the role `accounts` and an API server do together. No pods run here. */
export function accountsContract(open: () => Promise<AccountsPlace>): void {
  let stack: ResourceStack
  let kube: Kube

  beforeAll(async () => {
    stack = resourceStack()
    const place = stack.own(await open())
    const clientOf = (token: string) =>
      kubeClient(stack, {
        ...{ server: place.server, authority: place.authority, user: { token }, namespace: HOME },
      })
    kube = await clientOf(place.admin)
    await kube.writes.create(resources.secrets, credentials('bucket', HOME))
    await accountsOn(stack, await clientOf(place.controller))
  }, 240_000)
  afterAll(async () => stack[Symbol.asyncDispose]())

  const put = (name: string, spec: object = {}) =>
    kube.writes.create(controlPlanes, { metadata: { name, namespace: HOME }, spec: planeSpec(spec) })
  const plane = (name: string) => kube.reads.get(controlPlanes, { name, namespace: HOME })
  const conditions = ({ status }: KubeObject) => (isJson(status) ? status['conditions'] : undefined)
  const spaceOf = (name: string) => namespaceOf('shoal', { namespace: HOME, name })
  const progressing = (name: string) =>
    eventually(async () =>
      expect(conditions(await plane(name))).toContainEqual(
        expect.objectContaining({ type: 'Progressing', status: 'True' }),
      ),
    )

  test('an account becomes a namespace with all its objects, by the rights of the documentation alone', async () => {
    await put('acme', { network: { loadBalancer: true, allowedCidrs: ['10.1.0.0/16'] }, limits: { cpu: '20' } })
    await progressing('acme')
    const namespace = spaceOf('acme')
    const names = async (kind: keyof typeof resources) =>
      (await kube.reads.page(resources[kind], { namespace, limit: 100 })).objects.map(({ metadata }) => metadata.name)
    expect(await names('statefulSets')).toEqual(['build-index', 'origin', 'tracker'])
    expect(await names('services')).toEqual([
      ...['build-index', 'build-index-0-lb', 'build-index-1-lb', 'origin', 'origin-0-lb', 'origin-1-lb', 'origin-2-lb'],
      ...['tracker', 'tracker-0-lb', 'tracker-1-lb'],
    ])
    expect((await names('networkPolicies')).length).toBe(8)
    expect((await names('disruptionBudgets')).length).toBe(3)
    expect(await names('quotas')).toEqual(['account'])
    expect(conditions(await plane('acme'))).not.toContainEqual(
      expect.objectContaining({ type: 'Degraded', status: 'True' }),
    )
  })

  test('what is applied twice is not changed by the second time', async () => {
    await put('still')
    await progressing('still')
    const namespace = spaceOf('still')
    const versions = async () => {
      const lists = [
        resources.statefulSets,
        resources.services,
        resources.networkPolicies,
        resources.secrets,
        resources.quotas,
      ]
      const all = await Promise.all(lists.map((kind) => kube.reads.page(kind, { namespace, limit: 100 })))
      return all.flatMap(({ objects }) => objects.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`))
    }
    const before = await versions()
    // It has everything applied again.
    await kube.writes.merge(controlPlanes, { name: 'still', namespace: HOME }, { spec: { trackers: { replicas: 3 } } })
    await eventually(async () => {
      const set = await kube.reads.get(resources.statefulSets, { name: 'tracker', namespace })
      expect(set['spec']).toMatchObject({ replicas: 3 })
    })
    const after = (await versions()).filter((version) => !before.includes(version))
    expect(after.map((version) => version.split(' ')[0]).toSorted()).toEqual(['account', 'tracker'])
  })

  test('fields that somebody else has taken are taken back', async () => {
    await put('drift')
    await progressing('drift')
    const namespace = spaceOf('drift')
    const patch = { metadata: { name: 'tracker', namespace }, spec: { replicas: 7 } }
    await kube.writes.apply(resources.statefulSets, patch, { manager: 'somebody', force: true })
    await eventually(async () => {
      const set = await kube.reads.get(resources.statefulSets, { name: 'tracker', namespace })
      expect(set['spec']).toMatchObject({ replicas: 2 })
    })
  })

  test('objects with our marks that nobody wants go, of every kind that is followed', async () => {
    await put('surplus')
    await progressing('surplus')
    const namespace = spaceOf('surplus')
    const kinds = [
      'statefulSets',
      'services',
      'configMaps',
      'networkPolicies',
      'quotas',
      'limitRanges',
      'disruptionBudgets',
    ] as const
    const copied = await Promise.all(
      kinds.map(async (kind) => {
        const [one] = (await kube.reads.page(resources[kind], { namespace, limit: 1 })).objects
        const { labels } = one?.metadata ?? { labels: {} }
        const rest = { ...one, status: undefined }
        const metadata = { name: 'surplus', namespace, labels }
        await kube.writes.create(resources[kind], { ...rest, metadata })
        return kind
      }),
    )
    await eventually(async () => {
      for (const kind of copied) {
        const { objects } = await kube.reads.page(resources[kind], { namespace, limit: 100 })
        expect(objects.map(({ metadata }) => metadata.name)).not.toContain('surplus')
      }
    })
  })

  test('an account that is deleted leaves its namespace, and takes what runs in it along', async () => {
    await put('gone')
    await progressing('gone')
    const namespace = spaceOf('gone')
    await kube.writes.remove(controlPlanes, { name: 'gone', namespace: HOME })
    await eventually(() => expect(plane('gone')).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' }))
    expect((await kube.reads.page(resources.statefulSets, { namespace, limit: 10 })).objects).toEqual([])
    const { metadata } = await kube.reads.get(resources.namespaces, { name: namespace })
    expect(metadata.labels).toMatchObject({ 'shoal.dev/released': 'true' })
    expect(metadata['deletionTimestamp']).toBeUndefined()
  })

  test('an account that takes its data along has its namespace deleted', async () => {
    await put('burnt', { deletionPolicy: 'Delete' })
    await progressing('burnt')
    await kube.writes.remove(controlPlanes, { name: 'burnt', namespace: HOME })
    await eventually(async () => {
      const found = await kube.reads.get(resources.namespaces, { name: spaceOf('burnt') }).catch(() => undefined)
      expect(found === undefined || found.metadata['deletionTimestamp'] !== undefined).toBe(true)
    })
  })
}
