import { appError } from '../base/index.ts'

declare const brand: unique symbol

/**
 * A repository name as the OCI distribution spec defines it: components of `[a-z0-9]` joined by `/`; never with a `:`.
 */
export type RepositoryName = string & { readonly [brand]: 'RepositoryName' }

/**
 * A registry host as in image names: a lower-case DNS name or IPv4 address, with an optional port. Compare with `===`.
 */
export type RegistryHost = string & { readonly [brand]: 'RegistryHost' }

/** A tag as the OCI distribution spec defines it. */
export type Tag = string & { readonly [brand]: 'Tag' }

/** Stands for this cluster's own registry. It cannot be a host, because a host has a dot or a port. */
export const OWN_REGISTRY = 'own'

/** A repository of our own registry or of another one. Immutable; compare by `sameRepository`, key maps by `repositoryText`. */
export interface Repository {
  readonly registry: RegistryHost | typeof OWN_REGISTRY
  readonly name: RepositoryName
}

const MAX_NAME = 255
const MAX_HOST_NAME = 253
const MAX_PORT = 65_535
/** Precedes an own repository name whose first part looks like a host. */
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
 * Parses a host, the first part of an image name; a dot, a port or `localhost` marks it as a host. Upper case becomes
 * lower case. IPv6 addresses and a final dot are not allowed. @throws NAME_INVALID
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
 * Parses exactly the output of `repositoryText`: `team/app` and `./team.a/app` are our own, `docker.io/library/nginx`
 * and `host:5000/app` belong to other registries. @throws NAME_INVALID
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

/** The text form of a repository. Two different repositories never have the same text. */
export function repositoryText({ registry, name }: Repository): string {
  if (registry !== OWN_REGISTRY) return `${registry}/${name}`
  const [first = ''] = name.split('/', 1)
  return looksLikeHost(first) ? OWN_MARK + name : name
}

export function sameRepository(one: Repository, other: Repository): boolean {
  return one.registry === other.registry && one.name === other.name
}

/** Docker's rule that tells a host from the first part of a name. */
function looksLikeHost(part: string): boolean {
  return part.includes('.') || part.includes(':') || part === 'localhost'
}

function invalid(text: string) {
  return appError('NAME_INVALID', { detail: { name: text.slice(0, MAX_NAME) } })
}
