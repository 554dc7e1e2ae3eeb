import type { IncomingMessage } from 'node:http'
import { type AppError, appError, hasCode } from '../base/index.ts'
import { OWN_REGISTRY, type Repository, type RepositoryName } from '../core/index.ts'
import {
  type Exchange,
  type HttpMethod,
  type LookBudget,
  type RequestRate,
  type Route,
  refusal,
  sendJson,
} from '../http/index.ts'
import { type Addressed, type AddressedInit, addressedRegistry, repositoryAt } from './addressed-registry.ts'
import { editOperations } from './edits.ts'
import { emptyStorage } from './empty-storage.ts'
import { lists } from './lists.ts'
import { reads } from './reads.ts'
import { listReferrers } from './referrers.ts'
import { type LogIn, type RegistryGate, registryGate } from './registry-gate.ts'
import { parseRegistryPath, type RegistryTarget } from './registry-path.ts'
import { uploadStates } from './signed-upload-state.ts'
import type { ReadManner, RegistryStorage } from './storage.ts'
import { noTraffic, type Traffic } from './traffic.ts'
import { uploadOperations } from './upload-operations.ts'

/** A second front of the same registry, below a path of its own: `/hub/v2/...`. */
export interface Mount extends Required<Pick<AddressedInit, 'default'>> {
  /** Begins with a slash and ends with none. */
  readonly path: string
}

export interface RegistryInit extends AddressedInit {
  /** Further fronts, for clients that can name a registry by a path only. */
  readonly mounts?: readonly Mount[]
  /**
   * Signs upload Locations; must be the same for all fronts of one registry. Required when the storage accepts writes.
   */
  readonly uploadSecret?: string | Uint8Array
  /** Default: traffic is not counted. */
  readonly traffic?: Traffic
  /** Repositories into which an index may be pushed without the manifests that it names; default none. */
  readonly mayBeSparse?: (repository: Repository) => boolean
  /** What each client may ask for in vain; default: anything. */
  readonly looks?: Pick<LookBudget, 'during'>
  /** How a request reads a blob; default: as usual. */
  readonly mannerOf?: (req: Pick<IncomingMessage, 'headers'>) => ReadManner
  /** How callers log in; default: as the listener says. */
  readonly logIn?: LogIn
  /** How many requests each client may send, besides pings, which are answered always; default: any number. */
  readonly rate?: RequestRate
}

type Operations = Partial<Record<HttpMethod, () => Promise<void> | void>>

/** Finds the operations on a target; a method without an entry is answered with 405. */
type OperationTable = (exchange: Exchange, target: RegistryTarget, at: RepositoryAt) => Operations

/** The repository with that name in the registry that the request addresses. */
type RepositoryAt = (name: RepositoryName) => Repository

/**
 * The OCI distribution API over a storage, as routes for a server with the `registry` error envelope. Without
 * `storage.writes` it is read-only.
 * @throws CONFIG_INVALID when it accepts writes and has no `uploadSecret`
 */
export function registryRoutes(storage: RegistryStorage, init: RegistryInit): Route[] {
  const { readers } = storage
  const commonTable = readOperations(storage, init)
  const tableFor = async (exchange: Exchange, work: (table: OperationTable) => Promise<void>) =>
    readers === undefined ? work(commonTable) : readers.during(exchange, async (own) => work(readOperations(own, init)))
  const hiddenTable = readOperations(emptyStorage, init)
  const writeTable = writeOperations(storage, init)
  const isMirror = storage.writes === undefined
  const highest = isMirror ? 'read' : 'write'
  const front = (mount: string, own: AddressedInit): Route[] => {
    const gate = registryGate({ highest, mount, logIn: init.logIn })
    const handle = async (exchange: Exchange) => {
      init.rate?.count(exchange.req)
      const asked = { query: exchange.query, req: exchange.req, path: exchange.path.slice(mount.length) }
      const { target, at } = addressed(exchange, asked, own)
      const operate = async (reads: OperationTable) => {
        const operations: Operations = { ...reads(exchange, target, at), ...writeTable(exchange, target, at) }
        const operation = operations[exchange.method as HttpMethod]
        if (operation === undefined) throw methodRefused(Object.keys(operations))
        await operation()
      }
      try {
        await (gate.hides(exchange) ? operate(hiddenTable) : tableFor(exchange, operate))
      } catch (err) {
        throw isMirror && hasCode(err, 'TOOMANYREQUESTS') ? notNow(err) : err
      }
    }
    const answerPing = async (exchange: Exchange) => {
      await readers?.ping(exchange, pinged(exchange, own), exchange)
      sendJson(exchange, 200, {})
    }
    const all = { path: `${mount}/v2/*rest`, handle, admits: gate.admits } as const
    const changes = ['POST', 'PUT', 'PATCH', 'DELETE'] as const
    return [
      ...['/v2', '/v2/'].map((root) => ping(mount + root, gate, answerPing)),
      { ...all, methods: ['GET', 'HEAD'], right: 'read', summary: 'OCI pull and lists' },
      { ...all, methods: changes, right: highest, summary: 'OCI push and delete', changes: isChange },
    ]
  }
  const { mounts = [] } = init
  return [
    ...front('', init),
    // A mount point says which registry it is; the host by which the listener is called says nothing there.
    ...mounts.flatMap((mount) => front(mount.path, { ...init, default: mount.default, ownHosts: [] })),
  ]
}

/** What the request is for, and in which registry. The catalog is that of our own registry, and no other's. */
function addressed(
  { res }: Pick<Exchange, 'res'>,
  asked: Parameters<typeof addressedRegistry>[0],
  init: AddressedInit,
): { readonly target: RegistryTarget; readonly at: RepositoryAt } {
  const pinged = ['/v2', '/v2/'].includes(asked.path)
  const own: Addressed = { registry: OWN_REGISTRY, path: asked.path }
  const { registry, path } = pinged ? own : addressedRegistry(asked, init)
  const target = parseRegistryPath(path)
  if (registry === OWN_REGISTRY) return { target, at: (name) => ({ registry, name }) }
  if (target.kind === 'catalog')
    throw appError('UNSUPPORTED', { message: 'only our own registry lists its repositories' })
  res.setHeader('oci-namespace', registry)
  return { target, at: (name) => repositoryAt(registry, name) }
}

/** What is stored or removed; an upload that was opened, continued or cancelled has changed nothing yet. */
function isChange(method: string, status: number): boolean {
  return status === 201 || (method === 'DELETE' && status === 202)
}

function ping(path: string, { admitsPing }: RegistryGate, handle: Route['handle']): Route {
  return {
    methods: ['GET', 'HEAD'],
    path,
    right: 'none',
    summary: 'OCI ping',
    handle,
    admits: admitsPing,
    untraced: true,
  }
}

/** The registry that a ping asks about. It is answered also where a request for an image would have to say more. */
function pinged({ req, query }: Exchange, init: AddressedInit): Repository['registry'] {
  try {
    return addressedRegistry({ req, query, path: '/v2/' }, init).registry
  } catch (err) {
    if (hasCode(err, 'NAME_UNKNOWN', 'REGISTRY_UNSAID')) return OWN_REGISTRY
    throw err
  }
}

const anyLooks: Pick<LookBudget, 'during'> = { during: (_, work) => work() }

function readOperations(storage: RegistryStorage, init: RegistryInit): OperationTable {
  const { traffic = noTraffic, looks = anyLooks, mannerOf = () => ({}) } = init
  const read = reads({ storage, traffic, looks, mannerOf })
  const list = lists({ storage, looks })
  const referrersOf = listReferrers({ storage, looks })
  const both = (operation: () => Promise<void> | void): Operations => ({ GET: operation, HEAD: operation })
  return (exchange, target, at) => {
    switch (target.kind) {
      case 'ping':
        return both(() => sendJson(exchange, 200, {}))
      case 'catalog':
        return both(() => list.catalog(exchange))
      case 'tags':
        return both(() => list.tags(exchange, at(target.name)))
      case 'manifest':
        return both(() => read.manifest(exchange, at(target.name), target.reference))
      case 'referrers':
        return both(() => referrersOf(exchange, at(target.name), target.digest))
      case 'blob':
        return both(() => read.blob(exchange, at(target.name), target.digest))
      case 'uploads':
      case 'upload':
        return {}
    }
  }
}

function writeOperations(storage: RegistryStorage, init: RegistryInit): OperationTable {
  const { writes } = storage
  if (writes === undefined) return () => ({})
  const { uploadSecret, traffic = noTraffic, mayBeSparse = () => false } = init
  if (uploadSecret === undefined || uploadSecret.length === 0) {
    throw appError('CONFIG_INVALID', {
      message: 'a registry that takes uploads needs a secret to sign their Locations',
    })
  }
  const upload = uploadOperations({ uploads: writes.uploads, states: uploadStates(uploadSecret), traffic })
  const edit = editOperations({ storage, edits: writes.edits, traffic, mayBeSparse })
  return (exchange, target, at) => {
    switch (target.kind) {
      case 'manifest':
        return {
          PUT: () => edit.putManifest(exchange, at(target.name), target.reference),
          DELETE: () => edit.deleteManifest(exchange, at(target.name), target.reference),
        }
      case 'blob':
        return { DELETE: () => edit.deleteBlob(exchange, at(target.name), target.digest) }
      case 'uploads':
        return { POST: () => upload.open(exchange, at(target.name)) }
      case 'upload': {
        const repository = at(target.name)
        const status = () => upload.status(exchange, repository, target.session)
        return {
          GET: status,
          HEAD: status,
          PATCH: () => upload.append(exchange, repository, target.session),
          PUT: () => upload.close(exchange, repository, target.session),
          DELETE: () => upload.cancel(exchange, repository, target.session),
        }
      }
      case 'ping':
      case 'catalog':
      case 'tags':
      case 'referrers':
        return {}
    }
  }
}

/** containerd repeats what a mirror refuses with 429 five times at once, and goes to its next host after a 503. */
function notNow(err: unknown): AppError {
  const message = 'a service behind is asked for too much; try again later, or ask another registry'
  return refusal(appError('UNAVAILABLE', { message, cause: err }), { 'retry-after': '1' })
}

/** Without the method in the text, so that the answer to HEAD has the length of that to GET. */
function methodRefused(allowed: readonly string[]): AppError {
  const err = appError('UNSUPPORTED', { message: 'the method is not supported on this path' })
  return refusal(err, { allow: allowed.join(', ') })
}
