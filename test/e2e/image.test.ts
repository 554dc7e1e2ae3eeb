import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
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
    expect(starts.map(({ code }) => code)).toEqual([0, 0])

    const flags = ['--volume', `${script}:/inside/inside.mjs:ro`, '--health-interval', '1s']
    const ops = ['--set', 'ops.bind=127.0.0.1:7003']
    await using agent = await container(...hardened, ...flags, IMAGE, 'agent', ...ops)
    await eventually(async () => expect(await agent.state('Health.Status')).toBe('healthy'))
    expect(await agent.exec(MAIN, 'probe', '--live')).toBe('agent: {"status":"ok"}')
    const found = JSON.parse(await agent.exec('/inside/inside.mjs', 'process')) as ProcessOne
    expect(found).toMatchObject({ uid: 10001, gid: 10001, writable: ['/var/lib/shoal'] })
    expect(found.one.slice(0, 3)).toEqual([NODE, MAIN, 'agent'])
    // A process of a health check is one for a moment; what nobody waits for remains one.
    await eventually(async () => expect(await agent.exec('-e', remains)).toBe(''))

    await docker('stop', '--time', '60', agent.id)
    expect(await agent.state('ExitCode')).toBe('0')
  })
})

interface ProcessOne {
  readonly one: readonly string[]
  readonly uid: number
  readonly gid: number
  readonly writable: readonly string[]
}

interface Container extends AsyncDisposable {
  readonly id: string
  /** Runs a script with Node in it. */
  exec(...words: readonly string[]): Promise<string>
  /** A field of what docker says of its state. */
  state(field: string): Promise<string>
}

const containerOf = (id: string): Container => ({
  id,
  exec: (...words) => docker('exec', id, NODE, ...words),
  state: (field) => docker('inspect', '--format', `{{.State.${field}}}`, id),
  async [Symbol.asyncDispose]() {
    await docker('rm', '--force', '--volumes', id)
  },
})

const container = async (...words: readonly string[]) => containerOf(await docker('run', '--detach', ...words))

/** Leaves a process behind, whose parent ends before it. */
const orphan = `require('child_process').spawn(process.execPath, ['-e', 'setTimeout(String, 200)'],
  { detached: true, stdio: 'ignore' }).unref()`
/** Prints the orphans that still run, and the processes that have ended but for which nobody has waited. */
const remains = `const { readdirSync, readFileSync } = require('fs')
  const read = (id, name) => { try { return readFileSync('/proc/' + id + '/' + name, 'utf8') } catch { return '' } }
  const left = (id) => /\\) Z /.test(read(id, 'stat')) || /setTimeout.String/.test(read(id, 'cmdline'))
  console.log(readdirSync('/proc').filter((id) => id > 0 && id != process.pid && left(id)).join())`

/** Both kinds of the command, where they are. */
const composes: readonly (readonly string[])[] = [
  ...(isInstalled('docker-compose') ? [['docker-compose']] : []),
  ...(spawnSync('docker', ['compose', 'version']).status === 0 ? [['docker', 'compose']] : []),
]
if (composes.length === 0) process.stdout.write('skipped: neither docker-compose nor docker compose is installed\n')

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
      await using resources = resourceStack()
      resources.own({
        async [Symbol.asyncDispose]() {
          await compose('down', '--volumes', '--timeout', '60')
        },
      })
      await compose('up', '--detach', '--no-build')
      const ids = (await compose('ps', '--quiet')).split('\n')
      expect(ids.length).toBe(8)
      const containers = ids.map(containerOf)
      for (const each of containers) await eventually(() => each.exec(MAIN, 'probe'))

      const pushed = '127.0.0.1:5000/team/app:t1'
      await dockerd.build(pushed, { files: { 'a.txt': 'through the cluster' }, cmd: ['/a.txt'] })
      const digest = await dockerd.push(pushed)
      for (const agent of ['127.0.0.1:65001', '127.0.0.1:65101']) {
        await docker(
          'rmi',
          ...(await docker('images', '--quiet', '--filter', 'reference=127.0.0.1:*/team/app')).split('\n'),
        )
        expect(await dockerd.pull(`${agent}/team/app:t1`)).toBe(digest)
      }

      const logs = await compose('logs', '--no-color', 'manager-1')
      const [link = ''] = /http:\/\/127\.0\.0\.1:59001\/[^"\s]*#[^"\s]+/.exec(logs) ?? []
      expect(await inside<unknown>('console', link)).toEqual({
        ...{ page: [200, true], signedIn: 200, clusters: ['compose'] },
        members: ['build-index-1', 'origin-1', 'origin-2', 'proxy-1', 'tracker-1'].map((name) => `${name} ok`),
      })

      for (const each of containers.slice(0, 1)) {
        await each.exec('-e', orphan)
        await eventually(async () => expect(await each.exec('-e', remains)).toBe(''))
      }

      await compose('stop', '--timeout', '60')
      for (const each of containers) expect(await each.state('ExitCode')).toBe('0')
    },
    600_000,
  )
})
