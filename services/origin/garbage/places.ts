import { createHash } from 'node:crypto'
import { type Backend, type BackendRules, type Backends, decidesConditions } from '../../../lib/backend/index.ts'
import { sampleOf } from '../../../lib/core/index.ts'

export interface GarbagePlaces {
  /**
   * Where something may be removed, by names that are the same at all origins with the same rules. A backend with a part
   * for each repository is its first part here, and says itself that it cannot be listed. One that decides no conditions
   * is left out: there a push and a removal would not see each other.
   */
  readonly places: ReadonlyMap<string, Backend>
  /** All to which this cluster writes: another one may believe that it may remove there. */
  readonly written: ReadonlySet<Backend>
}

/** The backends of the blobs, each once. */
export function garbagePlaces(backends: Pick<Backends, 'backendFor'>, rules: BackendRules): GarbagePlaces {
  const places = new Map<string, Backend>()
  const written = new Set<Backend>()
  for (const rule of rules) {
    const { repository, path } = rule
    const sample = sampleOf(repository)
    if (sample === undefined) continue
    const backend = backends.backendFor(sample)
    if (written.has(backend)) continue
    written.add(backend)
    if (!decidesConditions(rule)) continue
    const name = createHash('sha256')
      .update(JSON.stringify([repository, path]))
      .digest('hex')
      .slice(0, 16)
    places.set(name, backend)
  }
  return { places, written }
}
