import { appError } from '../base/index.ts'

declare const brand: unique symbol

/** A repository name as the OCI distribution spec has it: components of `[a-z0-9]` joined by `/`; never with a `:`. */
export type RepositoryName = string & { readonly [brand]: 'RepositoryName' }

/** A registry as image names have it: a DNS name or IPv4 address in lower case, maybe with a port. Compare with `===`. */
export type RegistryHost = string & { readonly [brand]: 'RegistryHost' }

/** A tag as the OCI distribution spec has it. */
export type Tag = string & { readonly [brand]: 'Tag' }

/** The registry that this cluster is itself. No host is written like this: it would need a dot or a port. */
export const OWN_REGISTRY = 'own'

/** A repository of our own registry or of another one. Immutable; compare by `sameRepository`, key maps by `repositoryText`. */
export interface Repository {
  readonly registry: RegistryHost | typeof OWN_REGISTRY
  readonly name: RepositoryName
}

const MAX_NAME = 255
const MAX_HOST_NAME = 253
const MAX_PORT = 65_535
/** In front of an own name whose first part would be read as a host. */
const OWN_MARK = './'
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const hostLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const tagShape = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** @throws NAME_INVALID */
export function parseRepositoryName(text: string): RepositoryName {
  if (text.length > MAX_NAME || !text.split('/').every((part) => component.test(part))) throw invalid(text)
  return text as RepositoryName
}

/** @throws TAG_INVALID */
export function parseTag(text: string): Tag {
  if (!tagShape.test(text)) throw appError('TAG_INVALID', { detail: { tag: text.slice(0, 128) } })
  return text as Tag
}

/**
 * A host as the first part of an image name: a dot, a port or `localhost` tells it from a name. Upper case is taken and
 * lowered. No IPv6 address, no dot at the end. @throws NAME_INVALID
 */
export function parseRegistryHost(text: string): RegistryHost {
  const host = text.toLowerCase()
  const [name = '', port, ...rest] = host.split(':')
  const hasGoodName = name.length <= MAX_HOST_NAME && name.split('.').every((label) => hostLabel.test(label))
  const hasGoodPort = port === undefined || (/^[1-9]\d{0,4}$/.test(port) && Number(port) <= MAX_PORT)
  if (!looksLikeHost(host) || !hasGoodName || !hasGoodPort || rest.length > 0) {
    throw appError('NAME_INVALID', {
      message: 'a registry is a host with a dot, a port or the name localhost',
      detail: { registry: text.slice(0, MAX_NAME) },
    })
  }
  return host as RegistryHost
}

/** The repository of that name in our own registry. */
export function ownRepository(name: RepositoryName): Repository {
  return { registry: OWN_REGISTRY, name }
}

/**
 * Reads what `repositoryText` writes, and nothing else: `team/app` and `./team.a/app` are our own,
 * `docker.io/library/nginx` and `host:5000/app` are others'. @throws NAME_INVALID
 */
export function parseRepository(text: string): Repository {
  const [first = ''] = text.split('/', 1)
  const isMarked = text.startsWith(OWN_MARK)
  if (!isMarked && !looksLikeHost(first)) return ownRepository(parseRepositoryName(text))
  const name = parseRepositoryName(text.slice(first.length + 1))
  const repository = isMarked ? ownRepository(name) : { registry: parseRegistryHost(first), name }
  if (repositoryText(repository) !== text) throw invalid(text)
  return repository
}

/** The one text form: no two repositories share it. */
export function repositoryText({ registry, name }: Repository): string {
  if (registry !== OWN_REGISTRY) return `${registry}/${name}`
  const [first = ''] = name.split('/', 1)
  return looksLikeHost(first) ? OWN_MARK + name : name
}

export function sameRepository(one: Repository, other: Repository): boolean {
  return one.registry === other.registry && one.name === other.name
}

/** Docker's rule for the first part of an image name. */
function looksLikeHost(part: string): boolean {
  return part.includes('.') || part.includes(':') || part === 'localhost'
}

function invalid(text: string) {
  return appError('NAME_INVALID', { detail: { name: text.slice(0, MAX_NAME) } })
}
