import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Backend, memoryBackend } from '../../lib/backend/index.ts'
import type { Startable } from '../../lib/base/index.ts'
import { type Cluster, staticCluster } from '../../lib/cluster/index.ts'
import type { Digest } from '../../lib/core/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { originSchema, originService } from '../../services/origin/index.ts'
import type { Exit } from './child-process.ts'
import { compiledScript } from './compiled-script.ts'
import { eventually } from './eventually.ts'
import { type FaultyBackend, faultyBackend } from './faulty-backend.ts'
import { buildResource } from './resource-stack.ts'
import { startProcess } from './start-process.ts'
import type { Content } from './store-fixture.ts'
import { tempFolder } from './temp-folder.ts'
import { testPorts } from './test-ports.ts'

const project = join(import.meta.dirname, '..', '..')

export interface RingStart {
  /** Members in its config; default: all. */
  readonly members?: readonly string[]
  /** More keys of its config, top-level. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Runs it as a process of its own, which can be killed. Its backend is its own, and no other origin sees it. */
  readonly alone?: boolean
  /** With `alone`: the arguments of Node before the config; default: the origin's program. */
  readonly program?: readonly string[]
  /** Also in this process it uses the backends that its config names. */
  readonly ownBackends?: boolean
}

/** Starts and ends origins of a ring. */
interface RingLives {
  start(id: string, init?: RingStart): Promise<void>
  stop(id: string): Promise<void>
  /** Sends SIGKILL to an origin that runs alone. */
  kill(id: string): Promise<void>
  /** Resolves when an origin that runs alone has ended by itself. */
  ended(id: string): Promise<Exit>
  /** Stops an origin and removes all its data. */
  remove(id: string): Promise<void>
}

/** Requests to the origins of a ring, from outside. */
interface RingRequests {
  url(id: string): string
  /** Gives an origin a copy of a blob, as another origin would; nothing is written to the backend. */
  put(id: string, content: Pick<Content, 'bytes' | 'digest'>): Promise<void>
  /** Reads a blob as a client does; returns the status when it is not 200. */
  read(id: string, digest: Digest): Promise<Buffer | number>
  /** Sends one request to the admin API of an origin; the body is undefined when the answer is empty. */
  admin(id: string, method: string, path: string): Promise<{ readonly status: number; readonly body: unknown }>
  /** The failing readiness checks of an origin, with their reasons. */
  missing(id: string): Promise<Readonly<Record<string, string>>>
  metric(id: string, line: string): Promise<number>
}

/** Addresses and members of a ring. */
interface RingPlaces {
  readonly backend: FaultyBackend
  readonly inner: Backend
  folder(id: string): string
  url(id: string): string
  /** The ring as these members see it. */
  ringOf(...members: readonly string[]): Cluster
}

/** Real origins whose membership may change at each start, over one backend that can be made to fail. */
export type OriginRing = AsyncDisposable & RingPlaces & RingLives & RingRequests

interface Running extends Startable {
  kill(): Promise<void>
  readonly exited?: Promise<Exit>
}

type Listeners = Readonly<Record<'http' | 'ops' | 'admin', number>>

const REPLICAS = 2
const REPOSITORY = 'team/app'

export function originRing(ids: readonly string[], replicas = REPLICAS): Promise<OriginRing> {
  return buildResource(async (stack) => {
    const data = stack.own(await tempFolder('ring')).path
    const ports = await testPorts(ids.length * 3)
    const listeners = new Map<string, Listeners>(
      ids.map((id, i) => [id, ports.take(i, { http: 0, ops: 0, admin: 0 })] as const),
    )
    const inner = memoryBackend()
    const backend = faultyBackend(inner)
    const running = new Map<string, Running>()

    const at = (id: string, listener: keyof Listeners) => `http://127.0.0.1:${listeners.get(id)?.[listener] ?? 0}`
    const membersOf = (members: readonly string[]) => members.map((id) => ({ id, url: at(id, 'http') }))
    const folder = (id: string) => join(data, id)

    const configOf = (id: string, { members = ids, config = {} }: RingStart) => {
      const bind = (port: number | undefined) => ({ bind: `127.0.0.1:${port ?? 'auto'}` })
      const own = listeners.get(id)
      return {
        ...{ member: id, folder: folder(id), peer: bind(undefined), log: 'silent', drain: '1s' },
        ...{ http: bind(own?.http), ops: bind(own?.ops), admin: bind(own?.admin) },
        origins: { members: membersOf(members), replicas },
        trackers: { members: [{ id: 'nobody', url: 'http://127.0.0.1:1' }] },
        backends: [{ repository: '*', backend: { driver: 'file', folder: join(data, `store-of-${id}`) } }],
        ...config,
      }
    }

    const startInside = async (id: string, init: RingStart): Promise<Running> => {
      const backends = { ...backend.backend, backendFor: () => backend.backend, stop: () => Promise.resolve() }
      const shared = init.ownBackends === true ? {} : { backends: { ...backends, start: () => Promise.resolve() } }
      const service = originService({ ...shared, logger: silentLogger() }, originSchema.parse(configOf(id, init)))
      await service.start()
      const stop = () => service.stop()
      return { ...service, start: () => Promise.resolve(), stop, kill: stop }
    }

    const startAlone = async (id: string, init: RingStart): Promise<Running> => {
      const sets = Object.entries(configOf(id, init)).flatMap(([key, value]) => [
        '--set',
        `${key}=${JSON.stringify(value)}`,
      ])
      const args = [...(init.program ?? [await compiledScript('services/origin/main.ts')]), ...sets]
      const ready = async (_output: unknown, signal: AbortSignal) => {
        const answer = await fetch(`${at(id, 'ops')}/healthz`, { signal })
        if (!answer.ok) throw new Error(`not healthy: ${answer.status}`)
        await fetch(at(id, 'http'), { signal })
      }
      const child = await startProcess({ command: process.execPath, args, cwd: project, ready, readyTimeoutMs: 60_000 })
      const end = (signal: NodeJS.Signals) => async () => {
        child.kill(signal)
        await child.exited
      }
      const { exited } = child
      return { start: () => Promise.resolve(), stop: end('SIGTERM'), kill: end('SIGKILL'), exited }
    }

    const end = async (id: string, how: 'stop' | 'kill') => {
      const service = running.get(id)
      running.delete(id)
      await service?.[how]()
    }
    stack.own({
      async [Symbol.asyncDispose]() {
        for (const id of [...running.keys()]) await end(id, 'stop')
      },
    })

    const blobUrl = (id: string, digest: Digest) =>
      `${at(id, 'http')}/namespace/${encodeURIComponent(REPOSITORY)}/blobs/${digest}`

    return {
      backend,
      inner,
      folder,
      url: (id) => at(id, 'http'),
      async start(id, init = {}) {
        running.set(id, await (init.alone === true ? startAlone : startInside)(id, init))
      },
      stop: (id) => end(id, 'stop'),
      kill: (id) => end(id, 'kill'),
      async ended(id) {
        const exit = await running.get(id)?.exited
        if (exit === undefined) throw new Error(`${id} does not run alone`)
        running.delete(id)
        return exit
      },
      async remove(id) {
        await end(id, 'stop')
        await rm(folder(id), { recursive: true })
      },
      async put(id, { bytes, digest }) {
        const answer = await fetch(blobUrl(id, digest), { method: 'PUT', body: bytes, headers: { 'x-shoal-hop': '1' } })
        if (answer.status !== 201) throw new Error(`${id} answered ${answer.status} to a copy`)
      },
      async read(id, digest) {
        const answer = await fetch(blobUrl(id, digest))
        const body = Buffer.from(await answer.arrayBuffer())
        return answer.status === 200 ? body : answer.status
      },
      async admin(id, method, path) {
        const answer = await fetch(at(id, 'admin') + path, { method })
        const text = await answer.text()
        return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
      },
      async missing(id) {
        const answer = await fetch(`${at(id, 'ops')}/readyz`)
        return ((await answer.json()) as { missing?: Record<string, string> }).missing ?? {}
      },
      metric: (id, line) =>
        eventually(async () => {
          const text = await (await fetch(`${at(id, 'ops')}/metrics`)).text()
          const found = text.split('\n').find((each) => each.startsWith(`${line} `))
          return found === undefined ? 0 : Number(found.slice(line.length + 1))
        }),
      ringOf: (...members) =>
        staticCluster(
          { clock: { monotonicMs: () => 0 } as never, logger: silentLogger() },
          { members: membersOf(members), replicas, health: { failures: 3, windowMs: 1, outMs: 1 } },
        ),
    }
  })
}

/** Waits until `holds` is true for an admin answer of a member. */
export async function untilAdmin<T>(
  ring: OriginRing,
  id: string,
  path: string,
  holds: (body: T) => boolean,
): Promise<T> {
  return eventually(async () => {
    const { body } = await ring.admin(id, 'GET', path)
    if (!holds(body as T)) throw new Error(`${id} ${path}: ${JSON.stringify(body)}`)
    return body as T
  })
}
