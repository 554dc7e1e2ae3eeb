import type { BlobLink, BuildIndex, LinkedManifest, LinkOptions } from '../../lib/api/index.ts'
import { type Clock, type CountCache, countCache } from '../../lib/base/index.ts'
import { type Digest, type Repository, repositoryText } from '../../lib/core/index.ts'

/** Links that are remembered; beyond them the oldest is looked for again. */
const MAX_LINKS = 10_000
/** Nothing is remembered for longer. */
const MOST_MS = 60_000

export interface LinkMemoryInit {
  /** Milliseconds from the begin of a look, at most a minute; 0 remembers nothing. */
  readonly ttlMs: number
}

/** The same index, which remembers. */
export interface LinkMemory extends BuildIndex {
  /** From now on, also for what is remembered. */
  setTtl(ttlMs: number): void
}

/**
 * The same index; who says that he takes it gets a link that was found a moment ago. So the agents of a cluster that
 * pull one image cost the backend a look for each layer, and not one for each agent. Only what is there is remembered:
 * what was pushed is there at once. What is deleted through this index is forgotten at once, and what is deleted elsewhere
 * after the time.
 */
export function linkMemory(index: BuildIndex, { clock }: { readonly clock: Clock }, init: LinkMemoryInit): LinkMemory {
  let { ttlMs } = init
  const ttl = () => ttlMs
  const blobs = new Memory<BlobLink>(clock, ttl)
  const manifests = new Memory<LinkedManifest>(clock, ttl)
  return {
    ...index,
    getBlob: (repository, digest, options = {}) =>
      blobs.find(nameOf(repository, digest), options, () => index.getBlob(repository, digest, options)),
    deleteBlob: (repository, digest, options) =>
      blobs.during(nameOf(repository, digest), () => index.deleteBlob(repository, digest, options)),
    getManifest: (repository, digest, options = {}) =>
      manifests.find(nameOf(repository, digest), options, () => index.getManifest(repository, digest, options)),
    // Another type may be pushed under the same digest.
    putManifest: (repository, descriptor, options) =>
      manifests.during(nameOf(repository, descriptor.digest), () => index.putManifest(repository, descriptor, options)),
    deleteManifest: (repository, digest, options) =>
      manifests.during(nameOf(repository, digest), () => index.deleteManifest(repository, digest, options)),
    setTtl(to) {
      ttlMs = to
    },
  }
}

const nameOf = (repository: Repository, digest: Digest) => `${repositoryText(repository)} ${digest}`

class Memory<V> {
  readonly #clock: Clock
  readonly #ttl: () => number
  readonly #links: CountCache<{ readonly value: V; readonly beganMs: number }>
  /** By name, those that are under way: one that began before the end of a change may find what was before it. */
  readonly #looks = new Map<string, Set<{ isOvertaken: boolean }>>()

  constructor(clock: Clock, ttl: () => number) {
    this.#clock = clock
    this.#ttl = ttl
    this.#links = countCache(clock, { ttlMs: MOST_MS, maxEntries: MAX_LINKS })
  }

  async find(name: string, { remembered = false }: LinkOptions, look: () => Promise<V | undefined>) {
    const beganMs = this.#clock.monotonicMs()
    const known = remembered ? this.#links.get(name) : undefined
    if (known !== undefined && beganMs < known.beganMs + this.#ttl()) return known.value
    const own = { isOvertaken: false }
    const looks = this.#looks.get(name) ?? new Set()
    this.#looks.set(name, looks.add(own))
    try {
      const value = await look()
      if (value === undefined) this.#links.delete(name)
      else if (!own.isOvertaken) this.#links.set(name, { value, beganMs })
      return value
    } finally {
      looks.delete(own)
      if (looks.size === 0) this.#looks.delete(name)
    }
  }

  async during<T>(name: string, change: () => Promise<T>): Promise<T> {
    this.#forget(name)
    try {
      return await change()
    } finally {
      this.#forget(name)
    }
  }

  #forget(name: string): void {
    for (const look of this.#looks.get(name) ?? []) look.isOvertaken = true
    this.#links.delete(name)
  }
}
