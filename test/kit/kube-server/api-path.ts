import type { Kind } from './kinds.ts'
import { Refusal } from './refusal.ts'

/** What a request is about. */
export interface ApiPath {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

const unknownPath = () => new Refusal(404, '', '404 page not found')

/** @throws 404 for paths of no known kind */
export function apiPath(pathname: string, kinds: readonly Kind[]): ApiPath {
  const [, root, ...rest] = pathname.split('/').map(decodeURIComponent)
  const group = root === 'apis' ? rest.shift() : ''
  const version = rest.shift()
  if (root !== 'api' && root !== 'apis') throw unknownPath()
  // The path of a namespace itself looks like that of what is in it.
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest.splice(0, 2)[1] : undefined
  const [plural, name, subresource, ...more] = rest
  const kind = kinds.find((each) => each.group === group && each.version === version && each.plural === plural)
  if (kind === undefined || more.length > 0) throw unknownPath()
  const path = { kind, namespace, name, subresource }
  assertFitting(path)
  return path
}

/** @throws 404 for a namespace where there is none, none where there must be one, and what the kind has no part of */
function assertFitting({ kind, namespace, name, subresource }: ApiPath): void {
  if (namespace !== undefined && !kind.namespaced) throw unknownPath()
  if (kind.namespaced && name !== undefined && namespace === undefined) throw unknownPath()
  if (subresource !== undefined && (subresource !== 'status' || kind.hasStatus !== true)) throw unknownPath()
}
