import { appError } from '../base/index.ts'
import { OWN_REGISTRY, type Repository } from '../core/index.ts'
import { type Exchange, isCalledBy } from '../http/index.ts'

/** How a request says that it means our own registry. */
export interface OwnRegistry {
  /** Values of `ns` that mean it. Any other value is answered with 404. */
  readonly ownNames: readonly string[]
  /** Hosts by which only those call the listener who mean it; without ports, `*.example.com` stands for every name below it. */
  readonly ownHosts?: readonly string[]
  /**
   * What a request means that says nothing of it: our own registry, or nothing. Default `own`, for a listener that nobody
   * can take for a mirror of another registry.
   */
  readonly default?: 'own' | 'none'
}

/**
 * The registry that a request means. An image of another registry must never be answered with our image of the same
 * name: docker asks a mirror for `library/nginx` of docker.io without a word of docker.io.
 * @throws NAME_UNKNOWN for a registry that is not served here, REGISTRY_UNSAID
 */
export function addressedRegistry(
  { query, req }: Pick<Exchange, 'query' | 'req'>,
  { ownNames, ownHosts = [], default: fallback = 'own' }: OwnRegistry,
): Repository['registry'] {
  const own = new Set(ownNames.map((name) => name.toLowerCase()))
  const named = query.getAll('ns').filter((ns) => ns !== '')
  const foreign = named.find((ns) => !own.has(ns.toLowerCase()))
  if (foreign !== undefined) {
    throw appError('NAME_UNKNOWN', {
      message: 'this registry is not served here',
      detail: { ns: foreign.slice(0, 260) },
    })
  }
  if (named.length > 0 || fallback === 'own' || isCalledBy(req, ownHosts)) return OWN_REGISTRY
  throw appError('REGISTRY_UNSAID')
}
