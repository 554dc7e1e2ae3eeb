import { createHash } from 'node:crypto'
import { appError } from '../base/index.ts'
import type { RegistryHost, Repository, RepositoryName } from './repository.ts'

declare const brand: unique symbol

/** An `http` or `https` URL as `URL` writes it: without user, password and fragment. Compare with `===`. */
export type WebUrl = string & { readonly [brand]: 'WebUrl' }

/**
 * Stands for the web: what lies there under a URL is a blob of the repository whose name is the SHA-256 of the URL. No
 * registry can have this name (RFC 6761, 6.4).
 */
export const URL_REGISTRY = 'urls.invalid' as RegistryHost

const MAX_CHARS = 2048

/** @throws URL_INVALID */
export function parseWebUrl(text: string): WebUrl {
  const url = text.length <= MAX_CHARS && URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (url === undefined || !isWeb || url.username !== '' || url.password !== '') throw appError('URL_INVALID')
  url.hash = ''
  if (url.href.length > MAX_CHARS) throw appError('URL_INVALID')
  return url.href as WebUrl
}

/** The repository that holds what lies under the URL, now and before. */
export function urlRepository(url: WebUrl): Repository {
  return { registry: URL_REGISTRY, name: createHash('sha256').update(url).digest('hex') as RepositoryName }
}
