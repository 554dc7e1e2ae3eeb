import { randomUUID } from 'node:crypto'
import { apiVersionOf, type Kind } from './kinds.ts'
import { expired, Refusal } from './refusal.ts'
import { copyOf, equal, type Fields, type Stored } from './stored.ts'

/** Something that has happened to one object. */
export interface StoreChange {
  readonly revision: number
  readonly kind: Kind
  readonly key: string
  /** Undefined: it is gone. */
  readonly now: Stored | undefined
  readonly before: Stored | undefined
}

export type Matches = (object: Stored) => boolean

/** A part of a list, as it was at one revision. */
export interface StorePage {
  readonly objects: readonly Stored[]
  readonly revision: number
  readonly next: string | undefined
  readonly remaining: number
}

const FIRST_REVISION = 100

export const storeKey = (namespace: string | undefined, name: string) =>
  namespace === undefined ? name : `${namespace}/${name}`

/** All objects of a cluster, and what has changed since it was last compacted. Its life is that of etcd. */
export class KubeStore {
  readonly #objects = new Map<string, Map<string, Stored>>()
  readonly #kinds = new Map<string, Kind>()
  readonly #listeners = new Set<(change: StoreChange) => void>()
  #history: StoreChange[] = []
  /** Changes up to this one are forgotten. */
  #compacted = FIRST_REVISION
  #snapshots = new Map<string, StorePage>()

  revision = FIRST_REVISION

  find(kind: Kind, key: string): Stored | undefined {
    return this.#of(kind).get(key)
  }

  all(kind: Kind): readonly Stored[] {
    return [...this.#of(kind)].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  /** Puts an object, or takes it away. */
  commit(kind: Kind, key: string, next: Fields | undefined): Stored | undefined {
    const before = this.find(kind, key)
    this.revision += 1
    const now = next === undefined ? undefined : this.#versioned(kind, before, next)
    if (now === undefined) this.#of(kind).delete(key)
    else this.#of(kind).set(key, now)
    const change = { revision: this.revision, kind, key, now, before }
    this.#history.push(change)
    for (const listener of this.#listeners) listener(change)
    return now
  }

  /** What is in a namespace goes with it, as the controller of namespaces does it. */
  empty(namespace: string): void {
    for (const [name, objects] of this.#objects) {
      const kind = this.#kinds.get(name)
      if (kind?.namespaced !== true) continue
      for (const [key, { metadata }] of objects) if (metadata.namespace === namespace) this.commit(kind, key, undefined)
    }
  }

  /** The first part of a list, or the part that follows. @throws 410 */
  page(kind: Kind, matches: Matches, { limit, next }: { readonly limit: number; readonly next?: string }): StorePage {
    const kept = next === undefined ? undefined : this.#snapshots.get(next)
    if (next !== undefined && kept === undefined) throw expired(next)
    const { objects, revision } = kept ?? { objects: this.all(kind).filter(matches), revision: this.revision }
    const size = limit > 0 ? limit : objects.length
    const rest = objects.slice(size)
    if (rest.length === 0) return { objects, revision, next: undefined, remaining: 0 }
    const token = randomUUID()
    this.#snapshots.set(token, { objects: rest, revision, next: undefined, remaining: 0 })
    return { objects: objects.slice(0, size), revision, next: token, remaining: rest.length }
  }

  /** What has happened since, and whatever happens until the returned function is called. @throws 410, 504 */
  follow(since: number, listener: (change: StoreChange) => void): () => void {
    if (since < this.#compacted) throw expired(String(since))
    if (since > this.revision)
      throw new Refusal(504, 'Timeout', `Too large resource version: ${since}, current: ${this.revision}`)
    for (const change of this.#history) if (change.revision > since) listener(change)
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Forgets all changes, and all lists that are not whole. */
  compact(): void {
    this.#history = []
    this.#compacted = this.revision
    this.#snapshots = new Map()
  }

  #of(kind: Kind): Map<string, Stored> {
    const name = `${kind.group}/${kind.plural}`
    this.#kinds.set(name, kind)
    const found = this.#objects.get(name) ?? new Map<string, Stored>()
    this.#objects.set(name, found)
    return found
  }

  #versioned(kind: Kind, before: Stored | undefined, next: Fields): Stored {
    const meta = next['metadata'] as Stored['metadata']
    const uid = before?.metadata.uid ?? randomUUID()
    const creationTimestamp = before?.metadata['creationTimestamp'] ?? new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const isOther = before === undefined || !equal(before['spec'], next['spec'])
    const generation = (before?.metadata.generation ?? 0) + (isOther ? 1 : 0)
    return copyOf({
      ...next,
      ...{ apiVersion: apiVersionOf(kind), kind: kind.kind },
      metadata: { ...meta, uid, creationTimestamp, generation, resourceVersion: String(this.revision) },
    }) as unknown as Stored
  }
}
