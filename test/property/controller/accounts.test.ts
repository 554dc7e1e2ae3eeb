import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Random, seededRandom } from '../../../lib/base/index.ts'
import { controlPlanes } from '../../../services/controller/accounts/resource/control-plane.ts'
import { MANAGED_BY, OWNER_UID } from '../../../services/controller/accounts/rules/marks.ts'
import { resources } from '../../../services/controller/kubernetes/index.ts'
import { type AccountsLab, accountsLab, credentials, HOME, isSettled } from '../../kit/accounts/accounts-lab.ts'

const NAMES = ['one', 'two', 'three', 'four'] as const
const WATCHER = 'watcher'

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T

/** What may happen to accounts and to the API of the cluster. */
const deeds: Readonly<Record<string, (lab: AccountsLab, name: string, random: Random) => void | Promise<void>>> = {
  create: (lab, name) => {
    if (lab.plane(name) === undefined) {
      lab.do.account(name)
      lab.do.takeBack(name)
    }
  },
  version: (lab, name, random) => lab.do.edit(name, { version: pick(random, ['v1', 'v2', 'v3']) }),
  origins: (lab, name, random) => lab.do.edit(name, { origins: { replicas: 1 + Math.floor(random.next() * 4) } }),
  balancer: (lab, name, random) =>
    lab.do.edit(name, { network: { loadBalancer: random.next() < 0.5, allowedCidrs: ['10.1.0.0/16'] } }),
  pause: (lab, name, random) => lab.do.edit(name, { paused: random.next() < 0.5 }),
  spoil: (lab, name) => lab.do.edit(name, { version: 'not a tag' }),
  remove: (lab, name, random) => {
    lab.do.edit(name, { deletionPolicy: random.next() < 0.5 ? 'Delete' : 'Retain' })
    lab.do.remove(name)
  },
  drift: (lab, name, random) => {
    const kind = pick(random, [
      resources.services,
      resources.networkPolicies,
      resources.configMaps,
      resources.statefulSets,
    ])
    const own = lab.kube.all(kind).filter(({ metadata }) => metadata.namespace === lab.namespace(name))
    if (own.length > 0) lab.kube.drop(kind, pick(random, own).metadata.name, lab.namespace(name))
  },
  faults: (lab, _, random) => {
    lab.kube.fault = () => {
      const drawn = random.next()
      if (drawn < 0.05) return 'before'
      return drawn < 0.1 ? 'after' : undefined
    }
  },
  calm: (lab) => {
    lab.kube.fault = () => undefined
  },
  restart: (lab) => lab.do.restart(),
}

const scenario = async (seed: number, script: readonly (readonly [string, number])[]) => {
  const random = seededRandom(seed)
  const lab = await accountsLab({ resync: '30s' })
  lab.kube.put(resources.namespaces, { metadata: { name: 'foreign' } })
  lab.kube.put(resources.secrets, credentials('bucket', 'foreign', 'THEIRS'))
  lab.kube.put(resources.configMaps, { metadata: { name: 'tracker', namespace: 'foreign' }, data: {} })
  const theirs = () =>
    JSON.stringify(
      [resources.secrets, resources.configMaps, resources.namespaces].map((kind) =>
        lab.kube
          .all(kind)
          .filter(({ metadata }) => [metadata.namespace, metadata.name].some((at) => at === 'foreign' || at === HOME)),
      ),
    )
  const before = theirs()
  lab.do.account(WATCHER)
  await lab.until(() => isSettled(lab, WATCHER))
  for (const [deed, at] of script) {
    await deeds[deed]?.(lab, NAMES[at] ?? 'one', random)
    await lab.pass(1 + Math.floor(random.next() * 10))
  }
  lab.kube.fault = () => undefined
  for (const name of NAMES) lab.do.edit(name, { paused: false, version: 'v4' })
  const isDone = (name: string) => lab.plane(name) === undefined || isSettled(lab, name)
  await lab.until(() => [...NAMES, WATCHER].every(isDone), 1_500)
  await lab.pass(70)

  expect(theirs()).toBe(before)
  expect(lab.kube.written.some(({ namespace }) => namespace === 'foreign')).toBe(false)
  expect(
    lab.kube.written.filter(({ namespace, resource }) => namespace === HOME && resource !== controlPlanes),
  ).toEqual([])
  for (const name of NAMES) {
    const plane = lab.plane(name)
    const inside = lab.kube.all(resources.pods).filter(({ metadata }) => metadata.namespace === lab.namespace(name))
    if (plane === undefined) {
      expect(inside).toEqual([])
      continue
    }
    const { origins = {} } = plane['spec'] as { readonly origins?: { readonly replicas?: number } }
    expect(inside.filter(({ metadata }) => metadata.name.startsWith('origin')).length).toBe(origins.replicas ?? 3)
    expect(new Set(inside.map((pod) => /registry.test\/shoal:\w+/.exec(JSON.stringify(pod['spec']))?.[0]))).toEqual(
      new Set(['registry.test/shoal:v4']),
    )
    const marked = [resources.statefulSets, resources.services, resources.networkPolicies, resources.secrets].flatMap(
      (kind) => lab.kube.all(kind).filter(({ metadata }) => metadata.labels?.[OWNER_UID] === plane.metadata.uid),
    )
    expect(new Set(marked.map(({ metadata }) => metadata.namespace))).toEqual(new Set([lab.namespace(name)]))
    expect(marked.every(({ metadata }) => metadata.labels?.[MANAGED_BY] === 'shoal-controller')).toBe(true)
  }
  // At most one pod of each component of the account that nobody has touched was ever away.
  for (const [key, missing] of lab.life.worst) if (key.startsWith(lab.namespace(WATCHER))) expect(missing).toBe(0)
  await lab.stop()
}

test('whatever happens to accounts and to the API of the cluster, each ends as it is to be, and nothing foreign is touched', async () => {
  const step = fc.tuple(fc.constantFrom(...Object.keys(deeds)), fc.nat(NAMES.length - 1))
  const script = fc.array(step, { minLength: 15, maxLength: 40, size: 'max' })
  await fc.assert(fc.asyncProperty(fc.integer(), script, scenario), { numRuns: 3, endOnFailure: true })
})
