import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf } from '../../lib/core/index.ts'
import { compiledScript } from './compiled-script.ts'
import { eventually } from './eventually.ts'
import { buildResource, type ResourceStack } from './resource-stack.ts'
import { type RunResult, run } from './run.ts'
import { type StartedProcess, startProcess } from './start-process.ts'

const project = join(import.meta.dirname, '..', '..')
const client = join(import.meta.dirname, 'http-inside.js')

export interface InsideRequest {
  /** Path of the body. */
  readonly file?: string
  readonly token?: string
}

/** What a request from inside a network was answered. */
export interface InsideAnswer {
  readonly status: number
  readonly location: string | null
  /** Of the body. */
  readonly digest: string
  /** The body, unless it is long. */
  readonly text?: string
}

export interface SpaceServiceInit {
  /** Top-level keys. */
  readonly config: Readonly<Record<string, unknown>>
  readonly opsPort: number
  /** Secrets by their names. */
  readonly secrets?: Readonly<Record<string, string>>
}

/** A network namespace: its programs see no other network than what was wired to it. */
export interface NetworkSpace {
  readonly name: string
  run(command: string, args: readonly string[]): Promise<RunResult>
  /** Starts a program of others, until the lab is disposed. */
  start(command: string, args: readonly string[]): Promise<StartedProcess<void>>
  /** Starts a service and waits until it is ready. */
  service(service: string, init: SpaceServiceInit): Promise<StartedProcess<void>>
  /** Sends one request. */
  request(method: string, url: string, init?: InsideRequest): Promise<InsideAnswer>
  /** Pushes a blob with the content of the file to a registry, by its base URL; its digest. */
  push(registry: string, name: string, file: string): Promise<Digest>
  /** The sum of a counter's samples whose labels contain `label`, on an ops listener. */
  counter(opsPort: number, name: string, label?: string): Promise<number>
}

export interface NetworkLab extends AsyncDisposable {
  space(name: string, init?: { readonly nameServer?: string }): Promise<NetworkSpace>
  /** A switch inside one space, with an address there, to which the others are wired with theirs, e.g. `10.0.0.2/24`. */
  network(hub: readonly [NetworkSpace, string], others: readonly (readonly [NetworkSpace, string])[]): Promise<void>
}

/** Why there can be no lab here; undefined where there can. */
export function noNetworkLab(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const missing = ['/usr/sbin/ip', ...programs].find((program) => !existsSync(program))
  return missing && `${missing} is not installed`
}

/** Network namespaces of this process. */
export function networkLab(): Promise<NetworkLab> {
  return buildResource(async (stack) => {
    const ip = (...args: readonly string[]) => run('ip', args)
    let wires = 0
    return {
      async space(name, { nameServer } = {}) {
        const own = `sh${process.pid}-${name}`
        if (nameServer !== undefined) {
          stack.own({ [Symbol.asyncDispose]: () => rm(join('/etc/netns', own), { recursive: true, force: true }) })
          await mkdir(join('/etc/netns', own), { recursive: true })
          await writeFile(join('/etc/netns', own, 'resolv.conf'), `nameserver ${nameServer}\n`)
        }
        await ip('netns', 'add', own)
        stack.own({ [Symbol.asyncDispose]: () => ip('netns', 'del', own).then(() => undefined) })
        await ip('-n', own, 'link', 'set', 'lo', 'up')
        return spaceOf(stack, own)
      },
      async network([hub, address], others) {
        wires += 1
        const bridge = `br${wires}`
        await ip('-n', hub.name, 'link', 'add', bridge, 'type', 'bridge')
        await ip('-n', hub.name, 'address', 'add', address, 'dev', bridge)
        await ip('-n', hub.name, 'link', 'set', bridge, 'up')
        for (const [space, own] of others) {
          wires += 1
          const [near, far] = [`w${wires}`, `eth${wires}`]
          await ip('-n', hub.name, 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', space.name)
          await ip('-n', hub.name, 'link', 'set', near, 'master', bridge, 'up')
          await ip('-n', space.name, 'address', 'add', own, 'dev', far)
          await ip('-n', space.name, 'link', 'set', far, 'up')
        }
      },
    }
  })
}

function spaceOf(stack: ResourceStack, name: string): NetworkSpace {
  const inside = (command: string, args: readonly string[]) => ['netns', 'exec', name, command, ...args]
  const request: NetworkSpace['request'] = async (method, url, { file, token } = {}) => {
    const args = [client, method, url, ...(file === undefined ? [] : [file])]
    const env = { ...process.env, ...(token !== undefined && { TOKEN: token }) }
    return JSON.parse((await run('ip', inside(process.execPath, args), { env })).stdout) as InsideAnswer
  }
  const isReady = async (opsPort: number) => {
    const { status, text } = await request('GET', `http://127.0.0.1:${opsPort}/readyz`)
    if (status !== 200) throw new Error(`not ready: ${status} ${text}`)
  }
  const started = async (command: string, args: readonly string[], ready: () => Promise<void>, env = {}) =>
    stack.own(
      await startProcess({
        ...{ command: 'ip', args: inside(command, args), cwd: project, ready, readyTimeoutMs: 60_000 },
        env: { ...process.env, ...env },
      }),
    )
  return {
    name,
    request,
    run: (command, args) => run('ip', inside(command, args)),
    start: (command, args) => started(command, args, () => Promise.resolve()),
    async service(service, { config, opsPort, secrets = {} }) {
      const program = await compiledScript(`services/${service}/main.ts`)
      const sets = Object.entries(config).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`])
      const env = Object.fromEntries(Object.entries(secrets).map(([key, value]) => [`SHOAL__secrets__${key}`, value]))
      return started(process.execPath, [program, ...sets], () => isReady(opsPort), env)
    },
    async push(registry, name, file) {
      const digest = digestOf(await readFile(file))
      const opened = await request('POST', `${registry}/v2/${name}/blobs/uploads/`)
      const location = new URL(opened.location ?? '', registry)
      location.searchParams.set('digest', digest)
      const closed = await request('PUT', location.href, { file })
      if (closed.status !== 201) throw new Error(`the push answered ${closed.status}: ${closed.text}`)
      return digest
    },
    counter: (opsPort, counter, label = '') =>
      eventually(async () => {
        const { text = '' } = await request('GET', `http://127.0.0.1:${opsPort}/metrics`)
        return text
          .split('\n')
          .filter((line) => line.startsWith(`${counter}{`) && line.includes(label))
          .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
      }),
  }
}
