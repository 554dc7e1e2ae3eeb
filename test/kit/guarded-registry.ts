import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { PassThrough, pipeline, Transform } from 'node:stream'
import { seededRandom } from '../../lib/base/index.ts'
import { memoryRegistryStorage } from '../../lib/registry/index.ts'
import { serveRegistry } from '../contract/registry/serve-registry.ts'
import { keptAlive } from './kept-alive.ts'
import { listening } from './listening.ts'
import { bearer } from './registry-access.ts'
import { type RegistryClient, registryClient } from './registry-client.ts'
import { buildResource } from './resource-stack.ts'
import { type TokenServer, tokenServer } from './token-server.ts'

/** A request that has come to the registry. */
interface SeenAtRegistry {
  /** As `GET /v2/...`. */
  readonly line: string
  readonly authorization: string | undefined
  readonly status: number
}

/** A registry that shows a repository only to who has a token for it, as that of the distribution project does. */
export interface GuardedRegistry {
  /** Its name in images. */
  readonly host: string
  /** Pushes past the guard. */
  readonly behind: RegistryClient
  readonly tokens: TokenServer
  /** Oldest first. */
  readonly seen: readonly SeenAtRegistry[]
  /** A token of a user for a repository, as a client gets it; `''` is nobody. */
  readonly tokenOf: (user: string, repository: string) => Promise<string>
  /** Refuses connections from now on, and cuts those that there are. */
  kill(): Promise<void>
}

export interface GuardedRegistryInit {
  /** Users whose password is `password of NAME`, by name: patterns of the repositories that they may pull from. */
  readonly users: Readonly<Record<string, RegExp>>
  /** What anybody may pull. */
  readonly anonymous?: RegExp
  /** Asks for name and password itself, without a token server. */
  readonly basic?: boolean
  /** The last bytes of each blob that is read come when this has resolved. */
  readonly ends?: Promise<void>
}

export const passwordOf = (user: string) => `password of ${user}`

/** Starts one on a free port. */
export const guardedRegistry = ({ users, anonymous = /^$/, basic = false, ends }: GuardedRegistryInit) =>
  buildResource<GuardedRegistry>(async (stack) => {
    const mayUse = (user: string, repository: string) =>
      (user === '' ? anonymous : (users[user] ?? /^$/)).test(repository)
    const passwords = Object.fromEntries(Object.keys(users).map((user) => [user, passwordOf(user)]))
    const tokens = stack.own(await tokenServer({ users: passwords, anonymous: ['pull'], mayUse }))
    const store = stack.own(await serveRegistry(memoryRegistryStorage({ random: seededRandom(3) })))
    const seen: SeenAtRegistry[] = []

    const maySee = (authorization: string, repository: string) => {
      if (!basic) {
        const access = tokens.accessOf(authorization.replace(/^Bearer /, '')) ?? []
        return access.some(({ name, actions }) => name === repository && actions.includes('pull'))
      }
      const [user = '', password] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
        .toString()
        .split(':')
      return passwords[user] === password && mayUse(user, repository)
    }
    const refusalOf = ({ headers: { authorization = '' }, url = '' }: IncomingMessage): string | undefined => {
      const [, repository] = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(url) ?? []
      const isKnown = basic
        ? authorization !== ''
        : tokens.accessOf(authorization.replace(/^Bearer /, '')) !== undefined
      if (repository === undefined ? isKnown : maySee(authorization, repository)) return undefined
      if (basic) return 'Basic realm="registry of the test"'
      const scope = repository === undefined ? '' : `,scope="repository:${repository}:pull"`
      const error = authorization === '' ? '' : `,error="${isKnown ? 'insufficient_scope' : 'invalid_token'}"`
      return `Bearer realm="${tokens.realm}",service="${tokens.service}"${scope}${error}`
    }
    const serve = (req: IncomingMessage, res: ServerResponse) => {
      const { method = '', url = '', headers } = req
      res.on('close', () =>
        seen.push({ line: `${method} ${url}`, authorization: headers.authorization, status: res.statusCode }),
      )
      const challenge = refusalOf(req)
      if (challenge === undefined) forward(store.url, req, res, /\/blobs\//.test(url) ? ends : undefined)
      else res.writeHead(401, { 'www-authenticate': challenge, 'content-length': 0 }).end()
    }
    const { host, kill } = stack.own(await listening(createServer(keptAlive, serve)))
    return {
      host,
      behind: registryClient(store.url),
      tokens,
      seen,
      kill,
      async tokenOf(user, repository) {
        const query = new URLSearchParams({ service: tokens.service, scope: `repository:${repository}:pull` })
        const headers: Record<string, string> =
          user === '' ? {} : { authorization: `Basic ${Buffer.from(`${user}:${passwordOf(user)}`).toString('base64')}` }
        const answer = await fetch(`${tokens.realm}?${query.toString()}`, { headers })
        return bearer(((await answer.json()) as { readonly token: string }).token).authorization
      },
    }
  })

const agent = new Agent({ keepAlive: false })

/** The same bytes, of which the last chunk waits. */
function endingWith(ends: Promise<void>): Transform {
  let last: Uint8Array | undefined
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      const before = last
      last = chunk
      done(null, before)
    },
    flush(done) {
      if (last === undefined) done()
      else ends.then(() => done(null, last), done)
    },
  })
}

function forward(target: string, req: IncomingMessage, res: ServerResponse, ends?: Promise<void>): void {
  const { hostname, port } = new URL(target)
  const { method, url } = req
  const passed = Object.fromEntries(Object.entries(req.headers).filter(([name]) => name !== 'authorization'))
  const sent = request({ hostname, port, path: url, method, headers: passed, agent }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers)
    pipeline(answer, ends === undefined ? new PassThrough() : endingWith(ends), res, () => undefined)
  })
  sent.on('error', () => void res.destroy())
  res.on('close', () => sent.destroy())
  pipeline(req, sent, () => undefined)
}
