import { buffer } from 'node:stream/consumers'
import type { Backend } from '../../../lib/backend/index.ts'
import { appError, hasCode, inTurns } from '../../../lib/base/index.ts'
import type { JournalStorage, StorageRecord } from '../../../lib/journal/index.ts'
import { keyPages } from '../key-pages.ts'
import type { Lease } from './leases.ts'

/** Records read at the same time. */
const READS = 16
/** Tries of a conditional write; each failure shows what the record is by now. */
const TRIES = 8

export interface BackendStorageComponents {
  readonly backend: Backend
  /** While it is held the records may be changed; afterwards another process may own them. */
  readonly lease: Pick<Lease, 'isHeld' | 'signal' | 'generation'>
}

/**
 * A journal's records as objects behind a prefix of a backend, which every process of the cluster can take over. What is
 * written survives also a power loss. A write of several changes makes those that put before those that remove, so that
 * nothing is lost when the process ends in between; the journal then finds both, and takes the first step again.
 *
 * Each record carries the generation of the lease under which it was written, and every write is conditional. Who reads
 * the records makes them those of its own generation first. So a write of a former holder, however late it arrives,
 * changes nothing of what a later holder knows; it does not even depend on a clock.
 */
export function backendStorage({ backend, lease }: BackendStorageComponents, prefix: string): JournalStorage {
  return new BackendStorage(backend, lease, prefix)
}

interface Found {
  readonly etag: string
  readonly generation: number
  readonly value: Uint8Array
}

const notOurs = () => appError('JOURNAL_UNAVAILABLE', { message: 'the journal is not ours now' })

class BackendStorage implements JournalStorage {
  readonly #backend: Backend
  readonly #lease: BackendStorageComponents['lease']
  readonly #prefix: string
  /** What each record was when it was last read or written here. */
  readonly #etags = new Map<string, string>()
  #running = false

  constructor(backend: Backend, lease: BackendStorageComponents['lease'], prefix: string) {
    this.#backend = backend
    this.#lease = lease
    this.#prefix = prefix
  }

  async start(): Promise<void> {
    this.#running = true
  }

  async stop(): Promise<void> {
    this.#running = false
  }

  async write(changes: Parameters<JournalStorage['write']>[0]): Promise<void> {
    this.#check()
    const last = new Map(changes.map((change) => [change.key, change.value?.slice()]))
    try {
      for (const [key, value] of last) if (value !== undefined) await this.#put(key, value)
      for (const [key, value] of last) if (value === undefined) await this.#remove(key)
    } catch (err) {
      throw unavailable(err)
    }
    // What is confirmed was there before another holder could read it.
    this.#check()
  }

  async *records(): AsyncIterable<StorageRecord> {
    this.#check()
    const found: StorageRecord[] = []
    try {
      for await (const keys of keyPages(this.#backend, this.#prefix, this.#options)) {
        const claimed = await inTurns(keys, READS, (key) => this.#claim(key.slice(this.#prefix.length)))
        found.push(...claimed.filter((record) => record !== undefined))
      }
    } catch (err) {
      throw unavailable(err)
    }
    this.#check()
    yield* found
  }

  get #options() {
    return { signal: this.#lease.signal }
  }

  #check(): void {
    if (!this.#running || !this.#lease.isHeld()) throw notOurs()
  }

  #put(key: string, value: Uint8Array): Promise<void> {
    return this.#insist(key, async () => {
      const etag = this.#etags.get(key)
      const condition = etag === undefined ? { ifAbsent: true } : { ifMatch: etag }
      const bytes = Buffer.concat([Buffer.from(`${this.#lease.generation}\n`), value])
      const options = { ...this.#options, ...condition, size: bytes.byteLength }
      this.#etags.set(key, (await this.#backend.write(this.#prefix + key, bytes, options)).etag)
    })
  }

  #remove(key: string): Promise<void> {
    return this.#insist(key, async () => {
      const etag = this.#etags.get(key) ?? (await this.#look(key))?.etag
      if (etag === undefined) return
      await this.#backend.delete(this.#prefix + key, { ...this.#options, ifMatch: etag })
      this.#etags.delete(key)
    })
  }

  /** Makes a record that is there one of our own. */
  async #claim(key: string): Promise<StorageRecord | undefined> {
    let record: StorageRecord | undefined
    await this.#insist(key, async () => {
      const found = await this.#look(key)
      record = found && { key, value: found.value }
      if (found !== undefined && found.generation < this.#lease.generation) await this.#put(key, found.value)
    })
    return record
  }

  /** Repeats a conditional write when the record was changed by a former holder, or by a write of ours without an answer. */
  async #insist(key: string, work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      this.#check()
      try {
        await work()
        return
      } catch (err) {
        if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED') || attempt === TRIES) throw err
        await this.#look(key)
      }
    }
  }

  /** @throws JOURNAL_UNAVAILABLE when the record is of a later holder */
  async #look(key: string): Promise<Found | undefined> {
    const read = await this.#backend.read(this.#prefix + key, this.#options)
    if (read === undefined) {
      this.#etags.delete(key)
      return undefined
    }
    const found = { etag: read.etag, ...parsed(await buffer(read.body)) }
    if (found.generation > this.#lease.generation) throw notOurs()
    this.#etags.set(key, found.etag)
    return found
  }
}

/** The generation is in the first line; a record without that line is older than all generations. */
function parsed(bytes: Buffer): Pick<Found, 'generation' | 'value'> {
  const end = bytes.indexOf('\n')
  const text = bytes.toString('latin1', 0, Math.max(0, end))
  if (!/^\d{1,16}$/.test(text)) return { generation: 0, value: bytes }
  return { generation: Number(text), value: bytes.subarray(end + 1) }
}

const unavailable = (err: unknown) =>
  hasCode(err, 'JOURNAL_UNAVAILABLE') ? err : appError('JOURNAL_UNAVAILABLE', { cause: err })
