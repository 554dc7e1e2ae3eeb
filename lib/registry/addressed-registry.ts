import type { IncomingMessage } from 'node:http'
import { appError, isAppError } from '../base/index.ts'
import {
  OWN_REGISTRY,
  parseRegistryHost,
  parseRepositoryName,
  type RegistryHost,
  type Repository,
  type RepositoryName,
} from '../core/index.ts'
import { type Exchange, isCalledBy } from '../http/index.ts'

/** How a request says which registry it means. */
export interface AddressedInit {
  /** Values of `ns` that mean our own registry. */
  readonly ownNames: readonly string[]
  /** Hosts by which only those call the listener who mean it; without ports, `*.example.com` stands for every name below it. */
  readonly ownHosts?: readonly string[]
  /**
   * What a request means that says nothing of it: our own registry, nothing, or the registry of that host. Default `own`,
   * for a listener that nobody can take for a mirror of another registry.
   */
  readonly default?: string
  /** Whether images of that other registry are served here now; default: of none. */
  readonly serves?: (registry: RegistryHost) => boolean
  /** Headers that name a registry by its URL or host; default none. */
  readonly upstreamHeaders?: readonly string[]
}

/** The registry that a request means. */
export interface Addressed {
  readonly registry: Repository['registry']
  /** The path without the registry, where it begins with one. */
  readonly path: string
}

type Asked = Pick<Exchange, 'query' | 'path'> & { readonly req: IncomingMessage }

/** Names by which clients know Docker Hub. */
const HUB = 'docker.io' as RegistryHost
const hubNames: readonly string[] = [HUB, 'index.docker.io', 'registry-1.docker.io']
/** Longest part of what a client calls a registry that an answer repeats. */
const MAX_SHOWN = 260
/** Host, one component of a name, a kind, and a reference. */
const FEWEST_PARTS = 4

/**
 * The registry that a request means: that of `ns`, of a header, of the first part of its path, of the host by which the
 * listener is called, or else the default of the listener. An image of another registry must never be answered with our
 * image of the same name: docker asks a mirror for `library/nginx` of docker.io without a word of docker.io.
 * @throws NAME_UNKNOWN for a registry that is not served here, REGISTRY_UNSAID
 */
export function addressedRegistry(asked: Asked, init: AddressedInit): Addressed {
  const { path, query, req } = asked
  const named = [
    query.getAll('ns').filter((ns) => ns !== ''),
    (init.upstreamHeaders ?? []).flatMap((name) => req.headersDistinct[name.toLowerCase()] ?? []).map(hostInUrl),
  ].find((names) => names.length > 0)
  if (named !== undefined) return { registry: onlyOne(named, init), path }
  const prefix = hostBefore(path, init)
  if (prefix !== undefined) return prefix
  const { ownHosts = [], default: fallback = 'own' } = init
  if (fallback === 'own' || isCalledBy(req, ownHosts)) return { registry: OWN_REGISTRY, path }
  if (fallback === 'none') throw appError('REGISTRY_UNSAID')
  return { registry: onlyOne([fallback], init), path }
}

/** The repository of that name: Docker Hub keeps what clients call `nginx` as `library/nginx`. */
export function repositoryAt(registry: Repository['registry'], name: RepositoryName): Repository {
  const isShort = registry === HUB && !name.includes('/')
  return { registry, name: isShort ? parseRepositoryName(`library/${name}`) : name }
}

/** Who names several registries means none. */
function onlyOne(names: readonly string[], init: AddressedInit): Repository['registry'] {
  const meant = new Set(names.map((name) => registryNamed(name, init)))
  const [registry] = meant
  if (meant.size === 1 && registry !== undefined) return registry
  const ns = names.find((name) => registryNamed(name, init) !== OWN_REGISTRY) ?? ''
  throw appError('NAME_UNKNOWN', {
    message: 'this registry is not served here',
    detail: { ns: ns.slice(0, MAX_SHOWN) },
  })
}

/** The registry that a name stands for; undefined when it is not served here. */
export function registryNamed(
  name: string,
  { ownNames, serves = () => false }: Pick<AddressedInit, 'ownNames' | 'serves'>,
): Repository['registry'] | undefined {
  const text = name.toLowerCase()
  if (ownNames.some((own) => own.toLowerCase() === text)) return OWN_REGISTRY
  const host = hostOf(text)
  return host !== undefined && serves(host) ? host : undefined
}

function hostOf(text: string): RegistryHost | undefined {
  if (hubNames.includes(text)) return HUB
  try {
    return parseRegistryHost(text)
  } catch (err) {
    if (isAppError(err)) return undefined
    throw err
  }
}

/** `https://ghcr.io/`: its host with the port, if it has one that is not usual. A plain host stays as it is. */
function hostInUrl(value: string): string {
  return /^https?:\/\//i.test(value) && URL.canParse(value) ? new URL(value).host : value
}

/** `/v2/ghcr.io/team/app/manifests/1`, as clients ask whose config puts the registry before the name. */
function hostBefore(path: string, init: AddressedInit): Addressed | undefined {
  if (init.serves === undefined) return undefined
  const [root = '', version = '', first = '', ...rest] = path.split('/')
  if (rest.length + 1 < FEWEST_PARTS) return undefined
  const name = first.replaceAll(/%3a/gi, ':')
  const looksLikeHost = name.includes('.') || name.includes(':') || name === 'localhost'
  const registry = looksLikeHost ? registryNamed(name, init) : undefined
  return registry && { registry, path: [root, version, ...rest].join('/') }
}
