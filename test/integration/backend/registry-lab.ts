import { EventEmitter, once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import {
  type Backend,
  backendSchema,
  openRegistry,
  type Registry,
  registryBackend,
} from '../../../lib/backend/index.ts'
import { type Clock, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { type Digest, digestOf, parseRepository } from '../../../lib/core/index.ts'
import { memoryRegistryStorage } from '../../../lib/registry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { serveRegistry } from '../../contract/registry/serve-registry.ts'
import { faultProxy } from '../../kit/fault-proxy.ts'
import type { Fault, Faults } from '../../kit/http-faults.ts'
import { type PlainGovernor, plainGovernor } from '../../kit/plain-governor.ts'
import { type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import type { TokenServer } from '../../kit/token-server.ts'

/** The repository name at shoal; in the registry it is `behind/` and this name. */
export const REPOSITORY = parseRepository('team/app')

/** A registry in memory behind faults, and drivers that use it. */
export interface RegistryLab extends AsyncDisposable {
  readonly url: string
  readonly faults: Faults
  /** Reaches the registry without the faults. */
  readonly client: RegistryClient
  readonly governor: PlainGovernor
  /** Resolves when the registry has ended so many appends to uploads, broken ones included. */
  readonly appended: (count: number) => Promise<void>
  backend(config?: object): Promise<Backend>
  registry(config?: object): Promise<Registry>
}

export function registryLab({ clock = systemClock() }: { readonly clock?: Clock } = {}): Promise<RegistryLab> {
  return buildResource(async (stack) => {
    const { storage, appended } = watchedStorage()
    const behind = stack.own(await serveRegistry(storage))
    const front = stack.own(await faultProxy({ target: behind.url }))
    const governor = plainGovernor()
    const components = { clock, governor }
    const parsed = (config: object) => {
      const usual = { driver: 'registry', url: front.url, repository: 'behind/{repository}', chunk: '256KiB' }
      const full = backendSchema.parse({ ...usual, ...config })
      if (full.driver !== 'registry') throw new Error('the lab is for the registry driver')
      return full
    }
    const started = async <T extends { start(): Promise<void>; stop(): Promise<void> }>(part: T) => {
      await part.start()
      stack.own({ [Symbol.asyncDispose]: () => part.stop() })
      return part
    }
    return {
      url: front.url,
      faults: front.faults,
      client: registryClient(behind.url),
      governor,
      appended,
      backend: async (config = {}) =>
        (await started(registryBackend(components, parsed(config)))).backendFor(REPOSITORY),
      registry: (config = {}) => started(openRegistry(components, parsed(config))),
    }
  })
}

function watchedStorage() {
  const ends = new EventEmitter()
  let ended = 0
  const storage = memoryRegistryStorage({ random: seededRandom(11) })
  const { uploads } = storage.writes
  const append: typeof uploads.append = async (...args) => {
    try {
      return await uploads.append(...args)
    } finally {
      ended += 1
      ends.emit('end')
    }
  }
  return {
    storage: { ...storage, writes: { ...storage.writes, uploads: { ...uploads, append } } },
    appended: async (count: number) => {
      while (ended < count) await once(ends, 'end')
    },
  }
}

/** Key and digest of some content. */
export function named(bytes: Uint8Array): { readonly key: string; readonly digest: Digest } {
  const digest = digestOf(bytes)
  return { digest, key: blobKey(digest) }
}

/** From now on the registry demands a token that allows the request. */
export function askForTokens(faults: Faults, tokens: TokenServer): void {
  const refuse: Fault = {
    name: 'no token',
    apply: ({ req, res }) => {
      req.resume()
      const { type, name, action } = needOf(req)
      const scope = name === '' ? '' : `,scope="${type}:${name}:${action === 'push' ? 'pull,push' : action}"`
      const challenge = `Bearer realm="${tokens.realm}",service="${tokens.service}"${scope}`
      res.writeHead(401, { 'www-authenticate': challenge, 'content-length': 0 }).end()
    },
  }
  faults.next({ times: Number.POSITIVE_INFINITY, where: (req) => !isAllowed(tokens, req) }, refuse)
}

function isAllowed(tokens: TokenServer, req: IncomingMessage): boolean {
  const [, token] = /^Bearer (.+)$/.exec(req.headers.authorization ?? '') ?? []
  const access = token === undefined ? undefined : tokens.accessOf(token)
  const need = needOf(req)
  if (need.name === '') return access !== undefined
  return (access ?? []).some(
    ({ type, name, actions }) => type === need.type && name === need.name && actions.includes(need.action),
  )
}

function needOf({ method = '', url = '' }: IncomingMessage) {
  if (/^\/v2\/_catalog/.test(url)) return { type: 'registry', name: 'catalog', action: '*' }
  const [, name = ''] = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(url) ?? []
  const action = method === 'DELETE' ? 'delete' : method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
  return { type: 'repository', name, action }
}
