import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { json } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import type { KeyedCertificate } from '../../../lib/certificates/index.ts'
import type { Resource } from '../../../services/controller/kubernetes/index.ts'
import { testPorts } from '../test-ports.ts'
import { type ApiPath, apiPath } from './api-path.ts'
import { apiVersionOf, type Kind, knownKinds } from './kinds.ts'
import { KubeStore, storeKey } from './kube-store.ts'
import { Operations, type Write } from './operations.ts'
import { badRequest, Refusal, statusOf } from './refusal.ts'
import { fieldTest, labelTest } from './selectors.ts'
import { type Fields, isFields, type Stored } from './stored.ts'
import { type Watching, watching } from './watching.ts'

/** A request, as rules see it. */
export interface Asked {
  readonly user: string
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'
  /** `pods`, or `pods/status`. */
  readonly resource: string
  readonly namespace: string | undefined
  readonly name: string | undefined
}

/** What a request gets instead of an answer. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Never answered. */
  | 'hang'
  /** The connection is cut; `afterwards`: when the request has been done. */
  | 'cut'
  | 'cut-afterwards'

export interface KubeServerInit {
  /** Kinds of custom resources. */
  readonly kinds?: readonly Kind[]
  /** Speaks TLS; clients may show a certificate of the authorities, whose common name is then the user. */
  readonly tls?: { readonly own: KeyedCertificate; readonly authorities: readonly string[] }
}

/** What the server stores, past all rules. */
export interface KubeState {
  /** Writes an object with its status. */
  put(resource: Resource, object: Fields): Stored
  /** Takes an object away. */
  drop(resource: Resource, name: string, namespace?: string): void
  all(resource: Resource): readonly Stored[]
  /** Forgets what has changed: watches from before fail, and so do lists that are not whole. */
  compact(): void
}

/** A small API server in this process: what it does is checked against a real one by `test/contract/kubernetes`. */
export interface KubeServer extends AsyncDisposable {
  readonly url: string
  /** Users by their tokens; a test may change them. Begins with `admin`: admin. */
  readonly tokens: Map<string, string>
  /** Who may do what; default: everybody everything. */
  allows: (asked: Asked) => boolean
  /** Faults on purpose; default: none. */
  fault: (asked: Asked) => Fault | undefined
  /** Every request that has come, the last one at the end. */
  readonly asked: readonly Asked[]
  /** What it stores. */
  readonly state: KubeState
  /** Sends a bookmark on every watch that wants one. */
  bookmark(): void
  /** Watches that are open. */
  readonly watches: number
  /** Ends all connections and listens no more; what it stores stays. */
  kill(): Promise<void>
  /** Listens again at the same address. */
  start(): Promise<void>
}

const MAX_WATCH_MS = 30 * 60_000
const SECOND_MS = 1000

export async function kubeServer(init: KubeServerInit = {}): Promise<KubeServer> {
  // Nobody else takes the port while the server is down.
  const { port } = (await testPorts(1)).take(0, { port: 0 })
  const server = new InProcessKube(init, port)
  await server.start()
  return server
}

/** How a request has ended. */
interface Done {
  readonly status: number
  readonly body: object
}

class InProcessKube implements KubeServer {
  readonly #store = new KubeStore()
  readonly #operations = new Operations(this.#store)
  readonly #kinds: readonly Kind[]
  readonly #tls: KubeServerInit['tls']
  readonly #watches = new Set<Watching>()
  readonly #asked: Asked[] = []
  readonly #port: number
  #server: Server | undefined

  readonly state: KubeState
  readonly tokens = new Map([['admin', 'admin']])
  allows: KubeServer['allows'] = () => true
  fault: KubeServer['fault'] = () => undefined

  constructor({ kinds = [], tls }: KubeServerInit, port: number) {
    this.#port = port
    this.#kinds = [...knownKinds, ...kinds]
    this.#tls = tls
    this.state = stateOf(this.#store, this.#kinds)
    for (const name of ['default', 'kube-system']) this.state.put(this.#namespaces, { metadata: { name } })
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`
  }

  get asked(): readonly Asked[] {
    return this.#asked
  }

  get watches(): number {
    return this.#watches.size
  }

  bookmark(): void {
    for (const watch of this.#watches) watch.bookmark()
  }

  async start(): Promise<void> {
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      this.#handle(request, response).catch((err: unknown) => {
        answer(response, 500, statusOf(new Refusal(500, 'InternalError', String(err))))
      })
    }
    const { own, authorities } = this.#tls ?? {}
    const server =
      own === undefined
        ? createServer(handle)
        : createSecureServer(
            {
              key: own.key,
              cert: own.certificate,
              ca: [...(authorities ?? [])],
              requestCert: true,
              rejectUnauthorized: false,
            },
            handle,
          )
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
  }

  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  get #namespaces(): Kind {
    return this.#kinds[0] as Kind
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    try {
      const user = this.#userOf(request)
      const path = apiPath(url.pathname, this.#kinds)
      const asked = askedOf(user, request, { path, url })
      this.#asked.push(asked)
      const fault = this.fault(asked)
      if (fault === 'hang') return
      if (fault === 'cut') {
        request.socket.destroy()
        return
      }
      if (typeof fault === 'object') {
        response.writeHead(fault.status, fault.headers).end(fault.body ?? '')
        return
      }
      if (!this.allows(asked)) throw forbidden(asked, path.kind)
      if (asked.verb === 'watch') {
        this.#watch(path, url, response)
        return
      }
      const done = await this.#done(asked, path, { url, request })
      if (fault === 'cut-afterwards') request.socket.destroy()
      else answer(response, done.status, done.body)
    } catch (err) {
      if (!(err instanceof Refusal)) throw err
      if (err.reason === '') response.writeHead(err.code, { 'content-type': 'text/plain' }).end(`${err.message}\n`)
      else answer(response, err.code, statusOf(err))
    }
  }

  #userOf(request: IncomingMessage): string {
    const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
    const user = token === undefined ? certifiedUser(request) : this.tokens.get(token)
    if (user === undefined) throw new Refusal(401, 'Unauthorized', 'Unauthorized')
    return user
  }

  #watch(path: ApiPath, url: URL, response: ServerResponse): void {
    const version = url.searchParams.get('resourceVersion') ?? ''
    const seconds = Number(url.searchParams.get('timeoutSeconds') ?? 0)
    const open: Watching[] = []
    const watch = watching(this.#store, response, {
      kind: path.kind,
      matches: this.#matches(path, url),
      since: version === '' || version === '0' ? undefined : Number(version),
      bookmarks: url.searchParams.get('allowWatchBookmarks') === 'true',
      timeoutMs: seconds > 0 ? seconds * SECOND_MS : MAX_WATCH_MS,
      onEnd: () => {
        for (const each of open) this.#watches.delete(each)
      },
    })
    open.push(watch)
    if (!response.writableEnded) this.#watches.add(watch)
  }

  #matches({ kind, namespace }: ApiPath, url: URL): (object: Stored) => boolean {
    const labels = labelTest(url.searchParams.get('labelSelector') ?? undefined)
    const fields = fieldTest(url.searchParams.get('fieldSelector') ?? undefined, kind)
    const inside = (object: Stored) => namespace === undefined || object.metadata.namespace === namespace
    return (object) => inside(object) && labels(object) && fields(object)
  }

  async #done(
    { verb }: Asked,
    path: ApiPath,
    { url, request }: { readonly url: URL; readonly request: IncomingMessage },
  ): Promise<Done> {
    const { kind, namespace, name = '', subresource } = path
    const { searchParams } = url
    if (verb === 'list') return { status: 200, body: this.#list(path, url) }
    if (verb === 'get') return { status: 200, body: this.#operations.get(kind, namespace, name) }
    const body: unknown = await json(request).catch(() => undefined)
    const given: Fields = isFields(body) ? body : {}
    const write: Write = {
      ...{ kind, namespace, name },
      ...(subresource === 'status' && { subresource }),
      manager: searchParams.get('fieldManager') ?? (request.headers['user-agent'] ?? 'unknown').replace(/\/.*/, ''),
      dryRun: searchParams.get('dryRun') === 'All',
    }
    if (verb === 'create') return { status: 201, body: this.#operations.create(write, given, this.#namespaces) }
    if (verb === 'update') return { status: 200, body: this.#operations.replace(write, given) }
    if (verb === 'patch') return this.#patched(write, given, { type: request.headers['content-type'], searchParams })
    const left = this.#operations.remove(write, given)
    return { status: 200, body: left ?? { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } }
  }

  #patched(
    write: Write,
    given: Fields,
    { type = '', searchParams }: { readonly type: string | undefined; readonly searchParams: URLSearchParams },
  ): Done {
    if (type === 'application/merge-patch+json') return { status: 200, body: this.#operations.merge(write, given) }
    if (type !== 'application/apply-patch+yaml') throw new Refusal(415, 'UnsupportedMediaType', `not taken: ${type}`)
    if (!searchParams.has('fieldManager')) throw badRequest('fieldManager is required for apply patch')
    const isThere = this.#store.find(write.kind, storeKey(write.namespace, write.name)) !== undefined
    const body = this.#operations.apply(write, given, searchParams.get('force') === 'true', this.#namespaces)
    return { status: isThere ? 200 : 201, body }
  }

  #list(path: ApiPath, url: URL): object {
    const limit = Number(url.searchParams.get('limit') ?? 0)
    const next = url.searchParams.get('continue') ?? undefined
    const page = this.#store.page(path.kind, this.#matches(path, url), { limit, ...(next !== undefined && { next }) })
    return {
      ...{ kind: `${path.kind.kind}List`, apiVersion: apiVersionOf(path.kind) },
      metadata: {
        resourceVersion: String(page.revision),
        ...(page.next !== undefined && { continue: page.next, remainingItemCount: page.remaining }),
      },
      // Those of a list do not say of what kind they are.
      items: page.objects.map((object) => ({ ...object, apiVersion: undefined, kind: undefined })),
    }
  }
}

function stateOf(store: KubeStore, kinds: readonly Kind[]): KubeState {
  const kindOf = ({ group, plural }: Resource): Kind => {
    const found = kinds.find((kind) => kind.group === group && kind.plural === plural)
    if (found === undefined) throw new Error(`the server has no kind ${group}/${plural}`)
    return found
  }
  const placeOf = (kind: Kind, namespace = 'default') => (kind.namespaced ? namespace : undefined)
  return {
    put(resource, object) {
      const kind = kindOf(resource)
      const meta = object['metadata'] as Stored['metadata']
      const namespace = placeOf(kind, meta.namespace)
      const metadata = { ...meta, ...(namespace !== undefined && { namespace }) }
      return store.commit(kind, storeKey(namespace, meta.name), { ...object, metadata }) as Stored
    },
    drop(resource, name, namespace) {
      const kind = kindOf(resource)
      store.commit(kind, storeKey(placeOf(kind, namespace), name), undefined)
    },
    all: (resource) => store.all(kindOf(resource)),
    compact: () => store.compact(),
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** The common name of the certificate that a client has shown, if it is one of the authorities. */
function certifiedUser({ socket }: IncomingMessage): string | undefined {
  const secure = socket as Partial<TLSSocket>
  if (secure.authorized !== true) return undefined
  const name = secure.getPeerCertificate?.().subject.CN
  return typeof name === 'string' ? name : undefined
}

const verbs: Readonly<Record<string, Asked['verb']>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

function askedOf(
  user: string,
  { method = 'GET' }: IncomingMessage,
  { path, url }: { readonly path: ApiPath; readonly url: URL },
): Asked {
  const { kind, namespace, name, subresource } = path
  const isWatch = ['true', '1'].includes(url.searchParams.get('watch') ?? '')
  const reading = name !== undefined ? 'get' : isWatch ? 'watch' : 'list'
  const resource = subresource === undefined ? kind.plural : `${kind.plural}/${subresource}`
  return { user, verb: verbs[method] ?? reading, resource, namespace, name }
}

function forbidden({ user, verb, resource, namespace }: Asked, { group }: Kind): Refusal {
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const what = `cannot ${verb} resource "${resource}" in API group "${group}" ${where}`
  return new Refusal(403, 'Forbidden', `${resource} is forbidden: User "${user}" ${what}`)
}
