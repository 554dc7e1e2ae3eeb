import { appError, isAppError } from '../../../lib/base/index.ts'
import {
  ownRepository,
  parseDigest,
  parseRegistryHost,
  parseRepository,
  parseRepositoryName,
  parseTag,
  parseWebUrl,
  type Repository,
  repositoryText,
} from '../../../lib/core/index.ts'
import { parseImageTag } from '../../../lib/kraken/index.ts'

const manifestPath = /^\/v2\/(.+)\/manifests\/([^/]+)$/
/** By these names the hub of Docker is asked; images call it otherwise. */
const hubHosts = ['registry-1.docker.io', 'index.docker.io']

/** An image as the trackers take it: `repository:tag` or `repository@digest`. */
export interface NamedImage {
  readonly repository: Repository
  readonly target: string
  /** Where its manifest was said to be. */
  readonly url?: string
}

export const imageText = (repository: Repository, reference: string): string =>
  `${repositoryText(repository)}${reference.includes(':') ? '@' : ':'}${reference}`

/** @throws DIGEST_INVALID, TAG_INVALID */
const checkedReference = (text: string): string => (text.includes(':') ? parseDigest(text) : parseTag(text))

/**
 * The repository of a registry at a host, as its images are named; of a host that stands for this system it is one of its own.
 * @throws NAME_INVALID
 */
export function repositoryAt(host: string, name: string, ownNames: readonly string[]): Repository {
  if (ownNames.includes(host)) return ownRepository(parseRepositoryName(name))
  return { registry: parseRegistryHost(hubHosts.includes(host) ? 'docker.io' : host), name: parseRepositoryName(name) }
}

/** @throws URL_INVALID where an escape stands for nothing */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw appError('URL_INVALID', { message: 'the URL has a percent sign that escapes nothing', cause })
  }
}

/** @throws URL_INVALID, NAME_INVALID, TAG_INVALID, DIGEST_INVALID */
export function imageOfUrl(text: string, ownNames: readonly string[]): NamedImage {
  const url = parseWebUrl(text)
  const { host, pathname } = new URL(url)
  const [, name = '', reference = ''] = manifestPath.exec(pathname) ?? []
  if (name === '')
    throw appError('URL_INVALID', { message: 'the URL of an image is that of its manifest: /v2/NAME/manifests/TAG' })
  const repository = repositoryAt(host, name, ownNames)
  return { repository, target: imageText(repository, checkedReference(unescaped(reference))), url }
}

/** An image or a blob of a repository as people write it. @throws NAME_INVALID, TAG_INVALID, DIGEST_INVALID */
export function imageOfText(text: string): NamedImage {
  const at = text.lastIndexOf('@')
  if (at < 0) {
    const { repository, tag } = parseImageTag(text)
    return { repository, target: imageText(repository, tag) }
  }
  const repository = parseRepository(text.slice(0, at))
  return { repository, target: imageText(repository, parseDigest(text.slice(at + 1))) }
}

const bareDigest = /^[a-z0-9]+:[0-9a-f]{64,}$/

/** What a job is about: an image, a blob of a repository, or only a digest. @throws BODY_INVALID, and what names are refused with */
export function targetOf(text: string, ownNames: readonly string[]): NamedImage | { readonly target: string } {
  if (/^https?:\/\//.test(text)) return imageOfUrl(text, ownNames)
  if (bareDigest.test(text)) return { target: parseDigest(text) }
  try {
    return imageOfText(text)
  } catch (err) {
    if (!isAppError(err)) throw err
    throw appError(err.code, {
      message: `${err.message}: ${text.slice(0, 100)}`,
      detail: { target: text.slice(0, 255) },
    })
  }
}
