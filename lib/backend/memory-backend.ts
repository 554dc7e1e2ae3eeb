import { Readable } from 'node:stream'
import { type AbortOptions, abortsWith, appError, throwIfAborted } from '../base/index.ts'
import type { Backend, WriteOptions } from './backend.ts'
import { checkKey, checkPrefix } from './key.ts'
import { firstPage } from './object-page.ts'
import { rangeWithin } from './object-range.ts'
import { owningSource, receive } from './receive.ts'

interface StoredObject {
  readonly bytes: Uint8Array
  readonly size: number
  readonly etag: string
}

const CHUNK_BYTES = 64 * 1024

export interface MemoryBackendInit {
  /** As `ObjectStat.unitBytes`; default: it is read front to back. */
  readonly unitBytes?: number | undefined
  /** As `ObjectStat.runBytes`. */
  readonly runBytes?: number | undefined
}

/** The in-memory twin for tests; keeps its content as long as the object exists. */
export function memoryBackend({ unitBytes, runBytes }: MemoryBackendInit = {}): Backend {
  const objects = new Map<string, StoredObject>()
  let writes = 0

  const checkCondition = (key: string, { ifAbsent, ifMatch }: Pick<WriteOptions, 'ifAbsent' | 'ifMatch'>) => {
    const found = objects.get(key)
    if ((ifAbsent === true && found !== undefined) || (ifMatch !== undefined && ifMatch !== found?.etag)) {
      throw appError('BACKEND_PRECONDITION_FAILED')
    }
  }

  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    async stat(key, options = {}) {
      checkKey(key)
      throwIfAborted(options.signal)
      const found = objects.get(key)
      const units = options.thenRead === true && unitBytes !== undefined ? { unitBytes, runBytes } : {}
      return found && { size: found.size, etag: found.etag, ...units }
    },
    async read(key, options = {}) {
      checkKey(key)
      throwIfAborted(options.signal)
      const found = objects.get(key)
      if (found === undefined) return undefined
      const { start, end } = rangeWithin(options.range, found.size)
      return { size: found.size, etag: found.etag, body: streamOf(found.bytes.subarray(start, end), options) }
    },
    write: (key, source, options) =>
      owningSource(source, async () => {
        checkKey(key)
        checkCondition(key, options)
        const chunks: Uint8Array[] = []
        await receive(source, options, async (chunk) => void chunks.push(Uint8Array.from(chunk)))
        checkCondition(key, options)
        writes += 1
        const stored = { bytes: Buffer.concat(chunks), size: options.size, etag: `m-${writes}` }
        objects.set(key, stored)
        return { size: stored.size, etag: stored.etag }
      }),
    async list(prefix, { after = '', limit, signal } = {}) {
      checkPrefix(prefix)
      throwIfAborted(signal)
      return firstPage([...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort(), limit)
    },
    async delete(key, { ifMatch, signal } = {}) {
      checkKey(key)
      throwIfAborted(signal)
      if (ifMatch !== undefined && objects.has(key)) checkCondition(key, { ifMatch })
      objects.delete(key)
    },
  }
}

function streamOf(bytes: Uint8Array, { signal }: AbortOptions): Readable {
  let at = 0
  const body = new Readable({
    read() {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES)
      at += chunk.length
      body.push(chunk.length === 0 ? null : Buffer.from(chunk))
    },
  })
  abortsWith(body, signal)
  return body
}
