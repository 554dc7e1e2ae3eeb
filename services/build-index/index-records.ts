import { buffer } from 'node:stream/consumers'
import { isDeepStrictEqual } from 'node:util'
import type { Backend } from '../../lib/backend/index.ts'
import { type AbortOptions, appError, type Clock, hasCode, type Random, retry } from '../../lib/base/index.ts'

/** Our records are far smaller; a larger object was not written by us. */
const MAX_RECORD_BYTES = 64 * 1024

/**
 * Tries of a conditional change and the waits between them; so many conflicts in a row mean that something is wrong.
 */
const MOVES = { attempts: 30, baseMs: 5, maxMs: 200 }

export interface IndexRecordsComponents {
  readonly backend: Backend
  readonly clock: Clock
  readonly random: Random
}

export interface FoundRecord<T> {
  readonly value: T
  readonly etag: string
}

export interface SetOptions extends AbortOptions {
  /** There is hardly ever such a record yet: it is looked for only when the write of a new one fails. Default false. */
  readonly isNew?: boolean
}

/** Reads a record's value from parsed JSON; may throw any error when the JSON does not fit. */
export type ParseRecord<T> = (value: unknown) => T

/**
 * JSON values in the backend, one in each object. Every read goes to the backend; nothing is cached. Every method:
 * @throws BACKEND_UNAVAILABLE, ABORTED.
 */
export interface IndexRecords {
  /** Undefined when there is no record. @throws BACKEND_CORRUPT when the record cannot be parsed */
  read<T>(key: string, parse: ParseRecord<T>, options?: AbortOptions): Promise<FoundRecord<T> | undefined>
  /**
   * Sets the record, whatever its value was; writes nothing when the value is already the same. Concurrent calls take
   * effect one after another, in any order. @throws UNAVAILABLE when other writers never stop changing the record
   */
  set(key: string, value: unknown, options?: SetOptions): Promise<void>
  /**
   * Sets the record to what `decide` makes of its value; leaves it when that is undefined. A record that is malformed
   * counts as none. `decide` is called again when another writer was faster. @throws UNAVAILABLE as `set` does
   */
  change<T>(
    key: string,
    change: { readonly parse: ParseRecord<T>; readonly decide: (found: T | undefined) => object | undefined },
    options?: AbortOptions,
  ): Promise<void>
  /** Removes the record if `doomed.test` holds for its value. Returns whether it was removed. */
  removeIf<T>(
    key: string,
    doomed: { readonly parse: ParseRecord<T>; readonly test: (value: T) => boolean },
    options?: AbortOptions,
  ): Promise<boolean>
}

export function indexRecords({ backend, clock, random }: IndexRecordsComponents): IndexRecords {
  const bytesOf = async (key: string, options: AbortOptions) => {
    const found = await backend.read(key, options)
    if (found === undefined) return undefined
    if (found.size > MAX_RECORD_BYTES) {
      found.body.destroy()
      throw corrupt(key)
    }
    return { etag: found.etag, bytes: await buffer(found.body) }
  }

  /** Repeats a conditional change until no other writer has changed the record in between. */
  const insist = async <T>(change: () => Promise<T>, options: AbortOptions): Promise<T> => {
    try {
      return await retry({ clock, random }, MOVES, change, { ...options, again: isLost })
    } catch (err) {
      if (!isLost(err)) throw err
      throw appError('UNAVAILABLE', { message: 'too many callers change the same record; try again', cause: err })
    }
  }

  const read: IndexRecords['read'] = async (key, parse, options = {}) => {
    const found = await bytesOf(key, options)
    return found && { etag: found.etag, value: parsed(key, found.bytes, parse) }
  }

  return {
    read,
    async set(key, value, { isNew = false, ...options } = {}) {
      const bytes = Buffer.from(JSON.stringify(value))
      if (isNew && (await added(backend, key, bytes, options))) return
      await insist(async () => {
        const found = await bytesOf(key, options)
        if (found !== undefined && isSame(found.bytes, bytes)) return
        const condition = found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }
        await backend.write(key, bytes, { ...options, ...condition, size: bytes.length })
      }, options)
    },
    change: (key, { parse, decide }, options = {}) =>
      insist(async () => {
        const found = await bytesOf(key, options)
        const value = decide(found && readable(found.bytes, parse))
        if (value === undefined) return
        const bytes = Buffer.from(JSON.stringify(value))
        const condition = found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }
        await backend.write(key, bytes, { ...options, ...condition, size: bytes.length })
      }, options),
    removeIf: (key, { parse, test }, options = {}) =>
      insist(async () => {
        const found = await read(key, parse, options)
        if (found === undefined || !test(found.value)) return false
        await backend.delete(key, { ...options, ifMatch: found.etag })
        return true
      }, options),
  }
}

const isLost = (err: unknown): boolean => hasCode(err, 'BACKEND_PRECONDITION_FAILED')

/** False when there is a record already. */
async function added(backend: Backend, key: string, bytes: Buffer, options: AbortOptions): Promise<boolean> {
  try {
    await backend.write(key, bytes, { ...options, ifAbsent: true, size: bytes.length })
    return true
  } catch (err) {
    if (isLost(err)) return false
    throw err
  }
}

function isSame(stored: Buffer, wanted: Buffer): boolean {
  if (stored.equals(wanted)) return true
  try {
    return isDeepStrictEqual(JSON.parse(stored.toString()), JSON.parse(wanted.toString()))
  } catch {
    return false
  }
}

function parsed<T>(key: string, bytes: Buffer, parse: ParseRecord<T>): T {
  try {
    return parse(JSON.parse(bytes.toString()))
  } catch (err) {
    throw corrupt(key, err)
  }
}

function readable<T>(bytes: Buffer, parse: ParseRecord<T>): T | undefined {
  try {
    return parse(JSON.parse(bytes.toString()))
  } catch {
    return undefined
  }
}

function corrupt(key: string, cause?: unknown) {
  const message = 'a record of the index is malformed; set it again or remove the object from the backend'
  return appError('BACKEND_CORRUPT', { message, detail: { key }, cause })
}
