import { type AbortOptions, appError, type Clock, type Random, throwIfAborted } from '../../../lib/base/index.ts'
import type { FoundRecord, WantedRecord, Zone } from '../../../services/controller/names/index.ts'

export interface ZoneFaults {
  /** Share of calls that fail before anything is done. */
  failing: number
  /** Share of calls that are refused as too many. */
  throttled: number
  /** Share of writes that are done in part and fail then. */
  halfWay: number
  /** Share of records whose write is said to be done, and is not. */
  forgotten: number
  /** Share of the reads in which one record is missing. */
  blind: number
  /** Nothing is answered but this code. */
  out: 'ZONE_THROTTLED' | 'ZONE_UNAVAILABLE' | undefined
}

export const noFaults = (): ZoneFaults => ({
  failing: 0,
  throttled: 0,
  halfWay: 0,
  forgotten: 0,
  blind: 0,
  out: undefined,
})

/** Calls after a fault that have none: one look, a write, and looks again. */
const GOOD_CALLS = 5

interface Stored {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly ttl: number
  readonly owner: string
}

export interface MemoryZoneInit {
  readonly clock: Clock
  readonly random: Random
  readonly faults?: ZoneFaults
  /** Longest delay of a call before and after it is done, milliseconds. Default none. */
  readonly delayMs?: number
  /** Called when a record has gone. */
  readonly onRemoved?: (record: FoundRecord) => void
}

/** A zone in memory that several controllers share, with all that a service over a network may do. */
export class MemoryZone {
  readonly records = new Map<string, Stored>()
  readonly faults: ZoneFaults
  /** When writes came, by the clock. */
  readonly writesMs: number[] = []
  readonly #init: MemoryZoneInit
  #count = 0
  #calls = 0
  #goodUntil = 0

  constructor(init: MemoryZoneInit) {
    this.#init = init
    this.faults = init.faults ?? noFaults()
  }

  /** What a resolver gets. */
  addresses(name: string): readonly string[] {
    return [...this.records.values()].filter((record) => record.name === name).map(({ address }) => address)
  }

  add(record: WantedRecord, owner: string): void {
    this.#count += 1
    const id = String(this.#count)
    this.records.set(id, { ...record, id, owner })
  }

  /** The zone has forgotten a record, as when somebody removes it by hand. */
  lose({ id }: Pick<Stored, 'id'>): void {
    this.records.delete(id)
  }

  /** The zone as one owner sees it. */
  of(owner: string): Zone {
    return {
      read: (names, options = {}) => this.#during(options, () => this.#read(owner, names)),
      put: (records, options = {}) =>
        this.#writing(records, options, (record) => {
          const known = this.#known(record.name, record.address)
          if (known === undefined) this.add(record, owner)
          else if (known.owner === owner) this.records.set(known.id, { ...known, ttl: record.ttl })
        }),
      remove: (records, options = {}) =>
        this.#writing(records, options, ({ id = '' }) => {
          const known = this.records.get(id)
          if (known?.owner !== owner) return
          this.records.delete(id)
          this.#init.onRemoved?.({ ...known, own: true })
        }),
    }
  }

  #known(name: string, address: string): Stored | undefined {
    return [...this.records.values()].find((record) => record.name === name && record.address === address)
  }

  #read(owner: string, names: readonly string[]): readonly FoundRecord[] {
    const all = [...this.records.values()]
    const shown = all.filter((record) => record.owner === owner || names.includes(record.name))
    if (this.#chance(this.faults.blind)) shown.splice(Math.floor(this.#init.random.next() * shown.length), 1)
    return shown.map(({ owner: whose, ...record }) => ({ ...record, own: whose === owner }))
  }

  async #writing<T>(records: readonly T[], options: AbortOptions, write: (record: T) => void): Promise<void> {
    await this.#during(options, () => {
      this.writesMs.push(this.#init.clock.monotonicMs())
      const half = this.#chance(this.faults.halfWay)
      for (const record of half ? records.slice(0, records.length / 2) : records)
        if (!this.#chance(this.faults.forgotten)) write(record)
      if (half) throw appError('ZONE_UNAVAILABLE', { message: 'failed half-way' })
    })
  }

  async #during<T>({ signal }: AbortOptions, work: () => T): Promise<T> {
    throwIfAborted(signal)
    this.#calls += 1
    await this.#delay(signal)
    if (this.faults.out !== undefined) throw appError(this.faults.out)
    if (this.#chance(this.faults.throttled)) throw appError('ZONE_THROTTLED')
    if (this.#chance(this.faults.failing)) throw appError('ZONE_UNAVAILABLE')
    const done = work()
    await this.#delay(signal)
    return done
  }

  async #delay(signal: AbortSignal | undefined): Promise<void> {
    const { clock, random, delayMs = 0 } = this.#init
    if (delayMs > 0) await clock.sleep(random.next() * delayMs, { signal })
  }

  /** A zone that always fails again would prove nothing: after a fault some calls go well. */
  #chance(share: number): boolean {
    const isOff = share <= 0 || this.#calls < this.#goodUntil || this.#init.random.next() >= share
    if (!isOff) this.#goodUntil = this.#calls + GOOD_CALLS
    return !isOff
  }
}
