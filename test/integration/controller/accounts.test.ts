import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { claimNamespace } from '../../../services/controller/accounts/account/claim-namespace.ts'
import { controlPlaneOf, controlPlanes } from '../../../services/controller/accounts/resource/control-plane.ts'
import { FINALIZER, labelsOf, OWNER, OWNER_UID, RELEASED } from '../../../services/controller/accounts/rules/marks.ts'
import { isJson, type Resource, resources } from '../../../services/controller/kubernetes/index.ts'
import { type AccountsLab, accountsLab, credentials, HOME, isSettled } from '../../kit/accounts/accounts-lab.ts'

let lab: AccountsLab
beforeEach(async () => {
  lab = await accountsLab()
})
afterEach(async () => lab.stop())

const namesIn = (resource: Resource, namespace: string) =>
  lab.kube
    .all(resource)
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name)

const spaceOf = (name: string) =>
  lab.kube.all(resources.namespaces).find(({ metadata }) => metadata.name === lab.namespace(name))

const imageOf = (namespace: string, set: string): string => {
  const found = lab.kube
    .all(resources.statefulSets)
    .find(({ metadata }) => metadata.namespace === namespace && metadata.name === set)
  return /"image":"([^"]+)"/.exec(JSON.stringify(found))?.[1] ?? 'none'
}

const runs = (name: string) => {
  const status = lab.plane(name)?.['status']
  return isJson(status) ? status['version'] : undefined
}

const settled = (name: string) => lab.until(() => isSettled(lab, name))

describe('an account', () => {
  test('gets a namespace of its own with everything in it, and says so in its status', async () => {
    lab.do.account('acme')
    await settled('acme')
    const namespace = lab.namespace('acme')
    expect(namesIn(resources.statefulSets, namespace)).toEqual(['build-index', 'origin', 'tracker'])
    expect(namesIn(resources.pods, namespace).length).toBe(7)
    expect(namesIn(resources.networkPolicies, namespace)).toContain('deny-all')
    expect(namesIn(resources.quotas, namespace)).toEqual(['account'])
    expect(namesIn(resources.secrets, namespace)).toEqual([
      ...['build-index-secrets', 'build-index-tls', 'origin-secrets', 'origin-tls'],
      ...['shoal-agents', 'shoal-authority', 'shoal-tokens', 'tracker-secrets', 'tracker-tls'],
    ])
    const plane = lab.plane('acme')
    expect(plane?.metadata.finalizers).toEqual([FINALIZER])
    expect(plane?.['status']).toMatchObject({
      ...{ namespace, version: 'v1', observedGeneration: 1 },
      components: { origins: { ready: 3, wanted: 3 }, trackers: { ready: 2, wanted: 2 } },
    })
    expect(lab.role.accounts().accounts).toEqual([
      expect.objectContaining({ account: `${HOME}/acme`, health: 'ready', version: 'v1', wantedVersion: 'v1' }),
    ])
  })

  test('is not written to while nothing changes', async () => {
    lab.do.account('acme')
    await settled('acme')
    await lab.pass(20)
    const before = lab.kube.store.revision
    await lab.pass(1_400)
    expect(lab.kube.store.revision).toBe(before)
  })

  test('has its drift repaired at once, and secrets at the next look at everything', async () => {
    lab.do.account('acme')
    await settled('acme')
    const namespace = lab.namespace('acme')
    lab.kube.drop(resources.networkPolicies, 'deny-all', namespace)
    const quota = lab.kube.all(resources.quotas)[0]
    lab.kube.put(resources.quotas, { ...quota, spec: { hard: { pods: '1000' } } })
    await lab.until(() => namesIn(resources.networkPolicies, namespace).includes('deny-all'), 20)
    await lab.until(() => JSON.stringify(lab.kube.all(resources.quotas)[0]).includes('"pods":"7"'), 20)
    lab.kube.drop(resources.secrets, 'origin-secrets', namespace)
    await lab.until(() => namesIn(resources.secrets, namespace).includes('origin-secrets'), 650)
  })

  test('has its balancers only while it wants them', async () => {
    lab.do.account('acme', { network: { loadBalancer: true, allowedCidrs: ['10.1.0.0/16'] } })
    await settled('acme')
    const namespace = lab.namespace('acme')
    const balancers = lab.kube.all(resources.services).filter(({ metadata }) => metadata.name.endsWith('-lb'))
    // Each leads to one pod: a balancer that chooses among the members of a ring would break it.
    const chosen = balancers.map(
      (service) => /"statefulset.kubernetes.io\/pod-name":"([^"]+)"/.exec(JSON.stringify(service))?.[1],
    )
    expect(chosen.toSorted()).toEqual(namesIn(resources.pods, namespace).toSorted())
    for (const service of balancers.filter(({ metadata }) => metadata.name === 'origin-2-lb'))
      lab.kube.put(resources.services, { ...service, status: { loadBalancer: { ingress: [{ ip: '10.1.0.9' }] } } })
    await lab.until(() => JSON.stringify(lab.plane('acme')?.['status']).includes('"origins":["origin-2=10.1.0.9"]'))
    lab.do.edit('acme', { network: {} })
    await lab.until(() => !namesIn(resources.services, namespace).includes('origin-2-lb'))
    expect(namesIn(resources.services, namespace)).toEqual(['build-index', 'origin', 'tracker'])
  })
})

describe('an upgrade', () => {
  test('brings build-indexes, then trackers, then one origin after the other', async () => {
    lab.do.account('acme')
    await settled('acme')
    lab.life.worst.clear()
    const seen: string[] = []
    const done = lab.kube.store.follow(lab.kube.store.revision, ({ kind, now }) => {
      if (kind.plural !== 'pods' || now === undefined || now['status'] !== undefined) return
      seen.push(now.metadata.name)
    })
    lab.do.edit('acme', { version: 'v2' })
    await lab.until(() => runs('acme') === 'v2')
    done()
    expect(seen).toEqual([
      ...['build-index-1', 'build-index-0', 'tracker-1', 'tracker-0', 'origin-2', 'origin-1', 'origin-0'],
    ])
    expect([...lab.life.worst.values()].every((missing) => missing <= 1)).toBe(true)
  })

  test('waits for an origin that has what is nowhere else, has it walk, and says so', async () => {
    lab.do.account('acme')
    await settled('acme')
    const namespace = lab.namespace('acme')
    lab.handOvers.set(`${namespace}/origin-0`, { state: 'staying', isWalked: false, unsafe: 3, failures: 0 })
    lab.do.edit('acme', { version: 'v2' })
    await lab.until(() => lab.condition('acme', 'Progressing')['message'] === 'origin-0 hands over its blobs')
    await lab.pass(60)
    expect(lab.life.worst.get(`${namespace}/origin`) ?? 0).toBe(0)
    lab.handOvers.set(`${namespace}/origin-0`, { state: 'staying', isWalked: true, unsafe: 3, failures: 0 })
    await lab.until(() => runs('acme') === 'v2')
    expect(lab.told).toEqual([`walk ${namespace}/origin-0`])
  })

  test('to an image that does not run stops at the first pod, and goes back when the version does', async () => {
    lab.do.account('acme')
    await settled('acme')
    const namespace = lab.namespace('acme')
    lab.life.brokenImages.add('registry.test/shoal:bad')
    lab.do.edit('acme', { version: 'bad' })
    await lab.until(() => String(lab.condition('acme', 'Progressing')['message']).includes('ImagePullBackOff'))
    await lab.pass(100)
    expect(imageOf(namespace, 'tracker')).toBe('registry.test/shoal:v1')
    expect(lab.condition('acme', 'Ready')).toMatchObject({ status: 'True' })
    await lab.until(() => lab.condition('acme', 'Degraded')['reason'] === 'RolloutStuck', 1_400)
    lab.do.edit('acme', { version: 'v1' })
    await settled('acme')
    expect(lab.condition('acme', 'Degraded')['status']).toBe('False')
  })

  test('to pods that ask for less, or for more, is not stopped by the quota, which follows', async () => {
    const memory = () => {
      const [quota] = lab.kube.all(resources.quotas)
      return /"requests.memory":"([^"]+)"/.exec(JSON.stringify(quota))?.[1]
    }
    lab.do.account('acme')
    await settled('acme')
    const usual = memory()
    for (const size of ['4Gi', '512Mi', '1Gi']) {
      lab.do.edit('acme', { origins: { memory: size }, trackers: { memory: size }, buildIndexes: { memory: size } })
      await lab.pass(5)
      await settled('acme')
    }
    expect(memory()).toBe(usual)
  })

  test('of origins that become fewer has the last one leave first, and one that is wanted again stay', async () => {
    lab.do.account('acme', { origins: { replicas: 4 } })
    await settled('acme')
    const namespace = lab.namespace('acme')
    lab.do.edit('acme', { origins: { replicas: 2 } })
    await settled('acme')
    expect(lab.told).toEqual([`leave ${namespace}/origin-3`, `leave ${namespace}/origin-2`])
    expect(namesIn(resources.pods, namespace).filter((name) => name.startsWith('origin'))).toEqual([
      'origin-0',
      'origin-1',
    ])
    expect(namesIn(resources.volumeClaims, namespace)).toContain('data-origin-3')
  })

  test('does not begin while the account is paused', async () => {
    lab.do.account('acme')
    await settled('acme')
    lab.do.edit('acme', { paused: true, version: 'v2' })
    await lab.until(() => lab.condition('acme', 'Progressing')['reason'] === 'Paused')
    lab.kube.drop(resources.networkPolicies, 'deny-all', lab.namespace('acme'))
    await lab.pass(100)
    expect(namesIn(resources.networkPolicies, lab.namespace('acme'))).not.toContain('deny-all')
    expect(imageOf(lab.namespace('acme'), 'build-index')).toBe('registry.test/shoal:v1')
    expect(lab.role.accounts().accounts[0]?.health).toBe('paused')
  })
})

describe('an account that is deleted', () => {
  test('keeps its namespace, volumes and secrets, and gets them back under the same name', async () => {
    lab.do.account('acme')
    await settled('acme')
    const namespace = lab.namespace('acme')
    const tokens = () =>
      lab.kube.all(resources.secrets).find(({ metadata }) => metadata.name === 'shoal-tokens')?.['data']
    const before = tokens()
    lab.do.remove('acme')
    await lab.until(() => lab.plane('acme') === undefined)
    expect(namesIn(resources.pods, namespace)).toEqual([])
    expect(namesIn(resources.services, namespace)).toEqual([])
    expect(namesIn(resources.volumeClaims, namespace).length).toBe(5)
    expect(tokens()).toEqual(before)
    lab.do.account('acme')
    await lab.until(() => lab.condition('acme', 'Degraded')['reason'] === 'NamespaceForeign')
    const { uid = '' } = spaceOf('acme')?.metadata ?? {}
    expect(lab.condition('acme', 'Degraded')['message']).toContain(`shoal.dev/adopt: ${uid}`)
    lab.do.takeBack('acme')
    await settled('acme')
    expect(tokens()).toEqual(before)
  })

  test('takes nothing back for a resource that is known no more as it is', async () => {
    lab.do.account('acme')
    await settled('acme')
    lab.do.remove('acme')
    await lab.until(() => lab.plane('acme') === undefined)
    await lab.stop()
    lab.do.account('acme')
    const { uid: adopts = '' } = spaceOf('acme')?.metadata ?? {}
    const now = controlPlaneOf(lab.plane('acme') as never)
    const claim = (more: object) =>
      claimNamespace({
        ...{ plane: { ...now, adopts, ...more }, place: { namespace: lab.namespace('acme'), domain: 'x' } },
        ...{ reads: lab.kube.reads, writes: lab.kube.writes, signal: new AbortController().signal },
      } as never)
    for (const old of [{ uid: 'dead' }, { resourceVersion: '1' }]) {
      await expect(claim(old)).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
      expect(spaceOf('acme')?.metadata.labels).toMatchObject({ [RELEASED]: 'true' })
    }
    await claim({})
    expect(spaceOf('acme')?.metadata.labels).toMatchObject({ [OWNER_UID]: now.uid })
    await lab.do.restart()
  })

  test('goes with all its data when it says so', async () => {
    lab.do.account('acme', { deletionPolicy: 'Delete' })
    await settled('acme')
    const namespace = lab.namespace('acme')
    lab.do.remove('acme')
    await lab.until(() => lab.plane('acme') === undefined)
    expect(namesIn(resources.volumeClaims, namespace)).toEqual([])
    expect(lab.kube.all(resources.namespaces).map(({ metadata }) => metadata.name)).not.toContain(namespace)
  })
})

describe('what is missing stands in the condition Degraded', () => {
  const degraded = (reason: string) => lab.until(() => lab.condition('acme', 'Degraded')['reason'] === reason)
  const message = () => String(lab.condition('acme', 'Degraded')['message'])

  test('for limits that are too small, and for networks of the cluster itself; then it goes on', async () => {
    await lab.stop()
    lab = await accountsLab({ clusterNetworks: ['10.96.0.0/12'], annotations: ['x.io/known'] })
    lab.do.account('acme', { limits: { memory: '1Gi' } })
    await degraded('LimitsTooSmall')
    expect(message()).toContain('spec.limits.memory is 1Gi')
    lab.do.edit('acme', { limits: {}, network: { allowedCidrs: ['10.97.0.0/16'] } })
    await degraded('NetworkForbidden')
    expect(namesIn(resources.statefulSets, lab.namespace('acme'))).toEqual([])
    lab.do.edit('acme', { network: { annotations: { 'x.io/known': 'a', 'x.io/other': 'b' } } })
    await lab.until(() => message().includes('x.io/other is not among accounts.annotations'))
    expect(lab.condition('acme', 'Degraded')['reason']).toBe('NetworkForbidden')
    lab.do.edit('acme', { network: { annotations: { 'x.io/known': 'a' } } })
    await settled('acme')
    expect(lab.condition('acme', 'Degraded')['reason']).toBe('AsExpected')
    expect(lab.role.accounts().accounts[0]?.lastError?.reason).toBe('NetworkForbidden')
  })

  test('for tokens that somebody has changed: they are never made anew while there are some', async () => {
    lab.do.account('acme')
    await settled('acme')
    const tokens = () => lab.kube.all(resources.secrets).find(({ metadata }) => metadata.name === 'shoal-tokens')
    lab.kube.put(resources.secrets, { ...tokens(), data: { node: 'c2hvcnQ=' } })
    await lab.until(() => lab.condition('acme', 'Degraded')['reason'] === 'SecretsMalformed', 700)
    expect(tokens()?.['data']).toEqual({ node: 'c2hvcnQ=' })
    expect(lab.condition('acme', 'Ready')['status']).toBe('True')
    lab.kube.drop(resources.secrets, 'shoal-tokens', lab.namespace('acme'))
    await lab.until(() => isSettled(lab, 'acme') && tokens() !== undefined)
  })

  test('for a token that is to follow another: both are given to all, one component after the other', async () => {
    lab.do.account('acme')
    await settled('acme')
    const find = (name: string) => lab.kube.all(resources.secrets).find(({ metadata }) => metadata.name === name)
    const dataOf = (name: string) => (find(name)?.['data'] ?? {}) as Record<string, string>
    const text = (name: string, key: string) => Buffer.from(dataOf(name)[key] ?? '', 'base64').toString()
    const old = text('shoal-tokens', 'node')
    const data = dataOf('shoal-tokens')
    const put = (more: object) =>
      lab.kube.put(resources.secrets, { ...find('shoal-tokens'), data: { ...data, ...more } })
    put({ 'also.node': Buffer.from('short').toString('base64') })
    await lab.until(() => lab.condition('acme', 'Degraded')['reason'] === 'SecretsMalformed', 700)
    put({ 'also.node': Buffer.from('f'.repeat(32)).toString('base64') })
    await lab.until(() => text('shoal-agents', 'secrets.yaml').includes('f'.repeat(32)) && isSettled(lab, 'acme'), 700)
    for (const name of ['shoal-agents', 'origin-secrets', 'tracker-secrets', 'build-index-secrets'])
      expect(JSON.parse(text(name, 'secrets.yaml'))).toMatchObject({ secrets: { node: [old, 'f'.repeat(32)] } })
  })

  test('for credentials that change, the pods get the new ones, one origin after the other', async () => {
    lab.do.account('acme')
    await settled('acme')
    lab.life.worst.clear()
    const old = new Set(lab.kube.all(resources.pods).map(({ metadata }) => metadata.uid))
    lab.kube.put(resources.secrets, credentials('bucket', HOME, 'NEW'))
    await lab.until(
      () =>
        lab.kube
          .all(resources.pods)
          .every(({ metadata: { uid, name } }) => !old.has(uid) || name.startsWith('tracker')),
      900,
    )
    await settled('acme')
    expect([...lab.life.worst.values()].every((missing) => missing <= 1)).toBe(true)
  })
})

describe('many accounts', () => {
  test('50 are reconciled, and broken ones stop no other', async () => {
    const names = Array.from({ length: 50 }, (_, at) => `account-${at}`)
    const [hangs, fails, lacks, foreign] = names
    const backend = { driver: 's3', bucket: 'images', region: 'cn-beijing', credentials: { secretName: 'missing' } }
    lab.kube.put(resources.namespaces, { metadata: { name: lab.namespace(foreign ?? '') } })
    lab.kube.fault = ({ namespace, name }) => {
      if ([namespace, name].includes(lab.namespace(hangs ?? ''))) return 'hang'
      return [namespace, name].includes(lab.namespace(fails ?? '')) ? 'before' : undefined
    }
    for (const name of names) lab.do.account(name, name === lacks ? { backend } : {})
    const broken = [hangs, fails, lacks, foreign]
    const good = names.filter((name) => !broken.includes(name))
    await lab.until(() => good.every((name) => isSettled(lab, name)), 120)
    expect(lab.condition(lacks ?? '', 'Degraded')['reason']).toBe('CredentialsMissing')
    expect(lab.condition(foreign ?? '', 'Degraded')['reason']).toBe('NamespaceForeign')
    // An edit of one that works is not held up by those that do not, either.
    lab.do.edit('account-40', { trackers: { replicas: 3 } })
    await lab.until(() => isSettled(lab, 'account-40'), 60)
    lab.kube.fault = () => undefined
    await lab.until(() => [hangs, fails].every((name) => isSettled(lab, name ?? '')), 120, 5_000)
    const { total, accounts } = lab.role.accounts()
    expect([total, accounts.filter(({ health }) => health === 'ready').length]).toEqual([50, 48])
  })

  test('a controller that does not lead any more writes nothing', async () => {
    lab.do.account('acme')
    await settled('acme')
    await lab.stop()
    const before = lab.kube.written.length
    lab.do.edit('acme', { version: 'v2' })
    lab.kube.drop(resources.networkPolicies, 'deny-all', lab.namespace('acme'))
    await lab.pass(50)
    expect(lab.kube.written.length).toBe(before)
    await lab.do.restart()
    await lab.until(() => runs('acme') === 'v2')
  })
})

describe('no account reaches another one', () => {
  const uidOf = (name: string) => lab.plane(name)?.metadata.uid ?? ''

  test('a namespace that is there and not ours is not taken over, and not deleted with the account', async () => {
    const namespace = lab.namespace('acme')
    const foreign = { metadata: { name: namespace, labels: { team: 'other' } } }
    const before = JSON.stringify(lab.kube.put(resources.namespaces, foreign))
    lab.do.account('acme', { deletionPolicy: 'Delete' })
    await lab.until(() => lab.condition('acme', 'Degraded')['reason'] === 'NamespaceForeign')
    lab.do.remove('acme')
    await lab.until(() => lab.plane('acme') === undefined)
    const after = lab.kube.all(resources.namespaces).find(({ metadata }) => metadata.name === namespace)
    expect(JSON.stringify(after)).toBe(before)
    expect(namesIn(resources.secrets, namespace)).toEqual([])
  })

  test('a namespace with marks that somebody has copied is not ours without the uid of the resource', async () => {
    lab.do.account('acme')
    await settled('acme')
    const real = lab.kube.all(resources.namespaces).find(({ metadata }) => metadata.name === lab.namespace('acme'))
    lab.kube.put(resources.namespaces, { metadata: { ...real?.metadata, name: lab.namespace('other') } })
    lab.do.account('other', { deletionPolicy: 'Delete' })
    await lab.until(() => lab.condition('other', 'Degraded')['reason'] === 'NamespaceForeign')
    lab.do.remove('other')
    await lab.until(() => lab.plane('other') === undefined)
    expect(namesIn(resources.namespaces, lab.namespace('other'))).toEqual([])
    expect(lab.kube.all(resources.namespaces).map(({ metadata }) => metadata.name)).toContain(lab.namespace('other'))
    expect(isSettled(lab, 'acme')).toBe(true)
  })

  test('a namespace with the marks of a released one is not taken over, nor written to, without consent', async () => {
    const name = lab.namespace('acme')
    const labels = { ...labelsOf({ name: 'acme', uid: 'any' }), [RELEASED]: 'true' }
    const copy = { metadata: { name, labels, annotations: { [OWNER]: `${HOME}/acme` } } }
    const before = JSON.stringify(lab.kube.put(resources.namespaces, copy))
    lab.do.account('acme', { deletionPolicy: 'Delete' })
    await lab.until(() => lab.condition('acme', 'Degraded')['reason'] === 'NamespaceForeign')
    lab.do.remove('acme')
    await lab.until(() => lab.plane('acme') === undefined)
    expect(JSON.stringify(spaceOf('acme'))).toBe(before)
    expect(namesIn(resources.secrets, name)).toEqual([])
  })

  test('credentials come from a Secret beside the resource alone, and never stand in a status or an event', async () => {
    lab.kube.put(resources.namespaces, { metadata: { name: 'theirs' } })
    lab.kube.put(resources.secrets, {
      metadata: { name: 'rich', namespace: 'theirs' },
      data: { accessKeyId: 'QQ==', secretAccessKey: 'QQ==' },
    })
    const backend = { driver: 's3', bucket: 'images', region: 'cn-beijing' }
    lab.do.account('one', { backend: { ...backend, credentials: { secretName: 'rich' } } })
    lab.do.account('two', { backend: { ...backend, credentials: { secretName: 'rich', namespace: 'theirs' } } })
    lab.do.account('three', { backend: { ...backend, credentials: { secretName: '../theirs/rich' } } })
    await lab.until(() => lab.condition('one', 'Degraded')['reason'] === 'CredentialsMissing')
    await lab.until(() => lab.condition('two', 'Degraded')['reason'] === 'SpecInvalid')
    await lab.until(() => lab.condition('three', 'Degraded')['reason'] === 'SpecInvalid')
    lab.do.account('acme')
    await settled('acme')
    const lines = lab.logger.lines.map(({ fields, message }) => [message, fields, String(fields['err'])])
    const told = JSON.stringify([lab.kube.all(controlPlanes), lab.events, lab.role.accounts(), lines])
    const secrets = lab.kube.all(resources.secrets).flatMap(({ data }) => (isJson(data) ? Object.values(data) : []))
    const plain = secrets.map((text) => Buffer.from(String(text), 'base64').toString())
    for (const text of [...secrets.map(String), ...plain].filter(({ length }) => length > 4))
      expect(told).not.toContain(text)
  })

  test('everything that one account writes is in its own namespace, and its secrets are no other account’s', async () => {
    lab.do.account('one')
    lab.do.account('two')
    await settled('one')
    await settled('two')
    const own = { one: lab.namespace('one'), two: lab.namespace('two') }
    for (const [name, namespace] of Object.entries(own)) {
      const marked = [resources.statefulSets, resources.services, resources.secrets, resources.networkPolicies].flatMap(
        (kind) => lab.kube.all(kind).filter(({ metadata }) => metadata.labels?.[OWNER_UID] === uidOf(name)),
      )
      expect(new Set(marked.map(({ metadata }) => metadata.namespace))).toEqual(new Set([namespace]))
    }
    const tokens = lab.kube.all(resources.secrets).filter(({ metadata }) => metadata.name === 'shoal-tokens')
    const values = tokens.flatMap(({ data }) => (isJson(data) ? Object.values(data) : []))
    expect(new Set(values).size).toBe(8)
    const namespaces = new Set(lab.kube.written.map(({ namespace }) => namespace))
    expect(namespaces).toEqual(new Set([undefined, HOME, own.one, own.two]))
    const inHome = lab.kube.written.filter(({ namespace }) => namespace === HOME)
    expect(new Set(inHome.map(({ resource }) => resource.plural))).toEqual(new Set(['controlplanes']))
  })
})
