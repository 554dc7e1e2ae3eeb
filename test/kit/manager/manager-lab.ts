import { get } from 'node:http'
import { type AdminClient, adminClient, managerApi } from '../../../lib/api/index.ts'
import { type Clock, systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { type LogLine, recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'
import { managerSchema } from '../../../services/manager/config.ts'
import { passwords } from '../../../services/manager/people/index.ts'
import { managerService } from '../../../services/manager/service.ts'
import { buildResource } from '../resource-stack.ts'
import { tempFolder } from '../temp-folder.ts'

/** Quickly made: what is tested is who may come in, not how long it takes. */
export const quickPasswords = () => passwords({ cost: 4, block: 1, parallel: 1 })

/** A manager of which nobody is a user yet. */
export interface ManagerLab extends AsyncDisposable {
  readonly folder: string
  /** Its API with every right. */
  admin(): AdminClient<typeof managerApi>
  readonly logged: readonly LogLine[]
  readonly metrics: ReturnType<typeof recordingMetrics>
  /** What stands behind the # of the last link that the log has told. */
  firstAdminLink(): string | undefined
  /** A request to the listener for people, without anything that says who calls. */
  ask(path: string, init?: AskInit): Promise<Response>
  /** A new user with these roles, signed in: the header with the cookie. */
  signedIn(name: string, roles: readonly string[]): Promise<SignedIn>
  /** A new token of who is signed in so. */
  token(headers: SignedIn, name: string, ...grants: readonly Grant[]): Promise<MadeToken>
  restart(): Promise<void>
}

type SignedIn = Readonly<Record<'cookie', string>>
type Grant = readonly [resource: string, action: string]

export interface MadeToken {
  readonly id: string
  readonly token: string
  /** Who shows it. */
  readonly headers: Readonly<Record<'authorization', string>>
}

const DAY_MS = 86_400_000

export interface AskInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly signal?: AbortSignal
}

export const PASSWORD = 'correct horse battery'

export interface ManagerLabInit {
  readonly clock?: Clock
  /** Keys of the config. */
  readonly config?: Readonly<Record<string, unknown>>
}

/** The cookie that an answer sets, as a browser sends it back. */
export const cookieOf = (response: Response): string => (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''

/** As a browser asks that follows a link; `fetch` says of itself that it is none. */
const visit = (url: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
  new Promise((resolve, reject) => {
    get(url, { headers }, (answer) => {
      const told = new Headers()
      for (const [name, values = []] of Object.entries(answer.headersDistinct))
        for (const value of values) told.append(name, value)
      answer.resume().once('end', () => resolve(new Response(null, { status: answer.statusCode ?? 0, headers: told })))
    }).once('error', reject)
  })

export function managerLab({ clock = systemClock(), config = {} }: ManagerLabInit = {}): Promise<ManagerLab> {
  return buildResource(async (stack) => {
    const { path: folder } = stack.own(await tempFolder('manager'))
    const logger = recordingLogger()
    const metrics = recordingMetrics()
    const anywhere = { bind: '127.0.0.1:auto' }
    const parsed = managerSchema.parse({ folder, http: anywhere, ops: anywhere, admin: anywhere, ...config })
    const service = managerService({ clock, logger, metrics, passwords: quickPasswords() }, parsed)
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const http = httpClient({ clock: systemClock() })
    stack.own({ [Symbol.asyncDispose]: () => http.stop() })
    await http.start()
    const ask: ManagerLab['ask'] = (path, { method = 'GET', headers = {}, json, signal } = {}) =>
      'sec-fetch-mode' in headers
        ? visit(service.url + path, headers)
        : fetch(service.url + path, {
            ...{ method, redirect: 'manual' },
            headers: { ...headers, ...(json !== undefined && { 'content-type': 'application/json' }) },
            ...(json !== undefined && { body: JSON.stringify(json) }),
            ...(signal !== undefined && { signal }),
          })
    const admin = () => adminClient(http, service.adminUrl, managerApi)
    const signIn = async (name: string) => {
      const answer = await ask('/api/v1/sign-in', { method: 'POST', json: { name, password: PASSWORD } })
      if (answer.status !== 200) throw new Error(`sign-in: ${await answer.text()}`)
      return { cookie: cookieOf(answer) }
    }
    return {
      ...{ folder, metrics, ask },
      admin,
      logged: logger.lines,
      firstAdminLink() {
        const links = logger.lines.flatMap(({ fields }) => (typeof fields['link'] === 'string' ? [fields['link']] : []))
        return links.at(-1)?.split('#')[1]
      },
      async signedIn(name: string, roles: readonly string[]) {
        const known = await admin()
          .user({ user: name })
          .catch(() => undefined)
        if (known === undefined) await admin().createUser({ body: { name, password: PASSWORD, roles: [...roles] } })
        return signIn(name)
      },
      async token(headers: SignedIn, name: string, ...grants: readonly Grant[]) {
        const given = grants.map(([resource, action]) => ({ resource, action }))
        const json = { name, grants: given, expiresAtMs: Date.now() + DAY_MS }
        const answer = await ask('/api/v1/me/tokens', { method: 'POST', headers, json })
        const { token, kept } = (await answer.json()) as { token: string; kept: { id: string } }
        return { id: kept.id, token, headers: { authorization: `Bearer ${token}` } }
      },
      async restart() {
        await service.stop()
        await service.start()
      },
    }
  })
}
