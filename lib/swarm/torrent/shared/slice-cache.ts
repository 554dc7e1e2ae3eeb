import type { ByteRange, PieceMap } from '../../../core/index.ts'
import { idleMemory } from './idle-memory.ts'
import type { Loan } from './loan.ts'
import type { WarmPieces } from './warm-pieces.ts'

/** Files are read in slices of this many bytes, or of a piece: no piece is longer, and every piece length divides it. */
export const SLICE_LENGTH = 1024 * 1024

/** What slices are read from. */
export interface SliceSource {
  /** Names the content in the cache. */
  readonly key: string
  readonly map: PieceMap
  /**
   * Bytes that are read together, at most `SLICE_LENGTH`. All of them must be right when one of them may be read, since
   * they are kept: so of a blob that is arriving a slice is a piece.
   */
  readonly sliceLength: number
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
  /** Nothing that was read of this content so far is given to anybody any more; who reads it now may end. */
  forget(key: string): void
  /** Lets go of all slices that are not in use: nobody will need any for a while. */
  rest(): void
}

interface Slot {
  /** The key of the content. */
  readonly content: string
  key: string
  readonly bytes: Uint8Array
  /** Set while the slot is being filled. */
  loading: Promise<void> | undefined
  /** Reads that wait for it or copy from it, and loans; it is not reused meanwhile. */
  users: number
  /** Loans that have not been given back. */
  loans: number
}

/** Share of the cache that may be lent at a time: readers that do not read must not take it from all others. */
const LENT_SHARE = 0.75

export function sliceCache(maxBytes: number, warm: Pick<WarmPieces, 'lend'>): SliceCache {
  return new Arena(Math.max(SLICE_LENGTH, maxBytes), warm)
}

class Arena implements SliceCache {
  readonly #maxBytes: number
  readonly #warm: Pick<WarmPieces, 'lend'>
  /** Least recently used first. */
  readonly #slots = new Map<string, Slot>()
  readonly #free = idleMemory()
  #slotBytes = 0
  #hidden = 0
  #lentBytes = 0

  constructor(maxBytes: number, warm: Pick<WarmPieces, 'lend'>) {
    this.#maxBytes = maxBytes
    this.#warm = warm
  }

  async read(source: SliceSource, range: ByteRange, into: Uint8Array): Promise<void> {
    for (let start = this.#copyWarm(source, range, into); start < range.end; ) {
      const index = Math.floor(start / source.sliceLength)
      const end = Math.min(range.end, (index + 1) * source.sliceLength)
      const part = into.subarray(start - range.start, end - range.start)
      const slot = this.#slot(source, index)
      // Every slot is in use, so this read bypasses the cache.
      if (slot === undefined) await fill(source, { start, end }, part)
      else await this.#copy(slot, start - index * source.sliceLength, part)
      start = end
    }
  }

  lendNow(source: SliceSource, range: ByteRange): Loan | undefined {
    const warm = this.#warm.lend(source, range)
    if (warm !== undefined) return warm
    const index = Math.floor(range.start / source.sliceLength)
    const slot = this.#known(`${source.key}/${index}`)
    return slot === undefined || slot.loading !== undefined ? undefined : this.#lent(slot, source, range)
  }

  async lend(source: SliceSource, range: ByteRange): Promise<Loan | undefined> {
    const now = this.lendNow(source, range)
    if (now !== undefined) return now
    const slot = this.#slot(source, Math.floor(range.start / source.sliceLength))
    const loan = slot && this.#lent(slot, source, range)
    try {
      if (loan !== undefined) await slot?.loading
    } catch (err) {
      loan?.release()
      throw err
    }
    return loan
  }

  forget(key: string): void {
    for (const slot of [...this.#slots.values()]) {
      if (slot.content !== key) continue
      if (slot.users === 0) this.#vacate(slot)
      else this.#hide(slot)
    }
  }

  rest(): void {
    for (const slot of this.#slots.values()) if (slot.users === 0) this.#vacate(slot)
    this.#free.trim(0)
  }

  /** Undefined when much is lent already. */
  #lent(slot: Slot, { sliceLength }: SliceSource, range: ByteRange): Loan | undefined {
    const size = slot.bytes.length
    if (slot.loans === 0) {
      if (this.#lentBytes + size > Math.max(SLICE_LENGTH, this.#maxBytes * LENT_SHARE)) return undefined
      this.#lentBytes += size
    }
    slot.loans += 1
    slot.users += 1
    const release = () => {
      slot.users -= 1
      slot.loans -= 1
      if (slot.loans === 0) this.#lentBytes -= size
    }
    // The last slice may be shorter than the slot.
    const start = Math.floor(range.start / sliceLength) * sliceLength
    const end = Math.min(range.end, start + size)
    return { bytes: slot.bytes.subarray(range.start - start, end - start), release }
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
    const slot = this.#take({ content: source.key, key }, source.sliceLength)
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
    const start = index * source.sliceLength
    const end = Math.min(source.map.length, start + source.sliceLength)
    slot.users += 1
    slot.loading = fill(source, { start, end }, slot.bytes.subarray(0, end - start)).then(
      () => {
        slot.users -= 1
        slot.loading = undefined
      },
      (err: unknown) => {
        // At once, because from here on the slot's memory no longer holds that slice.
        this.#vacate(slot)
        throw err
      },
    )
    slot.loading.catch(() => undefined)
  }

  /** A slot for a slice that has none; undefined when every slot is in use. */
  #take(names: Pick<Slot, 'content' | 'key'>, length: number): Slot | undefined {
    if (!this.#makeRoom(length)) return undefined
    const memory = this.#free.take(length)
    this.#free.trim(Math.max(0, this.#maxBytes - this.#slotBytes - length))
    const bytes = memory === undefined ? Buffer.allocUnsafeSlow(length) : new Uint8Array(memory)
    const slot: Slot = { ...names, bytes, loading: undefined, users: 0, loans: 0 }
    this.#slots.set(slot.key, slot)
    this.#slotBytes += length
    return slot
  }

  #makeRoom(length: number): boolean {
    for (const slot of this.#slots.values()) {
      if (this.#slotBytes + length <= this.#maxBytes) break
      if (slot.users === 0) this.#vacate(slot)
    }
    return this.#slotBytes + length <= this.#maxBytes
  }

  /** Nobody finds it any more; its memory counts until its users are done. */
  #hide(slot: Slot): void {
    this.#slots.delete(slot.key)
    this.#hidden += 1
    slot.key = `forgotten/${this.#hidden}`
    this.#slots.set(slot.key, slot)
  }

  /** Its memory is for another slice. */
  #vacate(slot: Slot): void {
    this.#slots.delete(slot.key)
    this.#slotBytes -= slot.bytes.length
    this.#free.put(slot.bytes.buffer)
  }
}

/** When a source gives its own buffer, the bytes are copied from it. */
async function fill(source: SliceSource, range: ByteRange, into: Uint8Array): Promise<void> {
  const bytes = await source.read(range, into)
  if (bytes !== into) into.set(bytes)
}
