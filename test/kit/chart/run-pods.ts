import { chmod, cp, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { serviceFacts, serviceKinds } from '../../../lib/service/index.ts'
import { compiledScript } from '../compiled-script.ts'
import { buildResource, type ResourceStack } from '../resource-stack.ts'
import { type RunResult, run } from '../run.ts'
import { startProcess } from '../start-process.ts'
import { tempFolder } from '../temp-folder.ts'
import { type TestAuthority, testAuthority } from '../tls-authority.ts'
import type { Manifest } from './helm.ts'
import { type ClusterName, podAddress, podNetwork } from './pod-network.ts'
import { type Container, expanded, type MadePod, type PodSpec, podsOf } from './pods.ts'

/** The services of a rendered chart, which run. */
export interface RunningPods extends AsyncDisposable {
  /** Names of the pods. */
  readonly names: readonly string[]
  /** Runs the only container of another pod, in the network of a pod that runs. @throws CommandFailed */
  runIn(pod: string, spec: PodSpec): Promise<RunResult>
  /** What an answer of the listener of a pod with this port says. */
  get(pod: string, port: string, path: string): Promise<string>
}

interface Placed extends MadePod {
  readonly name: string
  readonly address: string
  readonly container: Container
}

type Texts = Readonly<Record<string, string>>
type Volume = {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string; readonly items?: readonly { readonly key: string }[] }
}

/** Pods on this many nodes. */
const NODES = 2

/** One pod for each that Kubernetes would run on two nodes. */
function placedPods(all: readonly Manifest[]): readonly Placed[] {
  const made = all.flatMap((manifest) => {
    const isHook = manifest.metadata.annotations?.['helm.sh/hook'] !== undefined
    const [pod] = isHook ? [] : podsOf([manifest])
    if (pod === undefined) return []
    const { replicas = NODES } = manifest['spec'] as { readonly replicas?: number }
    return Array.from({ length: replicas }, (_, i) => ({ ...pod, name: `${manifest.metadata.name}-${i}` }))
  })
  return made.map((pod, i) => {
    const [container] = pod.spec.containers
    if (container === undefined) throw new Error(`${pod.of} has no container`)
    return { ...pod, address: podAddress(i), container }
  })
}

interface ServiceSpec {
  readonly selector: Texts
  readonly clusterIP?: string
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[]
}

const portOf = ({ ports = [] }: Container, name: string): number => {
  const found = ports.find((port) => port.name === name)
  if (found === undefined) throw new Error(`no port is called ${name}`)
  return found.containerPort
}

/** What the DNS of a cluster says of a Service. */
function namesOf(service: Manifest, pods: readonly Placed[]): readonly ClusterName[] {
  const { selector, clusterIP, ports } = service['spec'] as ServiceSpec
  const chosen = pods.filter(({ labels }) => Object.entries(selector).every(([key, value]) => labels[key] === value))
  const host = `${service.metadata.name}.shoal.svc.cluster.local`
  const all = { name: host, addresses: chosen.map(({ address }) => address) }
  if (clusterIP !== 'None') return [all]
  const own = chosen.map(({ name, address }) => ({ name: `${name}.${host}`, addresses: [address] }))
  const srv = ports.map(({ name, targetPort }) => ({
    name: `_${name}._tcp.${host}`,
    targets: chosen.map((pod) => ({ host: `${pod.name}.${host}`, port: portOf(pod.container, targetPort) })),
  }))
  return [all, ...own, ...srv]
}

/** What cert-manager would write for a Certificate. */
function issued(certificate: Manifest, authority: TestAuthority): readonly [string, Texts] {
  const { secretName, dnsNames, ipAddresses } = certificate['spec'] as {
    readonly secretName: string
    readonly dnsNames: readonly string[]
    readonly ipAddresses: readonly string[]
  }
  const own = authority.issue({ hosts: [...dnsNames, ...ipAddresses] })
  return [secretName, { 'tls.crt': own.certificate, 'tls.key': own.key, 'ca.crt': authority.certificate }]
}

/** The content of all Secrets and ConfigMaps, by `kind name`. */
function contents(all: readonly Manifest[]): ReadonlyMap<string, Texts> {
  const authority = testAuthority()
  return new Map(
    all.flatMap((one): readonly (readonly [string, Texts])[] => {
      if (one.kind === 'Certificate') {
        const [name, texts] = issued(one, authority)
        return [[`Secret ${name}`, texts]]
      }
      const texts = (one['data'] ?? one['stringData']) as Texts | undefined
      return texts === undefined ? [] : [[`${one.kind} ${one.metadata.name}`, texts]]
    }),
  )
}

/** What a volume brings; undefined for those that are empty at first. */
function contentOf({ configMap, secret }: Volume, known: ReadonlyMap<string, Texts>): Texts | undefined {
  if (configMap === undefined && secret === undefined) return undefined
  const key = configMap === undefined ? `Secret ${secret?.secretName ?? ''}` : `ConfigMap ${configMap.name}`
  const texts = known.get(key)
  if (texts === undefined) throw new Error(`nobody makes ${key}`)
  const items = secret?.items?.map((item) => item.key)
  return Object.fromEntries(Object.entries(texts).filter(([file]) => items?.includes(file) ?? true))
}

/** Writes what the kubelet would mount, below a folder that stands for `/`. */
async function mountAll(root: string, spec: PodSpec, container: Container, known: ReadonlyMap<string, Texts>) {
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const volume = (spec.volumes ?? []).find((one) => one.name === name)
    const texts = volume === undefined ? undefined : contentOf(volume, known)
    for (const [file, text] of Object.entries(texts ?? {})) {
      await mkdir(join(root, mountPath), { recursive: true })
      await writeFile(join(root, mountPath, file), text)
      await chmod(join(root, mountPath, file), 0o440)
    }
  }
}

const variablesOf = (container: Container, pod: string, known: ReadonlyMap<string, Texts>): Texts =>
  expanded(container, ({ valueFrom }) => {
    const secret = valueFrom?.secretKeyRef
    if (secret !== undefined) return known.get(`Secret ${secret.name}`)?.[secret.key] ?? ''
    return valueFrom?.fieldRef?.fieldPath === 'spec.nodeName' ? `node-of-${pod}` : pod
  })

/** Own mounts: what a pod sees in place of the machine's files. */
const inPod = (root: string, shared: string) => [
  ...['unshare', '--mount', 'sh', '-c', 'mount --bind "$0/etc" /etc && mount --bind "$1" /srv && shift && exec "$@"'],
  ...[root, shared],
]

/** A folder that stands for `/` in a pod, with what finds names. */
async function rootFolder(stack: ResourceStack, nameServer: string): Promise<string> {
  const { path } = stack.own(await tempFolder('pod'))
  await mkdir(join(path, 'etc'))
  await mkdir(join(path, 'var/lib/shoal'), { recursive: true })
  const files = {
    'resolv.conf': `nameserver ${nameServer}\nsearch shoal.svc.cluster.local svc.cluster.local cluster.local\n`,
    hosts: '127.0.0.1 localhost\n',
    'nsswitch.conf': 'hosts: files dns\n',
    passwd: 'root:x:0:0::/:/bin/sh\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, 'etc', name), text)
  return path
}

/**
 * Runs each service of the chart as its pod would: with the files that are mounted, the variables and the words of its
 * container, an address of its own, and the names that the DNS of a cluster gives to its Services. Resolves when the
 * readiness probe of each succeeds. Kubernetes itself has no part in it.
 */
export const runPods = (all: readonly Manifest[]): Promise<RunningPods> =>
  buildResource(async (stack) => {
    const network = stack.own(await podNetwork())
    const known = contents(all)
    const pods = placedPods(all)
    const shared = join(stack.own(await tempFolder('srv')).path)
    await mkdir(join(shared, 'shoal'))
    const words = new Map<string, readonly string[]>()
    for (const { name, address } of pods) words.set(name, await network.add(address))
    await network.resolve(all.filter(({ kind }) => kind === 'Service').flatMap((service) => namesOf(service, pods)))
    const wordsOf = (pod: string) => words.get(pod) ?? []
    const url = ({ address, container }: Placed, port: string, path: string) =>
      `http://${address}:${portOf(container, port)}${path}`

    const start = async (pod: Placed) => {
      const { name, spec, container } = pod
      const [service = '', ...flags] = container.args ?? []
      const kind = serviceKinds.find((each) => serviceFacts(each).name === service)
      if (kind === undefined) throw new Error(`${name} runs no service`)
      const root = await rootFolder(stack, network.nameServer)
      await mountAll(root, spec, container, known)
      const program = await compiledScript(`services/${service}/main.ts`)
      const [command = '', ...args] = [...wordsOf(name), ...inPod(root, shared), process.execPath, program, ...flags]
      const probe = container.readinessProbe?.httpGet ?? { path: '/readyz', port: 'ops' }
      stack.own(
        await startProcess({
          ...{ command, args, cwd: join(root, 'var/lib/shoal'), readyTimeoutMs: 120_000 },
          env: { PATH: process.env['PATH'], ...variablesOf(container, name, known) },
          ready: () => network.get(url(pod, probe.port, probe.path)).then(() => undefined),
        }),
      )
    }
    const started = await Promise.allSettled(pods.map(start))
    for (const outcome of started) if (outcome.status === 'rejected') throw outcome.reason
    return {
      names: pods.map(({ name }) => name),
      async runIn(pod, spec) {
        const [container] = spec.containers
        const [, script = ''] = container?.command ?? []
        if (container === undefined) throw new Error('it has no container')
        const root = await rootFolder(stack, network.nameServer)
        await mountAll(root, spec, container, known)
        // Only /etc and /srv are the pod's own.
        const inEtc = join('/etc', basename(dirname(script)), basename(script))
        await cp(join(root, dirname(script)), join(root, dirname(inEtc)), { recursive: true })
        const [command, ...args] = [...wordsOf(pod), ...inPod(root, shared), process.execPath, inEtc]
        return run(command, args, { env: { PATH: process.env['PATH'], ...variablesOf(container, pod, known) } })
      },
      async get(name, port, path) {
        const pod = pods.find((one) => one.name === name)
        if (pod === undefined) throw new Error(`no pod ${name}`)
        return network.get(url(pod, port, path))
      },
    }
  })
