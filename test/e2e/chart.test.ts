import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import type { AgentConfig } from '../../services/agent/index.ts'
import { type Helm, helms, type Values } from '../kit/chart/helm.ts'
import { loadServices } from '../kit/chart/load-configs.ts'
import { containersOf, type MadePod, podsOf } from '../kit/chart/pods.ts'
import { shapes } from '../kit/chart/shapes.ts'
import { shoalSetup } from '../kit/shoal-setup.ts'
import { tempFolder } from '../kit/temp-folder.ts'

/** The chart as both helms render it: no cluster is needed to know that what is rendered starts, and with which rights. */
if (helms.length === 0) process.stdout.write('skipped: no helm, see test/kit/install-helm.js\n')
const withHelm = helms.length === 0 ? describe.skip : describe
const each = helms.flatMap((helm) => Object.entries(shapes).map(([shape, values]) => ({ helm, shape, values })))
const titled = each.map((one) => ({ ...one, title: `${one.helm.name}, ${one.shape}` }))
const [anyHelm] = helms as readonly [Helm]

const rendered = new Map<string, ReturnType<Helm['template']>>()
/** What a helm makes of the values, rendered once for all tests. */
function objectsOf(helm: Helm, values: Values): ReturnType<Helm['template']> {
  const key = JSON.stringify([helm.name, values])
  const found = rendered.get(key) ?? helm.template(values)
  rendered.set(key, found)
  return found
}

const rootContainers = ['set-up', 'undo', 'own-folder']

const elsewhere = 'https://manager.example.com:59001'
const anywhere = [{ ipBlock: { cidr: '0.0.0.0/0' } }]

const wrongValues: readonly (readonly [RegExp, Readonly<Record<string, unknown>>])[] = [
  [/agnts/, { agnts: {} }],
  [/registri/, { agents: { config: { registri: {} } } }],
  [/fil\b/, { agents: { cache: { config: { registry: { fil: true } } } } }],
  [/capacty/, { origins: { config: { store: { capacty: '5GB' } } } }],
  [/regoin/, { backend: { driver: 's3', bucket: 'images', regoin: 'eu-west-1' } }],
  [/policy/, { trackers: { config: { policy: 'fastest' } } }],
  [/secrets/, { proxy: { config: { secrets: { push: 'a-secret-in-a-config-map' } } } }],
  [/names/, { controller: { config: { names: { bse: 'c1.example.com' } } } }],
  [/replicas/, { buildIndexes: { replicas: 0 } }],
  [/mode/, { agents: { mode: 'nodes' } }],
  [/tls\.secret/, { tls: { mode: 'secret' } }],
  [/tls\.issuer\.name/, { tls: { mode: 'certManager' } }],
  [/existingClaim/, { backendVolume: { create: false } }],
  [/networkPolicy\.nodes/, { agents: { node: { hostNetwork: true } } }],
  [/secrets\.generate/, { secrets: { generate: false } }],
  [/database\.driver: postgres/, { manager: { enabled: true, replicas: 2 } }],
  [
    /database\.driver: postgres/,
    { manager: { enabled: true, replicas: 2, config: { database: { driver: 'libsql' } } } },
  ],
  [/replcas/, { manager: { enabled: true, replcas: 2 } }],
  [/pasword/, { manager: { enabled: true, config: { database: { pasword: 'x' } } } }],
  [/join\.from/, { join: { url: elsewhere, insecure: true }, secrets: { join: 'a-token-of-another-one' } }],
  [/join\.insecure/, { join: { url: elsewhere, from: anywhere }, secrets: { join: 'a-token-of-another-one' } }],
  [/secrets\.join/, { join: { url: elsewhere, insecure: true, from: anywhere } }],
  [/docker\.\*/, { upstreams: ['docker.*'], agents: { setup: { enabled: true } } }],
]

const keys = { agent: 'agents', origin: 'origins', tracker: 'trackers', buildIndex: 'buildIndexes' } as const
const keyed = serviceKinds.map((kind) => [
  serviceFacts(kind).name,
  kind in keys ? keys[kind as keyof typeof keys] : kind,
]) as readonly (readonly [string, string])[]

withHelm('the chart', () => {
  test('helm finds nothing to complain of', async () => {
    const least = [shapes['default'], shapes['everything']]
    await Promise.all(helms.flatMap((helm) => least.map((values = {}) => helm.lint(values))))
  })

  test.each(titled)('$title: every service takes the config that it is given', async ({ helm, values }) => {
    const { all } = await objectsOf(helm, values)
    const services = await loadServices(all)
    expect(new Set(services.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(5)
    for (const { config, kind } of services) expect([kind, config.secrets.some]).toEqual([kind, true])
  })

  test.each(titled)(
    '$title: no service is killed before its stop has taken as long as its config allows',
    async ({ helm, values }) => {
      const { all } = await objectsOf(helm, values)
      const graces = new Map(podsOf(all).map(({ of, spec }) => [of, spec.terminationGracePeriodSeconds]))
      for (const { of, kind, config } of await loadServices(all)) {
        const { after, close } = 'leave' in config ? (config.leave as AgentConfig['leave']) : { after: 0, close: 0 }
        // An origin takes up to `drain` for what others would read from the backend, and again for what is under way.
        const longestMs = after + close + config.drain * (kind === 'origin' ? 2 : 1)
        expect([of, 1000 * (graces.get(of) ?? 0) > longestMs]).toEqual([of, true])
      }
    },
  )

  test.each(titled)(
    '$title: only what changes files of the node is root, and every limit is set',
    async ({ helm, values }) => {
      const pods = podsOf((await objectsOf(helm, values)).all)
      expect(pods.length).toBeGreaterThanOrEqual(5)
      for (const pod of pods) expectHardened(pod)
    },
  )

  test.each(titled)(
    '$title: what is mounted or named is made by the chart, or by whoever installs it',
    async ({ helm, values }) => {
      const { all } = await objectsOf(helm, values)
      const made = new Set(all.map(({ kind, metadata }) => `${kind} ${metadata.name}`))
      expect(made.size).toBe(all.length)
      const foreign =
        /^(Secret (our-|own$|ca$|tos$|bucket$|images-\S+-tls$)|ConfigMap our-ca$|PersistentVolumeClaim images$|PriorityClass important$)/
      const missing = podsOf(all).flatMap((pod) =>
        namedBy(pod).filter((name) => !made.has(name) && !foreign.test(name)),
      )
      expect(missing).toEqual([])
    },
  )

  test.each(titled)(
    '$title: a port of the node is one of loopback alone, unless the agent has its network',
    async ({ helm, values }) => {
      const ports = podsOf((await objectsOf(helm, values)).all)
        .filter(({ spec }) => spec.hostNetwork !== true)
        .flatMap(({ spec }) => containersOf(spec).flatMap(({ ports = [] }) => ports))
      for (const { hostPort, hostIP } of ports) if (hostPort !== undefined) expect(hostIP).toBe('127.0.0.1')
    },
  )

  test('nobody reads metrics where nobody is named who may', async () => {
    const { all } = await objectsOf(anyHelm, { networkPolicy: { metrics: [] } })
    const policies = all.filter(({ kind }) => kind === 'NetworkPolicy') as readonly unknown[] as readonly Policy[]
    const doors = policies.flatMap(({ spec }) => spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port)))
    expect(doors).toContain('http')
    expect(doors).not.toContain('ops')
  })

  test.each(titled)(
    '$title: its policies let in whoever has a service among the members of its config',
    async ({ helm, values }) => {
      const { all } = await objectsOf(helm, values)
      const policies = all.filter(({ kind }) => kind === 'NetworkPolicy') as readonly unknown[] as readonly Policy[]
      const callers = (component: string, port: string) =>
        policies
          .filter(({ spec }) => spec.podSelector.matchLabels['app.kubernetes.io/component'] === component)
          .map(({ spec }) => spec.ingress.filter(({ ports }) => ports.some((one) => one.port === port)))
          .map((rules) =>
            rules.flatMap(({ from = [] }) =>
              from.map((one) => one.podSelector?.matchLabels['app.kubernetes.io/component']),
            ),
          )
      for (const { kind, config } of await loadServices(all)) {
        const { name } = serviceFacts(kind)
        const rings = (['origins', 'trackers', 'buildIndexes'] as const).filter((ring) => ring in config)
        for (const ring of rings)
          for (const allowed of callers(serviceFacts(ringKinds[ring]).name, 'http'))
            expect([ring, allowed]).toEqual([ring, expect.arrayContaining([name])])
      }
      for (const component of ['agent', 'origin'])
        for (const allowed of callers(component, 'peer'))
          expect(allowed).toEqual(expect.arrayContaining(['agent', 'origin']))
      expect(policies.length > 0).toBe(!JSON.stringify(values).includes('"networkPolicy":{"enabled":false}'))
    },
  )

  test('agents run as a DaemonSet, as a Deployment or both, and never on nodes that only pose as such', async () => {
    const kinds = async (mode: string) => {
      const { all } = await objectsOf(anyHelm, { agents: { mode } })
      const agents = all.filter((one) => podsOf([one])[0]?.labels['app.kubernetes.io/component'] === 'agent')
      const text = JSON.stringify(agents.map((one) => podsOf([one])[0]?.spec.affinity))
      const no = '{"key":"type","operator":"NotIn","values":["virtual-kubelet"]}'
      expect(text.split(no)).toHaveLength(agents.length + 1)
      return agents.map(({ kind }) => kind)
    }
    expect(await kinds('node')).toEqual(['DaemonSet'])
    expect(await kinds('cache')).toEqual(['Deployment'])
    expect(await kinds('both')).toEqual(['DaemonSet', 'Deployment'])
  })

  test('the affinity of the values stays, in each of its terms, beside the one that leaves virtual nodes out', async () => {
    const { all } = await objectsOf(anyHelm, shapes['everything'] ?? {})
    const agents = podsOf(all).filter(({ labels }) => labels['shoal/shape'] !== undefined)
    expect(agents).toHaveLength(2)
    for (const { spec } of agents) {
      expect(spec.affinity).toMatchObject({
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'arch' }, { key: 'type', operator: 'NotIn', values: ['virtual-kubelet'] }] },
            ],
          },
        },
      })
    }
  })

  test.each(wrongValues)('a wrong value fails at install, and the message names it: %s', async (wrong, values) => {
    await Promise.all(helms.map((helm) => expect(helm.template(values)).rejects.toThrow(wrong)))
  })

  test.each(keyed)('every key of the config of %s can be set by a value of the chart', async (service, key) => {
    const whole = parse(readFileSync(join(import.meta.dirname, '../../config', service, 'base.yaml'), 'utf8')) as object
    const more = ['controller', 'manager'].includes(key) ? { enabled: true } : {}
    const { all } = await objectsOf(anyHelm, { [key]: { ...more, config: whole } })
    const name = service === 'agent' ? 'shoal-agent-node' : `shoal-${service}`
    const made = all.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)
    const data = made?.['data'] as { readonly 'config.yaml': string }
    expect(parse(data['config.yaml'])).toMatchObject(whole)
  })

  test('a manager has a volume of its own and is alone, or there are several on one PostgreSQL', async () => {
    const made = async (values: object) => {
      const { all } = await objectsOf(anyHelm, { manager: { enabled: true, ...values } })
      const own = all.filter(({ metadata }) => metadata.name === 'shoal-manager')
      const workload = own.find((one) => podsOf([one]).length > 0)
      const spec = workload?.['spec'] as {
        readonly replicas: number
        readonly volumeClaimTemplates?: readonly object[]
      }
      const kinds = own.map(({ kind }) => kind).toSorted()
      return { kinds, replicas: spec.replicas, claims: spec.volumeClaimTemplates?.length ?? 0 }
    }
    const always = ['ConfigMap', 'NetworkPolicy', 'Service', 'ServiceAccount']
    expect(await made({})).toEqual({ kinds: [...always, 'StatefulSet'], replicas: 1, claims: 1 })
    const database = { driver: 'postgres', host: 'db.example.com' }
    const several = { replicas: 2, claims: 0, kinds: [...always, 'Deployment', 'PodDisruptionBudget'].toSorted() }
    expect(await made({ replicas: 2, config: { database } })).toEqual(several)
    expect(await made({ replicas: 2, secretConfig: { database: { ...database, password: 'x' } } })).toEqual(several)
  })

  test('services that join may be called by the manager, and say where', async () => {
    const { all } = await objectsOf(anyHelm, { manager: { enabled: true } })
    const policies = all.filter(({ kind }) => kind === 'NetworkPolicy') as readonly unknown[] as readonly Policy[]
    const mayCall = (component: string, port: string) =>
      policies
        .filter(({ spec }) => spec.podSelector.matchLabels['app.kubernetes.io/component'] === component)
        .flatMap(({ spec }) => spec.ingress.filter(({ ports }) => ports.some((one) => one.port === port)))
        .some(({ from = [] }) =>
          from.some((one) => one.podSelector?.matchLabels['app.kubernetes.io/component'] === 'manager'),
        )
    for (const component of ['tracker', 'origin', 'build-index'])
      expect([component, mayCall(component, 'admin'), mayCall(component, 'ops')]).toEqual([component, true, true])
    const joining = (await loadServices(all)).flatMap(({ kind, config }) =>
      'manager' in config ? [[kind, config.manager as object] as const] : [],
    )
    expect(joining.map(([kind]) => kind).toSorted()).toEqual(['buildIndex', 'origin', 'tracker'])
    expect(joining.find(([kind]) => kind === 'origin')?.[1]).toMatchObject({
      url: 'http://shoal-manager.shoal.svc.cluster.local:59001',
      advertise: { admin: 'http://pod-0.shoal-origin.shoal.svc.cluster.local:64004' },
    })
    const alone = await objectsOf(anyHelm, { manager: { enabled: true }, join: { enabled: false } })
    for (const { config } of await loadServices(alone.all)) expect('manager' in config).toBe(false)
  })

  test('the words of the set-up and of its undoing are those that shoal takes, and give a node back as it was', async () => {
    const { all } = await objectsOf(anyHelm, shapes['everything'] ?? {})
    const words = (name: string) => {
      const container = podsOf(all)
        .flatMap(({ spec }) => containersOf(spec))
        .find((one) => one.name === name)
      return (container?.args ?? []).slice(1).map((word) => (word === '/host' ? folder.path : word))
    }
    await using folder = await tempFolder('node')
    const config = join(folder.path, 'etc/containerd/config.toml')
    await mkdir(dirname(config), { recursive: true })
    await writeFile(config, 'version = 2\n')
    await shoalSetup(...words('set-up'))
    expect(readFileSync(config, 'utf8')).toContain('config_path')
    const hosts = readFileSync(join(folder.path, 'etc/containerd/certs.d/registry.example.com/hosts.toml'), 'utf8')
    expect(hosts).toContain('http://127.0.0.1:65001')
    await shoalSetup(...words('undo'))
    expect(readFileSync(config, 'utf8')).toBe('version = 2\n')
    expect(existsSync(join(folder.path, 'etc/containerd/certs.d'))).toBe(false)
  })

  test('what is given as secretConfig stands in the Secret of the service, and in no ConfigMap', async () => {
    const password = 'the-password-of-the-registry'
    const upstreams = [{ registry: 'registry.example.com', username: 'shoal', password }]
    const { all } = await objectsOf(anyHelm, { origins: { secretConfig: { upstreams } } })
    const holders = all.filter((one) => JSON.stringify(one).includes(password))
    expect(holders.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(['Secret shoal-origin-secrets'])
  })

  test('no node gets the secrets of services, and each service those that it has a use for', async () => {
    const { all } = await objectsOf(anyHelm, {})
    const secrets = (name: string) => {
      const data = all.find((one) => one.kind === 'Secret' && one.metadata.name === name)?.['stringData']
      return parse((data as { readonly 'secrets.yaml': string })['secrets.yaml']) as {
        readonly secrets: Readonly<Record<string, string>>
      }
    }
    const agent = secrets('shoal-agent-secrets').secrets
    const origin = secrets('shoal-origin-secrets').secrets
    expect(Object.keys(agent)).toEqual(['admin', 'node', 'read'])
    expect(agent['node']).toBe(origin['node'])
    expect(agent['admin']).not.toBe(origin['admin'])
    expect(Object.values(agent)).not.toContain(origin['service'])
    const holders = podsOf(all).filter((pod) => namedBy(pod).includes('Secret shoal-secrets'))
    expect(holders).toEqual([])
  })
})

const ringKinds = { origins: 'origin', trackers: 'tracker', buildIndexes: 'buildIndex' } as const

interface Policy {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> }
    readonly ingress: readonly {
      readonly ports: readonly { readonly port: string }[]
      readonly from?: readonly { readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> } }[]
    }[]
  }
}

function expectHardened({ of, spec }: MadePod): void {
  expect([of, spec.securityContext]).toEqual([
    of,
    expect.objectContaining({ runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } }),
  ])
  const talks = ['controller', 'setup-undo'].some((name) => spec.serviceAccountName?.endsWith(name))
  expect([of, spec.automountServiceAccountToken]).toEqual([of, talks])
  for (const { name, securityContext, resources } of containersOf(spec)) {
    const isRoot = rootContainers.includes(name)
    expect([of, name, securityContext?.runAsUser]).toEqual([of, name, isRoot ? 0 : undefined])
    expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true })
    expect(securityContext?.capabilities?.drop).toEqual(['ALL'])
    expect([name, securityContext?.capabilities?.add === undefined]).toEqual([name, !isRoot])
    expect(securityContext?.privileged).toBeUndefined()
    expect(resources).toMatchObject({ requests: { cpu: expect.anything(), memory: expect.anything() } })
    expect(resources).toMatchObject({ limits: { memory: expect.anything() } })
  }
}

type Named = {
  readonly [kind: string]: { readonly name?: string; readonly secretName?: string; readonly claimName?: string }
}

/** Objects that a pod needs before it starts, as `Kind name`. */
function namedBy({ spec }: MadePod): readonly string[] {
  const volumes = (spec.volumes ?? []) as readonly unknown[] as readonly Named[]
  const claims = new Set(containersOf(spec).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)))
  for (const { name } of spec.volumes ?? []) claims.delete(name)
  // What is left is a claim of a StatefulSet.
  expect([...claims].filter((name) => name !== 'data')).toEqual([])
  return [
    ...volumes.flatMap(({ configMap, secret, persistentVolumeClaim: claim }) => [
      ...(configMap?.name === undefined ? [] : [`ConfigMap ${configMap.name}`]),
      ...(secret?.secretName === undefined ? [] : [`Secret ${secret.secretName}`]),
      ...(claim?.claimName === undefined ? [] : [`PersistentVolumeClaim ${claim.claimName}`]),
    ]),
    ...(spec.serviceAccountName === undefined ? [] : [`ServiceAccount ${spec.serviceAccountName}`]),
    ...(spec.priorityClassName === undefined ? [] : [`PriorityClass ${spec.priorityClassName}`]),
  ]
}
