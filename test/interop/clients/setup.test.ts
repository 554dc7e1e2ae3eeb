import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { run } from '../../../services/cli/run.ts'
import {
  type Containerd,
  type ContainerTools,
  containerTools,
  type DebianRegistry,
  type Dockerd,
  startContainerd,
  startDebianRegistry,
  startDockerd,
} from '../../kit/clients/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type ImageLayout, layeredImage, makeImage } from '../../kit/images/index.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { shoalSetup } from '../../kit/shoal-setup.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

/**
 * Real engines with the files that `shoal setup` writes: they pull through the agent, and go on to their next host when
 * the agent does not serve the registry, and when the agent is down.
 */
const stack = resourceStack()
const own = 'registry.test'
/** A registry elsewhere; for want of its DNS name, its place in the file of podman becomes that of `upstream`. */
const far = 'far.test'
const name = 'kit/image:t1'
let shoal: Topology
let upstream: DebianRegistry
let tools: ContainerTools
let containerd: Containerd
let image: ImageLayout
let foreign: ImageLayout
let agent: string
/** Another agent, which as by default serves nobody who names no registry. */
let strict: string
const stopped: string[] = []

const pullMs = 60_000

beforeAll(async () => {
  tools = stack.own(await containerTools())
  containerd = stack.own(await startContainerd())
  upstream = stack.own(await startDebianRegistry())
  const names = `registry.ownNames=["${own}"]`
  const more = (_kind: string, id: string) => (id === 'agent-2' ? { 'registry.default': 'none' } : {})
  const overrides = [`agent.${names}`, `proxy.${names}`]
  shoal = stack.own(await startTopology({ agents: 2, origins: 1, trackers: 1, processes: [], overrides, more }))
  agent = shoal.url('agent-1', 'registry')
  strict = shoal.url('agent-2', 'registry')
  image = await makeImage(join(tools.folder, 'image'), layeredImage({ seed: 'own' }))
  foreign = await makeImage(join(tools.folder, 'foreign'), layeredImage({ seed: 'foreign' }))
  const push = (layout: ImageLayout, to: string) =>
    tools.skopeo(['copy', '--preserve-digests', layout.reference, `docker://${to}/${name}`])
  await push(image, hostOf(shoal.url('proxy-1', 'registry')))
  await push(foreign, upstream.host)
})

afterEach(async () => {
  for (const id of stopped.splice(0)) await shoal.start(id)
  for (const { reference } of await containerd.images()) await containerd.removeImage(reference)
  await tools.podman(['rmi', '--all', '--force'])
})

afterAll(async () => stack[Symbol.asyncDispose]())

const hostOf = (url: string) => new URL(url).host

async function stopAgent(id = 'agent-1') {
  stopped.push(id)
  await shoal.stop(id)
}

/** Runs a setup below a folder of its own; returns the folder. */
async function setUp(engine: string, ...words: readonly string[]): Promise<string> {
  const root = join(tools.folder, `root-${engine}-${words.join('-').replace(/[^a-z0-9]+/gi, '-')}`)
  await mkdir(root, { recursive: true })
  await shoalSetup(engine, '--root', root, '--agent', agent, ...words)
  return root
}

/** Bytes that the agent has given to clients. */
const given = (id: string) => shoal.counter(id, 'shoal_sent_bytes_total', 'to="client"')

async function throughAgent<T>(pulling: () => Promise<T>, id = 'agent-1') {
  const before = await given(id)
  const pulled = await pulling()
  return { pulled, bytes: (await given(id)) - before }
}

describe('containerd', () => {
  const pull = async (root: string, host: string) =>
    (await containerd.pull(`${host}/${name}`, { hostsDir: join(root, 'etc/containerd/certs.d') })).digest

  test(
    'pulls an own name from the agent, and from the proxy when the agent is down',
    async () => {
      const root = await setUp('containerd', '--own', own, '--fallback', shoal.url('proxy-1', 'registry'))
      const { pulled, bytes } = await throughAgent(() => pull(root, own))
      expect(pulled).toBe(image.digest)
      expect(bytes).toBeGreaterThan(0)
      await containerd.removeImage(`${own}/${name}`)
      await stopAgent()
      expect(await pull(root, own)).toBe(image.digest)
    },
    pullMs,
  )

  test.each([['--registry'], ['--all']])(
    'with %s another registry gives its own image: the agent has none, or is down',
    async (flag) => {
      const root = await setUp('containerd', flag, ...(flag === '--all' ? [] : [upstream.host]))
      const { pulled, bytes } = await throughAgent(() => pull(root, upstream.host))
      expect([pulled, bytes]).toEqual([foreign.digest, 0])
      await containerd.removeImage(`${upstream.host}/${name}`)
      await stopAgent()
      expect(await pull(root, upstream.host)).toBe(foreign.digest)
    },
    pullMs,
  )

  test(
    'with --all an own name comes from the agent, and with --fallback no from nobody else',
    async () => {
      const root = await setUp('containerd', '--all', '--fallback', 'no')
      expect(await pull(root, own)).toBe(image.digest)
      await expect(pull(root, upstream.host)).rejects.toThrow(/not found/)
      await stopAgent()
      await containerd.removeImage(`${own}/${name}`)
      await expect(pull(root, own)).rejects.toThrow(/connection refused/)
    },
    pullMs,
  )

  test('starts with the config that a setup has edited, and looks into the folder', async () => {
    const root = join(tools.folder, 'root-config')
    await mkdir(join(root, 'etc/containerd'), { recursive: true })
    const config = join(root, 'etc/containerd/config.toml')
    await writeFile(config, (await tools.containerd(['config', 'default'])).stdout)
    await shoalSetup('containerd', '--root', root, '--agent', agent, '--own', own)
    const { stdout } = await tools.containerd(['--config', config, 'config', 'dump'])
    expect(stdout).toContain('config_path = "/etc/containerd/certs.d"')
  })
})

describe('podman', () => {
  /** Uses the text of the drop-in as the whole config of the tools. */
  async function pull(root: string, host: string): Promise<string> {
    const dropIn = await readFile(join(root, 'etc/containers/registries.conf.d/50-shoal.conf'), 'utf8')
    const text = dropIn.replace(`location = "${far}"`, `location = "${upstream.host}"\ninsecure = true`)
    const config = join(tools.folder, 'config', 'registries.conf')
    const usual = await readFile(config, 'utf8')
    await writeFile(config, text)
    try {
      await tools.podman(['pull', `${host}/${name}`])
    } finally {
      await writeFile(config, usual)
    }
    const told = await tools.podman(['image', 'inspect', '--format', '{{.Digest}}', `${host}/${name}`])
    await tools.podman(['rmi', '--force', `${host}/${name}`])
    return told.stdout.trim()
  }

  test.each([['podman'], ['crio']])(
    'set up for %s: pulls an own name from the agent, and from the proxy when the agent is down',
    async (engine) => {
      const root = await setUp(engine, '--own', own, '--fallback', shoal.url('proxy-1', 'registry'))
      const { pulled, bytes } = await throughAgent(() => pull(root, own))
      expect(pulled).toBe(image.digest)
      expect(bytes).toBeGreaterThan(0)
      await stopAgent()
      expect(await pull(root, own)).toBe(image.digest)
    },
    pullMs,
  )

  test(
    'another registry gives its own image: the agent has none, or is down',
    async () => {
      const root = await setUp('podman', '--registry', far, '--agent', strict)
      const { pulled, bytes } = await throughAgent(() => pull(root, far), 'agent-2')
      expect([pulled, bytes]).toEqual([foreign.digest, 0])
      await stopAgent('agent-2')
      expect(await pull(root, far)).toBe(foreign.digest)
    },
    pullMs,
  )

  test(
    'with --fallback no an own name comes from the agent alone',
    async () => {
      const root = await setUp('podman', '--own', own, '--fallback', 'no')
      expect(await pull(root, own)).toBe(image.digest)
      await stopAgent()
      await expect(pull(root, own)).rejects.toThrow(/connection refused/)
    },
    pullMs,
  )
})

describe('docker', () => {
  test(
    'takes the agent as its mirror on SIGHUP, asks the next mirror when the agent has none or is down, and forgets it after undo',
    async () => {
      const root = join(tools.folder, 'root-docker')
      const configFile = join(root, 'etc/docker/daemon.json')
      await mkdir(join(root, 'etc/docker'), { recursive: true })
      await writeFile(configFile, JSON.stringify({ 'registry-mirrors': [`${upstream.url}/`] }))
      await using dockerd = await startDockerd({ containerd, configFile })
      const before = await readFile(configFile, 'utf8')
      await shoalSetup('docker', '--root', root, '--agent', strict, '--registry', 'docker.io')
      await untilMirrors(dockerd, [`${strict}/`, `${upstream.url}/`])
      // The cluster has an image of that name; it is not docker.io's.
      expect(await dockerd.pull(name)).toBe(foreign.digest)
      await dockerd.removeImages()
      await stopAgent('agent-2')
      expect(await dockerd.pull(name)).toBe(foreign.digest)
      await shoalSetup('docker', '--root', root, '--undo')
      expect(await readFile(configFile, 'utf8')).toBe(before)
      await untilMirrors(dockerd, [`${upstream.url}/`])
    },
    pullMs,
  )

  test(
    'pulls an own name whose host is the agent',
    async () => {
      await using dockerd = await startDockerd({ containerd })
      const { pulled, bytes } = await throughAgent(() => dockerd.pull(`${hostOf(agent)}/${name}`))
      expect(pulled).toBe(image.digest)
      expect(bytes).toBeGreaterThan(0)
    },
    pullMs,
  )
})

/** Tells the engine to read its config, until it has these mirrors. */
async function untilMirrors(dockerd: Dockerd, mirrors: readonly string[]): Promise<void> {
  process.kill(dockerd.pid, 'SIGHUP')
  await eventually(async () => {
    const { stdout } = await dockerd.docker(['info', '--format', '{{json .RegistryConfig.Mirrors}}'])
    expect(JSON.parse(stdout)).toEqual(mirrors)
  })
}

describe('the doctor proves it with a real pull', () => {
  /** Steps that are not ok, and what the last one says. */
  async function doctor(env: Readonly<Record<string, string | undefined>>, ...words: readonly string[]) {
    const config = join(tools.folder, 'agent.yaml')
    await writeFile(config, JSON.stringify({ ...shoal.plan.agent[0]?.config, registry: registryKeys() }))
    const host = recordingHost(env)
    const exit = await run(['doctor', '--json', '--config', config, ...words], host)
    const { findings } = JSON.parse(host.said) as { findings: { id: string; outcome: string; text: string }[] }
    const failed = findings.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id)
    return { exit, failed, last: findings.at(-1)?.text, step: (name: string) => findings.find(({ id }) => id === name) }
  }

  const registryKeys = () => ({ listener: { bind: hostOf(agent) }, ownNames: [own] })
  // An engine that has had the manifest before does not ask for it again.
  const everything = /^the agent answered [1-9]\d* look-ups, \d+ manifests and [1-9]\d* blobs: from/

  test(
    'containerd, set up: every request was answered by the agent',
    async () => {
      const root = await setUp('containerd', '--own', own)
      const { exit, failed, last, step } = await doctor(containerd.env, '--engine', 'containerd', '--root', root)
      expect([failed, exit]).toEqual([[], 0])
      expect(step('engine-config')?.text).toBe(`containerd asks the agent first for: ${own}`)
      expect(step('pull')?.text).toContain(`containerd pulled ${own}/${name} in `)
      expect(last).toMatch(everything)
      expect(await containerd.images()).toEqual([])
    },
    pullMs,
  )

  test(
    'containerd, set up for a name that the agent does not take for its own: the image came from elsewhere',
    async () => {
      const root = await setUp('containerd', '--registry', upstream.host)
      const words = ['--engine', 'containerd', '--root', root, '--image', `${upstream.host}/${name}`] as const
      const { exit, failed, step } = await doctor(containerd.env, ...words)
      expect([failed, exit]).toEqual([['who-answered'], 1])
      expect(step('pull')?.outcome).toBe('ok')
    },
    pullMs,
  )

  test(
    'containerd, not set up: its config is what fails',
    async () => {
      const root = join(tools.folder, 'root-none')
      const { exit, failed } = await doctor(containerd.env, '--engine', 'containerd', '--root', root)
      expect(exit).toBe(1)
      expect(failed).toContain('engine-config')
    },
    pullMs,
  )

  test(
    'podman, set up: every request was answered by the agent',
    async () => {
      const root = await setUp('podman', '--own', own)
      const config = join(tools.folder, 'doctor-registries.conf')
      await writeFile(config, await readFile(join(root, 'etc/containers/registries.conf.d/50-shoal.conf'), 'utf8'))
      const env = { ...tools.env, CONTAINERS_REGISTRIES_CONF: config }
      const { exit, failed, last, step } = await doctor(env, '--engine', 'podman', '--root', root)
      expect([failed, exit]).toEqual([[], 0])
      expect(step('engine-config')?.text).toBe(`podman asks the agent first for: ${own}`)
      expect(last).toMatch(everything)
    },
    pullMs,
  )

  test(
    'docker, whose images name the agent: every request was answered by it',
    async () => {
      await using dockerd = await startDockerd({ containerd })
      const { exit, failed, last } = await doctor(dockerd.env, '--engine', 'docker')
      expect([failed, exit]).toEqual([[], 0])
      expect(last).toMatch(everything)
      expect((await dockerd.docker(['images', '--quiet'])).stdout).toBe('')
    },
    pullMs,
  )

  test(
    'docker with an agent as its mirror that serves strangers: the danger is what fails',
    async () => {
      const root = join(tools.folder, 'root-strangers')
      await mkdir(join(root, 'etc/docker'), { recursive: true })
      const configFile = join(root, 'etc/docker/daemon.json')
      await shoalSetup('docker', '--root', root, '--agent', agent, '--registry', 'docker.io')
      await using dockerd = await startDockerd({ containerd, configFile })
      const { exit, failed, step } = await doctor(dockerd.env, '--engine', 'docker')
      expect([failed, exit]).toEqual([['engine-config'], 1])
      expect(step('engine-config')?.text).toContain('whoever may push here replaces those images')
    },
    pullMs,
  )
})
