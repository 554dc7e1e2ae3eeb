import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect } from '@jest/globals'
import type { Backend, ObjectRead } from '../../../lib/backend/index.ts'
import type { OutcomeRow } from '../../../lib/backend/outcomes.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import type { Fault, Faults } from '../../kit/http-faults.ts'

/** A backend's requests over the network; a test can disturb them. */
export interface BackendRequests {
  readonly faults: Faults
  /** An answer with this status, in the format in which such a backend gives a reason. */
  refusal(status: number, reason: string | undefined): Fault
  /** The names of this kind of backend for its errors, and the outcome of each. */
  readonly names: Readonly<Record<string, OutcomeRow>>
  /** Size of an object that takes several requests to write; undefined for a read-only backend. */
  readonly manyRequestBytes?: number
}

/** One empty backend, and ways to inspect it. */
export interface BackendUnderTest {
  /** Opens another client of the same backend, as another process would; it is started. */
  open(): Promise<Backend>
  /** Names of leftovers: temporary files, open multipart uploads, locks. */
  leftovers(): Promise<readonly string[]>
  /** Adds an object without the driver; only where the driver is read-only. */
  readonly seed?: (key: string, bytes: Uint8Array) => Promise<void>
  /** Only of backends that are reached over the network. */
  readonly requests?: BackendRequests
  /** Stops every client and removes the backend. */
  dispose(): Promise<void>
}

/**
 * What a kind of backend cannot do; it can do whatever is not named. For each trait the suite expects the documented
 * error, and it runs every case that still makes sense.
 */
export interface BackendTraits {
  /** Keys are derived from the content, so that no object is ever replaced: the key of `bytes`. */
  readonly keyFor?: (bytes: Uint8Array) => string
  /** `write` and `delete` answer BACKEND_READ_ONLY. */
  readonly writes?: false
  /** False: `list` throws UNSUPPORTED. `unordered`: one page has all keys of the prefix, in any order. */
  readonly lists?: false | 'unordered'
  /** False: a removal may also remove a neighbour that is written at the same moment, but not one written before. */
  readonly isolates?: false
  /**
   * Conditions are checked shortly before the write, not atomically with it: two writers at one moment may both win.
   */
  readonly conditions?: 'checked'
  /** False: an object of 3 MiB that is replaced during a read can no longer be read: BACKEND_UNAVAILABLE. */
  readonly keepsReplaced?: false
}

/** The backend of the current test, and shorthands for it. */
export interface World {
  readonly traits: BackendTraits
  readonly subject: BackendUnderTest
  readonly backend: Backend
  /** The key for `content`: `name`, unless keys are derived from the content. */
  keyOf(name: string, content: string | Uint8Array): string
  /** Adds `content` and returns its key. */
  put(name: string, content: string | Uint8Array): Promise<string>
  get(key: string): Promise<string | undefined>
  opened(key: string, options?: Parameters<Backend['read']>[1]): Promise<ObjectRead>
  /** Expects that `key` does not exist, nor (where the backend can list) any other key. */
  absent(key: string): Promise<void>
}

export const MIB = 1024 * 1024
export const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === 'string' ? Buffer.from(content) : content

export const write = (backend: Backend, key: string, value: string) =>
  backend.write(key, Buffer.from(value), { size: Buffer.byteLength(value) })

export async function get(backend: Backend, key: string): Promise<string | undefined> {
  const found = await backend.read(key)
  return found && (await buffer(found.body)).toString()
}

/** Makes a backend before each test of the enclosing `describe`, and checks for leftovers after each. */
export function worldOfEach(make: () => Promise<BackendUnderTest>, traits: BackendTraits): World {
  let subject: BackendUnderTest | undefined
  let backend: Backend | undefined
  const running = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error('the backend under test has not started')
    return part
  }

  beforeEach(async () => {
    subject = await make()
    backend = await subject.open()
  })
  afterEach(async () => {
    try {
      expect(await running(subject).leftovers()).toEqual([])
    } finally {
      await running(subject).dispose()
    }
  })

  const world: World = {
    traits,
    get subject() {
      return running(subject)
    },
    get backend() {
      return running(backend)
    },
    keyOf: (name, content) => traits.keyFor?.(bytesOf(content)) ?? name,
    async put(name, content) {
      const bytes = bytesOf(content)
      const key = world.keyOf(name, bytes)
      if (world.subject.seed !== undefined) await world.subject.seed(key, bytes)
      else await world.backend.write(key, bytes, { size: bytes.length })
      return key
    },
    get: (key) => get(world.backend, key),
    async opened(key, options = {}) {
      const found = await world.backend.read(key, options)
      if (found === undefined) throw new Error(`there is no object ${key}`)
      return found
    },
    async absent(key) {
      expect(await world.backend.stat(key)).toBeUndefined()
      if (traits.lists !== false) expect((await world.backend.list('')).keys).toEqual([])
    },
  }
  return world
}

/** `size` random bytes in chunks of 256 KiB, made while they are read, and their digest. */
export function randomStream(size: number): { readonly stream: Readable; readonly sha256: () => string } {
  const block = cipherBytes(`block-${size}`, 256 * 1024)
  const hash = createHash('sha256')
  let left = size
  const stream = new Readable({
    read() {
      const chunk = Buffer.from(block.subarray(0, Math.min(left, block.length)))
      chunk.writeUInt32BE(left >>> 0, 0)
      left -= chunk.length
      hash.update(chunk)
      this.push(chunk)
      if (left === 0) this.push(null)
    },
  })
  return { stream, sha256: () => hash.digest('hex') }
}

/** Gives `bytes` bytes of an object, then stalls until it is destroyed. */
export function stalledStream(bytes: number): Readable {
  let given = false
  return new Readable({
    read() {
      if (!given) this.push(Buffer.alloc(bytes, 7))
      given = true
    },
  })
}
