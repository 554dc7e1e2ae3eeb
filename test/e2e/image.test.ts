import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import {
  BUILD_SECRET,
  buildShoalImage,
  type Containerd,
  type ContainerTools,
  containerTools,
  type Dockerd,
  isInstalled,
  startContainerd,
  startDockerd,
} from '../kit/clients/index.ts'
import { eventually } from '../kit/eventually.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { run } from '../kit/run.ts'

/**
 * The image of docker/Dockerfile, built here, and the cluster of docker/compose.yaml. Both run in a network of their own, as
 * its ports are fixed: all that asks the services runs in containers, too.
 */
const project = resolve(import.meta.dirname, '..', '..')
const IMAGE = 'localhost/shoal:test'
const NODE = '/usr/local/bin/node'
const MAIN = '/opt/shoal/dist/services/cli/main.js'

const stack = resourceStack()
let tools: ContainerTools
let containerd: Containerd
let dockerd: Dockerd

beforeAll(async () => {
  tools = stack.own(await containerTools())
  const engine = async () => {
    containerd = stack.own(await startContainerd({ ownNetwork: true }))
    dockerd = stack.own(await startDockerd({ containerd }))
  }
  await Promise.all([buildShoalImage(tools, IMAGE), engine()])
  await tools.buildah(['push', IMAGE, `docker-archive:${tools.folder}/image.tar:${IMAGE}`])
  await dockerd.docker(['load', '--input', `${tools.folder}/image.tar`])
}, 600_000)

afterAll(async () => stack[Symbol.asyncDispose]())

/** As a careful operator runs it. */
const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--network', 'host']
const script = resolve(import.meta.dirname, '..', 'kit', 'inside-image.js')

/** What a verb of test/kit/inside-image.js finds in a container of the image. */
async function inside<T>(...words: readonly string[]): Promise<T> {
  const mount = ['--volume', `${script}:/inside/inside.mjs:ro`]
  const flags = ['run', '--rm', '--no-healthcheck', ...hardened, ...mount, '--entrypoint', NODE]
  const { stdout } = await dockerd.docker([...flags, IMAGE, '/inside/inside.mjs', ...words])
  return JSON.parse(stdout) as T
}

const print = (line: string) => process.stdout.write(`image: ${line}\n`)
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const docker = async (...args: readonly string[]) => (await dockerd.docker(args)).stdout.trim()

interface Contents {
  readonly files: readonly (readonly [string, number])[]
  readonly wordIn: readonly string[]
}

interface Package {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const packageFile = JSON.parse(readFileSync(resolve(project, 'package.json'), 'utf8')) as Package

describe('the image', () => {
  test('has what runs and nothing else: no TypeScript, no package for developers, no npm and no secret', async () => {
    const { files, wordIn } = await inside<Contents>('contents', BUILD_SECRET)
    const named = (pattern: RegExp) => files.map(([path]) => path).filter((path) => pattern.test(path))
    expect(files.length).toBeGreaterThan(1000)
    expect(wordIn).toEqual([])
    expect(named(/\.(ts|mts|cts|map)$|\/readme\.md$/i)).toEqual([])
    expect(named(/\/(npm|npx|corepack|yarn|\.npmrc|\.npm|_cacache|\.package-lock\.json)(\/|$)/)).toEqual([])
    const developers = Object.keys(packageFile.devDependencies)
    expect(developers.filter((name) => named(new RegExp(`/node_modules/${name}/`)).length > 0)).toEqual([])
    expect(
      Object.keys(packageFile.dependencies).filter((name) => named(new RegExp(`/${name}/package.json$`)).length === 0),
    ).toEqual([])
    const history = await docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', IMAGE)
    expect(history).not.toMatch(/registry|NPM_FLAGS|npm-cache/)

    const bytes = (prefix: string) =>
      files.filter(([path]) => path.startsWith(prefix)).reduce((sum, [, size]) => sum + size, 0)
    const [all, node, packages, code] = [
      bytes('/'),
      bytes(NODE),
      bytes('/opt/shoal/node_modules/'),
      bytes('/opt/shoal/dist/'),
    ]
    print(`${megabytes(all)}: Node ${megabytes(node)}, packages ${megabytes(packages)}, own code ${megabytes(code)}`)
    // Debian's own slim image, which it runs on elsewhere, has 75 MB.
    expect(node + bytes('/opt/') + 75e6).toBeLessThanOrEqual(250e6)
  })

  test('loads every compiled file and every package that it has', async () => {
    const { count, packages, failed } = await inside<{ count: number; packages: number; failed: string[] }>('load')
    expect(failed).toEqual([])
    expect(count).toBeGreaterThan(500)
    expect(packages).toBe(Object.keys(packageFile.dependencies).length)
  })

  test('says what it is: labels, the user, where data goes, and how its health is asked', async () => {
    const [found] = JSON.parse(await docker('image', 'inspect', IMAGE)) as [{ Config: Record<string, unknown> }]
    expect(found.Config).toMatchObject({
      User: '10001:10001',
      WorkingDir: '/var/lib/shoal',
      Volumes: { '/var/lib/shoal': {} },
      Healthcheck: { Test: ['CMD', NODE, MAIN, 'probe'] },
      Labels: {
        'org.opencontainers.image.title': 'shoal',
        'org.opencontainers.image.version': '1.2.3',
        'org.opencontainers.image.revision': 'abc',
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    })
    expect(await docker('run', '--rm', IMAGE)).toContain('Peer-to-peer distribution of container images.')
  })

  test('an agent is ready soon, as nobody, and with nothing to write to but its volume', async () => {
    const starts = await inside<readonly { ms: number; code: number }[]>('start')
    print(`an agent is ready after ${starts.map(({ ms }) => ms).join(', ')} ms`)
    expect(starts.map(({ code }) => code)).toEqual([0, 0, 0])

    const mount = ['--volume', `${script}:/inside/inside.mjs:ro`]
    const health = ['--health-interval', '1s']
    const id = await docker(
      'run',
      '--detach',
      ...hardened,
      ...mount,
      ...health,
      IMAGE,
      'agent',
      '--set',
      'ops.bind=127.0.0.1:7003',
    )
    await eventually(async () =>
      expect(await docker('inspect', '--format', '{{.State.Health.Status}}', id)).toBe('healthy'),
    )
    await eventually(async () =>
      expect(await docker('exec', id, NODE, MAIN, 'probe', '--live')).toBe('agent: {"status":"ok"}'),
    )
    const found = JSON.parse(await docker('exec', id, NODE, '/inside/inside.mjs', 'processes')) as Processes
    expect(found).toMatchObject({ uid: 10001, gid: 10001, writable: ['/var/lib/shoal'] })
    expect(found.one.slice(0, 3)).toEqual([NODE, MAIN, 'agent'])
    expect(found.states.filter(({ state }) => state === 'Z')).toEqual([])

    await docker('stop', '--time', '60', id)
    expect(await docker('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('0')
    await docker('rm', '--volumes', id)
  })
})

interface Processes {
  readonly one: readonly string[]
  readonly states: readonly { readonly id: number; readonly state: string }[]
}

/** Both kinds of the command, where they are. */
const composes: readonly (readonly string[])[] = [
  ...(isInstalled('docker-compose') ? [['docker-compose']] : []),
  ...((await hasPlugin()) ? [['docker', 'compose']] : []),
]
if (composes.length === 0) process.stdout.write('skipped: neither docker-compose nor docker compose is installed\n')

async function hasPlugin(): Promise<boolean> {
  return run('docker', ['compose', 'version']).then(
    () => true,
    () => false,
  )
}

const whereItIs = composes.length > 0 ? describe : describe.skip

whereItIs('docker/compose.yaml', () => {
  test.each(composes)(
    '%s up ends in a cluster through which docker pushes and pulls, and which ends when it is told to',
    async (...words) => {
      const compose = async (...args: readonly string[]) => {
        const [command = '', ...first] = words
        const flags = [...first, '--project-name', 'shoal', '--file', resolve(project, 'docker/compose.yaml')]
        const env = { ...dockerd.env, SHOAL_IMAGE: IMAGE }
        return (await run(command, [...flags, ...args], { env, timeoutMs: 300_000 })).stdout.trim()
      }
      await compose('up', '--detach', '--no-build')
      const ids = (await compose('ps', '--quiet')).split('\n')
      expect(ids.length).toBe(7)
      for (const id of ids) await eventually(() => docker('exec', id, NODE, MAIN, 'probe'))

      const pushed = '127.0.0.1:5000/team/app:t1'
      await dockerd.build(pushed, { files: { 'a.txt': 'through the cluster' }, cmd: ['/a.txt'] })
      const digest = await eventually(() => dockerd.push(pushed))
      for (const agent of ['127.0.0.1:65001', '127.0.0.1:65101']) {
        await docker('rmi', pushed).catch(() => undefined)
        expect(await dockerd.pull(`${agent}/team/app:t1`)).toBe(digest)
        await docker('rmi', `${agent}/team/app:t1`)
      }

      await compose('stop', '--timeout', '60')
      for (const id of ids) expect(await docker('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('0')
      await compose('down', '--volumes')
    },
    600_000,
  )
})

test('every service has a place in docker/compose.yaml', () => {
  const text = readFileSync(resolve(project, 'docker/compose.yaml'), 'utf8')
  for (const kind of serviceKinds) expect(text).toContain(`command: [${serviceFacts(kind).name}]`)
})
