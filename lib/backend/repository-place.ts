import { appError } from '../base/index.ts'
import { OWN_REGISTRY, type Repository, type RepositoryName } from '../core/index.ts'

/** Placeholder in a config for the name of the requested repository. */
export const REPOSITORY_PLACE = '{repository}'

/** Accepts Kraken's word for the placeholder too. */
export function withRepositoryPlace(text: string): string {
  return text.replaceAll('{namespace}', REPOSITORY_PLACE)
}

/**
 * The name for the placeholder. Only our own repositories have one: `docker.io/library/nginx` is also a valid name of
 * ours, and the two must not become one repository in the backend. @throws NO_BACKEND_RULE
 */
export function nameForPlace({ registry, name }: Repository): RepositoryName {
  if (registry === OWN_REGISTRY) return name
  const message = `a backend with ${REPOSITORY_PLACE} in its config holds repositories of our own registry only`
  throw appError('NO_BACKEND_RULE', { message, detail: { registry, name } })
}
