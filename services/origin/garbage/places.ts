import { createHash } from 'node:crypto'
import type { Backend, BackendRules, Backends } from '../../../lib/backend/index.ts'
import { sampleOf } from '../../../lib/core/index.ts'

/**
 * The backends of the blobs, each once, by names that are the same at all origins with the same rules. A backend with a
 * part for each repository is its first part here, and says itself that it cannot be listed.
 */
export function garbagePlaces(
  backends: Pick<Backends, 'backendFor'>,
  rules: BackendRules,
): ReadonlyMap<string, Backend> {
  const places = new Map<string, Backend>()
  for (const { repository, path } of rules) {
    const sample = sampleOf(repository)
    if (sample === undefined) continue
    const backend = backends.backendFor(sample)
    if ([...places.values()].includes(backend)) continue
    const name = createHash('sha256')
      .update(JSON.stringify([repository, path]))
      .digest('hex')
      .slice(0, 16)
    places.set(name, backend)
  }
  return places
}
