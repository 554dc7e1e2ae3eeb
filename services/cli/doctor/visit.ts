import { adminClient, agentAdmin, type PullRow } from '../../../lib/api/index.ts'
import { appError, type Clock, codeOf, type TlsMaterial } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { memberSource } from '../../../lib/service/index.ts'
import type { AgentConfig } from '../../agent/index.ts'
import type { MachineFiles } from '../setup/machine-files.ts'
import { type Answer, ask } from './answer.ts'
import type { RunCommand } from './command.ts'
import type { EngineProbe } from './engine-probe.ts'

/** A service that the agent calls, and what it answers to a question about nothing. */
export interface MemberAnswer {
  readonly ring: string
  readonly id: string
  readonly url: string
  /** What the agent thinks of it; undefined when the agent does not tell. */
  readonly healthy: boolean | undefined
  readonly answer: Answer
}

/** The rings as the agent sees them, or the code of the error instead. */
export type RingsAnswer = { readonly rings: readonly Ring[] } | { readonly code: string }

interface Ring {
  readonly name: string
  readonly members: readonly { readonly id: string; readonly url: string; readonly healthy: boolean }[]
}

/** What the source of a ring says. */
export type SourceAnswer = {
  readonly ring: string
  /** What it is, for people. */
  readonly what: string
  /** A list in the config. */
  readonly isFixed: boolean
} & ({ readonly members: readonly Member[] } | { readonly err: unknown })

/** What a doctor is called to. */
export interface VisitInit {
  /** It shows no secret. */
  readonly http: HttpClient
  /** What certificates are judged by; undefined where the config names no files. */
  readonly tls?: TlsMaterial | undefined
  /** It shows the admin secret; only for the admin listener of the agent. */
  readonly adminHttp: HttpClient
  readonly clock: Clock
  readonly run: RunCommand
  readonly files: MachineFiles
  readonly config: AgentConfig
  /** Whether somebody has given the config; else it is made of defaults. */
  readonly isConfigGiven: boolean
  /** Base URLs of the agent's listeners. */
  readonly urls: { readonly registry: string; readonly ops: string; readonly admin: string }
  /** Its further listeners for clients, as the config says. */
  readonly further: readonly { readonly name: string; readonly url: string }[]
  readonly engine: EngineProbe | undefined
  /** The image to pull, as the engine takes it; undefined: one is looked for. */
  readonly image: string | undefined
}

/** A path of each kind of service that only those who belong to the cluster may ask, about a blob that nobody has. */
const nothing = digestOf(Buffer.from('shoal doctor'))
const guardedPaths: Readonly<Record<string, string>> = {
  origins: `/namespace/shoal%2Fdoctor/blobs/${nothing}`,
  trackers: `/namespace/shoal%2Fdoctor/blobs/${nothing}/metainfo`,
  buildIndexes: '/repositories/shoal%2Fdoctor/tags/doctor',
}

const RINGS = ['origins', 'trackers', 'buildIndexes'] as const
type RingName = (typeof RINGS)[number]

/** The questions of a doctor. Each is asked once, when the first step wants to know. */
export class Visit {
  readonly init: VisitInit
  readonly #known = new Map<string, Promise<unknown>>()
  /** What the engine pulled, and since when; set by the step that pulls. */
  pulled: { readonly image: string; readonly sinceMs: number } | undefined

  constructor(init: VisitInit) {
    this.init = init
  }

  ready(): Promise<Answer> {
    return this.#once('ready', () => ask(this.init.http, `${this.init.urls.ops}/readyz`))
  }

  registry(): Promise<Answer> {
    return this.#once('registry', () => ask(this.init.http, `${this.init.urls.registry}/v2/`))
  }

  /** What each further listener answers to a ping. */
  further(): Promise<readonly { readonly name: string; readonly url: string; readonly answer: Answer }[]> {
    const { http, further } = this.init
    return this.#once('further', () =>
      Promise.all(further.map(async (one) => ({ ...one, answer: await ask(http, `${one.url}/v2/`) }))),
    )
  }

  metrics(): Promise<Answer> {
    return this.#once('metrics', () => ask(this.init.http, `${this.init.urls.ops}/metrics`))
  }

  rings(): Promise<RingsAnswer> {
    return this.#once('rings', async () =>
      this.#admin()
        .rings({})
        .catch((err: unknown) => ({ code: codeOf(err) ?? 'UNKNOWN' })),
    )
  }

  /** Every member of the rings: those that the agent tells, or else those in its config. */
  members(): Promise<readonly MemberAnswer[]> {
    return this.#once('members', async () => {
      const told = await this.rings()
      const { config, http } = this.init
      const rings = 'rings' in told ? told.rings : await this.#namedRings()
      const secret = config.secrets.shown?.()
      const asked = rings.flatMap(({ name, members }) =>
        members.map(async (member): Promise<MemberAnswer> => {
          const { id, url } = member
          const answer = await ask(http, url + (guardedPaths[name] ?? '/'), secret)
          return { ring: name, id, url, healthy: 'healthy' in member ? member.healthy : undefined, answer }
        }),
      )
      return Promise.all(asked)
    })
  }

  /** What each source of members says here, or the error instead. */
  sources(): Promise<readonly SourceAnswer[]> {
    const ask = async (name: RingName): Promise<SourceAnswer> => {
      const source = memberSource(this.init.config[name].members, this.init.config.network)
      const found = await source.read().catch((err: unknown) => ({ err }))
      return { ring: name, what: source.what, isFixed: 'length' in this.init.config[name].members, ...found }
    }
    return this.#once('sources', () => Promise.all(RINGS.map(ask)))
  }

  async #namedRings() {
    return (await this.sources()).map(({ ring, ...found }) => ({
      name: ring,
      members: 'members' in found ? found.members : [],
    }))
  }

  /** The pulls that the agent remembers since a moment, newest first. @throws what the admin listener answers */
  async pullsSince(sinceMs: number): Promise<readonly PullRow[]> {
    const { pulls } = await this.#admin().pulls({ since: String(sinceMs), n: '200' })
    return pulls
  }

  /** The engine; only for steps that are skipped without one. */
  get engine(): EngineProbe {
    if (this.init.engine === undefined) throw appError('CONFIG_INVALID', { message: 'no engine runs here' })
    return this.init.engine
  }

  #admin() {
    return adminClient(this.init.adminHttp, this.init.urls.admin, agentAdmin)
  }

  #once<T>(name: string, question: () => Promise<T>): Promise<T> {
    const known = this.#known.get(name) as Promise<T> | undefined
    const asked = known ?? question()
    this.#known.set(name, asked)
    return asked
  }
}
