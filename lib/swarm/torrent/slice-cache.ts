import type { ByteRange, PieceMap } from '../../core/index.ts'
import type { Loan } from './loan.ts'
import type { WarmPieces } from './warm-pieces.ts'

/** Files are read in slices of this many bytes; it divides every piece length. */
export const SLICE_LENGTH = 1024 * 1024

/** What slices are read from. */
export interface SliceSource {
  /** Names the content in the cache. */
  readonly key: string
  readonly map: PieceMap
  /** Fills and returns `into`, which is exactly as long as `range`, or else a new buffer. */
  read(range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
}

/**
 * A cache of recently read slices of blobs, limited in bytes. The blocks of one piece, requested one after the other by
 * several peers and readers, cost one read of the file; a piece that has just arrived costs none. Its memory is
 * allocated once and reused, so bytes are copied out or lent: a new buffer for each slice would cost more garbage
 * collection than everything else.
 */
export interface SliceCache {
  /** Fills `into`, exactly as long as `range`. Concurrent reads of a slice are one. @throws what the source throws */
  read(source: SliceSource, range: ByteRange, into: Uint8Array): Promise<void>
  /** Like `lend`, at once, of what is in memory already. */
  lendNow(source: SliceSource, range: ByteRange): Loan | undefined
  /**
   * Bytes from the start of the range, as many as are contiguous in memory, not copied; undefined when this is not
   * possible now: then use `read`. @throws what the source throws
   */
  lend(source: SliceSource, range: ByteRange): Promise<Loan | undefined>
  /** Lets go of all slices that are not in use: nobody will need any for a while. */
  rest(): void
}

interface Slot {
  readonly key: string
  readonly bytes: Uint8Array
  /** Set while the slot is being filled. */
  loading: Promise<void> | undefined
  /** Reads that wait for it or copy from it; it is not reused meanwhile. */
  users: number
}

export function sliceCache(maxBytes: number, warm: Pick<WarmPieces, 'lend'>): SliceCache {
  return new Arena(Math.max(1, Math.floor(maxBytes / SLICE_LENGTH)), warm)
}

class Arena implements SliceCache {
  readonly #maxSlots: number
  readonly #warm: Pick<WarmPieces, 'lend'>
  /** Least recently used first. */
  readonly #slots = new Map<string, Slot>()
  readonly #free: Uint8Array[] = []

  constructor(maxSlots: number, warm: Pick<WarmPieces, 'lend'>) {
    this.#maxSlots = maxSlots
    this.#warm = warm
  }

  async read(source: SliceSource, range: ByteRange, into: Uint8Array): Promise<void> {
    for (let start = this.#copyWarm(source, range, into); start < range.end; ) {
      const index = Math.floor(start / SLICE_LENGTH)
      const end = Math.min(range.end, (index + 1) * SLICE_LENGTH)
      const part = into.subarray(start - range.start, end - range.start)
      const slot = this.#slot(source, index)
      // Every slot is in use, so this read bypasses the cache.
      if (slot === undefined) await fill(source, { start, end }, part)
      else await this.#copy(slot, start - index * SLICE_LENGTH, part)
      start = end
    }
  }

  lendNow(source: SliceSource, range: ByteRange): Loan | undefined {
    const warm = this.#warm.lend(source, range)
    if (warm !== undefined) return warm
    const index = Math.floor(range.start / SLICE_LENGTH)
    const slot = this.#known(`${source.key}/${index}`)
    return slot === undefined || slot.loading !== undefined ? undefined : lent(slot, index, range)
  }

  async lend(source: SliceSource, range: ByteRange): Promise<Loan | undefined> {
    const warm = this.#warm.lend(source, range)
    if (warm !== undefined) return warm
    const index = Math.floor(range.start / SLICE_LENGTH)
    const slot = this.#slot(source, index)
    if (slot === undefined) return undefined
    const loan = lent(slot, index, range)
    try {
      if (slot.loading !== undefined) await slot.loading
    } catch (err) {
      loan.release()
      throw err
    }
    return loan
  }

  rest(): void {
    this.#free.length = 0
    for (const [key, slot] of this.#slots) if (slot.users === 0) this.#slots.delete(key)
  }

  /** Returns where the rest of the range begins. */
  #copyWarm(source: SliceSource, range: ByteRange, into: Uint8Array): number {
    const warm = this.#warm.lend(source, range)
    if (warm === undefined) return range.start
    into.set(warm.bytes)
    warm.release()
    return range.start + warm.bytes.length
  }

  async #copy(slot: Slot, offset: number, part: Uint8Array): Promise<void> {
    slot.users += 1
    try {
      if (slot.loading !== undefined) await slot.loading
      part.set(slot.bytes.subarray(offset, offset + part.length))
    } finally {
      slot.users -= 1
    }
  }

  /** The slot of a slice, being filled or full. */
  #slot(source: SliceSource, index: number): Slot | undefined {
    const key = `${source.key}/${index}`
    const known = this.#known(key)
    if (known !== undefined) return known
    const slot = this.#take(key)
    if (slot !== undefined) this.#load(slot, source, index)
    return slot
  }

  /** The slot, which counts as just used. */
  #known(key: string): Slot | undefined {
    const known = this.#slots.get(key)
    if (known === undefined) return undefined
    this.#slots.delete(key)
    this.#slots.set(key, known)
    return known
  }

  #load(slot: Slot, source: SliceSource, index: number): void {
    const start = index * SLICE_LENGTH
    const end = Math.min(source.map.length, start + SLICE_LENGTH)
    slot.users += 1
    slot.loading = fill(source, { start, end }, slot.bytes.subarray(0, end - start)).then(
      () => {
        slot.users -= 1
        slot.loading = undefined
      },
      (err: unknown) => {
        // At once, because from here on the slot's memory no longer holds that slice.
        this.#slots.delete(slot.key)
        this.#free.push(slot.bytes)
        throw err
      },
    )
    slot.loading.catch(() => undefined)
  }

  /** A slot for a slice that has none; undefined when every slot is in use. */
  #take(key: string): Slot | undefined {
    const bytes = this.#free.pop() ?? (this.#slots.size < this.#maxSlots ? newSlice() : this.#evict())
    if (bytes === undefined) return undefined
    const slot: Slot = { key, bytes, loading: undefined, users: 0 }
    this.#slots.set(key, slot)
    return slot
  }

  #evict(): Uint8Array | undefined {
    for (const slot of this.#slots.values()) {
      if (slot.users > 0) continue
      this.#slots.delete(slot.key)
      return slot.bytes
    }
    return undefined
  }
}

function lent(slot: Slot, index: number, range: ByteRange): Loan {
  const start = index * SLICE_LENGTH
  const end = Math.min(range.end, start + SLICE_LENGTH)
  slot.users += 1
  const release = () => {
    slot.users -= 1
  }
  return { bytes: slot.bytes.subarray(range.start - start, end - start), release }
}

/** When a source gives its own buffer, the bytes are copied from it. */
async function fill(source: SliceSource, range: ByteRange, into: Uint8Array): Promise<void> {
  const bytes = await source.read(range, into)
  if (bytes !== into) into.set(bytes)
}

function newSlice(): Uint8Array {
  return Buffer.allocUnsafeSlow(SLICE_LENGTH)
}
