import { type AppError, appError, hasCode } from '../base/index.ts'
import { OWN_REGISTRY, type Repository, type RepositoryName } from '../core/index.ts'
import {
  type Exchange,
  type HttpMethod,
  type LookBudget,
  type RequestRate,
  type Route,
  refusal,
  requireRight,
  sendJson,
} from '../http/index.ts'
import { addressedRegistry, type OwnRegistry } from './addressed-registry.ts'
import { editOperations } from './edits.ts'
import { lists } from './lists.ts'
import { reads } from './reads.ts'
import { listReferrers } from './referrers.ts'
import { parseRegistryPath, type RegistryTarget } from './registry-path.ts'
import { uploadStates } from './signed-upload-state.ts'
import type { RegistryStorage } from './storage.ts'
import { noTraffic, type Traffic } from './traffic.ts'
import { uploadOperations } from './upload-operations.ts'

export interface RegistryInit extends OwnRegistry {
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
  const readTable = readOperations(storage, init)
  const writeTable = writeOperations(storage, init)
  const isMirror = storage.writes === undefined
  const handle = async (exchange: Exchange) => {
    init.rate?.count(exchange.req)
    const target = parseRegistryPath(exchange.path)
    const registry = target.kind === 'ping' ? OWN_REGISTRY : addressedRegistry(exchange, init)
    const at: RepositoryAt = (name) => ({ registry, name })
    const operations: Operations = { ...readTable(exchange, target, at), ...writeTable(exchange, target, at) }
    const operation = operations[exchange.method as HttpMethod]
    if (operation === undefined) throw methodRefused(Object.keys(operations))
    try {
      await operation()
    } catch (err) {
      throw isMirror && hasCode(err, 'TOOMANYREQUESTS') ? notNow(err) : err
    }
  }
  const right = isMirror ? 'read' : 'write'
  return [
    ...['/v2', '/v2/'].map((path) => ping(path, right)),
    { methods: ['GET', 'HEAD'], path: '/v2/*rest', right: 'read', summary: 'OCI pull and lists', handle },
    {
      methods: ['POST', 'PUT', 'PATCH', 'DELETE'],
      path: '/v2/*rest',
      right,
      summary: 'OCI push and delete',
      handle,
    },
  ]
}

/**
 * Clients learn how to log in only from the challenge to this request, never from one to a push. So it asks whoever is
 * not known for the highest right that the registry has; who is known may log in with what he has.
 */
function ping(path: string, highest: Route['right']): Route {
  const handle = (exchange: Exchange) => {
    requireRight(exchange, exchange.principal.name === 'anonymous' ? highest : 'read')
    sendJson(exchange, 200, {})
  }
  return { methods: ['GET', 'HEAD'], path, right: 'none', summary: 'OCI ping', handle }
}

const anyLooks: Pick<LookBudget, 'during'> = { during: (_, work) => work() }

function readOperations(storage: RegistryStorage, init: RegistryInit): OperationTable {
  const { traffic = noTraffic, looks = anyLooks } = init
  const read = reads({ storage, traffic, looks })
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
        const status = () => {
          // The only read that reveals a write in progress.
          requireRight(exchange, 'write')
          return upload.status(exchange, repository, target.session)
        }
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
