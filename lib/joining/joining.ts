import { createHash } from 'node:crypto'
import { adminClient, type JoiningClient, joiningCalls, type MemberKind } from '../api/index.ts'
import { appError, background, codeOf, deadline, hasCode, readLinked, type Startable } from '../base/index.ts'
import { type HttpClient, httpClient } from '../http/index.ts'
import type { Principal, Shown } from '../identity/index.ts'
import { type CommonConfig, type ListenerConfig, type Runtime, shoalVersion } from '../service/index.ts'
import { isSafe, type ManagerConfig } from './config.ts'
import { keptJoin } from './kept-join.ts'
import { managerPrincipal } from './manager-key.ts'

/** The parts of a service's config that say how it joins. */
export interface JoiningConfig extends CommonConfig {
  readonly manager?: ManagerConfig
  readonly ops: ListenerConfig
  readonly admin: ListenerConfig
  readonly http?: ListenerConfig
  readonly member?: string
  readonly zone?: string
  /** Where what it gets from the manager is kept; without one, in memory. */
  readonly folder?: string
}

export interface JoiningInit {
  readonly kind: MemberKind
  /** Base URL of an own listener; known after the start. */
  url(listener: 'ops' | 'admin' | 'http'): string
  /** Numbers that a manager shows of this service; default none. */
  readonly capacity?: () => Readonly<Record<string, number>>
}

/** What a service has of its manager. */
export interface Joining extends Startable {
  /** The manager, when a request shows its key. */
  knows(req: Pick<Shown, 'headers'>): Principal | undefined
  /** Names by which it lets itself be called. */
  readonly hosts: readonly string[]
}

const nobody: Joining = {
  knows: () => undefined,
  hosts: [],
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
}

/** Pauses between two tries to join, milliseconds. */
const FIRST_MS = 1_000
const MOST_MS = 30_000
/** A manager that does not answer is away. */
const CALL_MS = 10_000
/** A stop does not wait longer than this until the manager knows of it. */
const FAREWELL_MS = 1_000
const CONNECT_MS = 3_000
const MAX_TOKEN_BYTES = 4_096
const KEY_BYTES = 32
/** How far the pauses between heartbeats differ, so that members do not come all at once. */
const JITTER = 0.2

/**
 * Joins the manager that the config names, in the background, and tells it again and again that this service lives. Without a
 * manager, and while it is away, the service works as ever. @throws CONFIG_INVALID when others could not reach its listeners
 */
export function joining(runtime: Runtime, config: JoiningConfig, init: JoiningInit): Joining {
  if (config.manager === undefined) return nobody
  const { manager } = config
  assertReachable(config, manager)
  const http = httpClient(runtime, { tls: runtime.tls, trustsPublic: true, connectTimeoutMs: CONNECT_MS })
  const key = Buffer.from(runtime.random.bytes(KEY_BYTES)).toString('base64url')
  const member = new Member(runtime, { ...config, manager }, { ...init, http, key })
  let tasks = background(() => undefined)
  return {
    knows: managerPrincipal(key),
    hosts: Object.values(manager.advertise).map((url) => new URL(url).hostname),
    async start() {
      await http.start()
      tasks = background((task, err) => runtime.logger.error('background task failed', { task, err }))
      tasks.run('heartbeats to the manager', (signal) => member.live(signal))
    },
    async stop() {
      await tasks.stop()
      await member.leave()
      await http.stop()
    },
  }
}

const WILDCARDS = ['0.0.0.0', '::']

/** @throws CONFIG_INVALID */
function assertReachable(config: JoiningConfig, { advertise }: ManagerConfig): void {
  for (const name of ['ops', 'admin', 'http'] as const) {
    const host = config[name]?.bind.host
    if (host === undefined || !WILDCARDS.includes(host) || advertise[name] !== undefined) continue
    const message = `manager.advertise.${name}: the listener is bound to all addresses; say at which one the manager reaches it`
    throw appError('CONFIG_INVALID', { message })
  }
}

interface MemberInit extends JoiningInit {
  readonly http: HttpClient
  readonly key: string
}

type MemberConfig = JoiningConfig & { readonly manager: ManagerConfig }

/** One service at its manager. */
class Member {
  readonly #runtime: Runtime
  readonly #config: MemberConfig
  readonly #init: MemberInit
  readonly #client: JoiningClient
  readonly #kept: ReturnType<typeof keptJoin>
  readonly #bornMs: number
  readonly #keySha256: string
  #credential: string | undefined
  /** What was logged last: each trouble once. */
  #told: string | undefined

  constructor(runtime: Runtime, config: MemberConfig, init: MemberInit) {
    this.#runtime = runtime
    this.#config = config
    this.#init = init
    const { url } = config.manager
    this.#client = adminClient(init.http, url, joiningCalls)
    this.#kept = keptJoin(config.folder, { url, member: () => this.#name })
    this.#bornMs = runtime.clock.monotonicMs()
    this.#keySha256 = createHash('sha256').update(init.key).digest('hex')
  }

  /** Joins and lives until the signal fires. */
  async live(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#runtime
    for (let failures = 0; !signal.aborted; ) {
      const pauseMs = await this.#turn(signal).then(
        (heartbeatMs) => {
          failures = 0
          return heartbeatMs * (1 + JITTER * (random.next() - 0.5))
        },
        (err: unknown) => {
          if (signal.aborted) return 0
          this.#tell(err)
          failures += 1
          return Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(10, failures - 1)) * (0.5 + random.next() / 2)
        },
      )
      await clock.sleep(pauseMs, { signal })
    }
  }

  /** Says that it goes; a manager that does not hear it finds out by itself. */
  async leave(): Promise<void> {
    const credential = this.#credential
    this.#credential = undefined
    if (credential === undefined) return
    const limit = deadline(this.#runtime.clock, FAREWELL_MS)
    await this.#client
      .leave({ body: { credential } }, limit)
      .catch((err: unknown) => this.#runtime.logger.debug('the manager does not know that this service stops', { err }))
      .finally(() => limit.release())
  }

  /** One heartbeat, or the join that has to come before it; gives the pause until the next. */
  async #turn(signal: AbortSignal): Promise<number> {
    const limit = deadline(this.#runtime.clock, CALL_MS, signal)
    try {
      const heartbeatMs = await (this.#credential === undefined
        ? this.#join(limit.signal)
        : this.#beat(this.#credential, limit.signal))
      this.#well()
      return heartbeatMs
    } finally {
      limit.release()
    }
  }

  async #beat(credential: string, signal: AbortSignal): Promise<number> {
    try {
      const body = { credential, keySha256: this.#keySha256, ...this.#facts() }
      return (await this.#client.heartbeat({ body }, { signal })).heartbeatMs
    } catch (err) {
      // The manager has been told to forget it, has lost its data, or has older data with another key: the next turn joins.
      if (hasCode(err, 'JOIN_REFUSED')) this.#credential = undefined
      throw err
    }
  }

  async #join(signal: AbortSignal): Promise<number> {
    const kept = await this.#kept.read()
    const joined = await this.#ask({ credential: kept?.credential }, signal).catch(async (err: unknown) => {
      const token = hasCode(err, 'JOIN_REFUSED') && kept !== undefined ? await this.#token() : undefined
      if (token === undefined) throw err
      return this.#ask({ token }, signal)
    })
    const credential = joined.credential ?? kept?.credential
    if (credential === undefined) throw appError('UNKNOWN', { message: 'the manager has given no credential' })
    await this.#kept.write({ url: this.#config.manager.url, member: this.#name, credential })
    this.#credential = credential
    this.#runtime.logger.info('joined the manager', { cluster: joined.cluster })
    return joined.heartbeatMs
  }

  async #ask(
    { credential, token }: { readonly credential?: string | undefined; readonly token?: string },
    signal: AbortSignal,
  ) {
    const { manager } = this.#config
    const shown = credential === undefined ? { token: token ?? (await this.#token()) } : { credential }
    const body = {
      ...shown,
      ...{ kind: this.#init.kind, member: this.#name, urls: this.#urls(), key: this.#init.key },
      ...(manager.insecure === true && { insecure: true }),
      ...this.#facts(),
    }
    return this.#client.join({ body }, { signal })
  }

  /** @throws CONFIG_INVALID when its file cannot be read */
  async #token(): Promise<string | undefined> {
    const { token, tokenFile } = this.#config.manager
    if (tokenFile === undefined) return token?.()
    try {
      return (await readLinked(tokenFile, MAX_TOKEN_BYTES)).trim()
    } catch (err) {
      throw appError('CONFIG_INVALID', { message: 'manager.tokenFile cannot be read', cause: err })
    }
  }

  get #name(): string {
    return this.#config.manager.member ?? this.#config.member ?? new URL(this.#urls().admin).host
  }

  #urls() {
    const { advertise, insecure } = this.#config.manager
    const at = (listener: 'ops' | 'admin' | 'http') => advertise[listener] ?? this.#init.url(listener)
    const admin = at('admin')
    if (insecure !== true && !isSafe(admin)) {
      const message =
        'the manager would show its key to the network; let the admin listener speak TLS, or set manager.insecure: true'
      throw appError('CONFIG_INVALID', { message })
    }
    return { ops: at('ops'), admin, ...(this.#config.http !== undefined && { http: at('http') }) }
  }

  #facts() {
    const { zone, network } = this.#config
    const { clock } = this.#runtime
    return {
      version: shoalVersion,
      uptimeMs: Math.round(clock.monotonicMs() - this.#bornMs),
      ...(zone !== undefined && { zone }),
      ...(network !== undefined && { network }),
      ...(this.#init.capacity !== undefined && { capacity: { ...this.#init.capacity() } }),
    }
  }

  #well(): void {
    if (this.#told !== undefined) this.#runtime.logger.info('the manager answers again')
    this.#told = undefined
  }

  #tell(err: unknown): void {
    const code = codeOf(err) ?? 'UNKNOWN'
    if (code === this.#told) return
    this.#told = code
    this.#runtime.logger.warn('the manager cannot be reached or refuses this service; it works on without it', {
      code,
      err,
    })
  }
}
