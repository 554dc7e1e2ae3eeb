import { type BlobRef, blobRefKey, type SwarmId, swarmIdOf } from '../../core/index.ts'

/** What the slots know of a torrent. */
export interface Slotted {
  readonly swarmId: SwarmId
  /** The header has come. */
  readonly known: boolean
  /** The name under which the blob is pulled; undefined when it is not pulled. */
  readonly asked: BlobRef | undefined
}

/**
 * The torrents of a node: one runs for each swarm. While its header is not known, pulls of the same blob under other
 * names ask for themselves beside it, so that what one name is refused is not refused to the others. The first of them
 * that gets a header runs from then on.
 */
export class TorrentSlots<T extends Slotted> {
  readonly #running = new Map<SwarmId, T>()
  /** By `blobRefKey`. */
  readonly #asking = new Map<string, T>()

  get size(): number {
    return this.#running.size + this.#asking.size
  }

  /** Those that run. */
  running(): IterableIterator<T> {
    return this.#running.values()
  }

  all(): readonly T[] {
    return [...this.#running.values(), ...this.#asking.values()]
  }

  get(swarmId: SwarmId): T | undefined {
    return this.#running.get(swarmId)
  }

  runs(torrent: T): boolean {
    return this.#running.get(torrent.swarmId) === torrent
  }

  /** The torrent that asks for the blob under this name. */
  asking(blob: BlobRef): T | undefined {
    const key = blobRefKey(blob)
    const running = this.#running.get(swarmIdOf(blob.digest))
    return running?.asked !== undefined && blobRefKey(running.asked) === key ? running : this.#asking.get(key)
  }

  run(torrent: T): void {
    this.#running.set(torrent.swarmId, torrent)
  }

  ask(blob: BlobRef, torrent: T): void {
    this.#asking.set(blobRefKey(blob), torrent)
  }

  /** A torrent has got its header. False when another one had it before, which runs. */
  promote(torrent: T): boolean {
    const before = this.#running.get(torrent.swarmId)
    if (before === torrent) return true
    if (before?.known === true) return false
    this.remove(torrent)
    this.#running.set(torrent.swarmId, torrent)
    if (before?.asked !== undefined) this.ask(before.asked, before)
    return true
  }

  remove(torrent: T): void {
    if (this.runs(torrent)) this.#running.delete(torrent.swarmId)
    const key = torrent.asked && blobRefKey(torrent.asked)
    if (key !== undefined && this.#asking.get(key) === torrent) this.#asking.delete(key)
  }

  clear(): void {
    this.#running.clear()
    this.#asking.clear()
  }
}
