import { Readable } from 'node:stream'
import type { MultipartApi, ObjectApi, ObjectCondition, ObjectStat } from '../../lib/backend/index.ts'
import { type AppError, appError, throwIfAborted } from '../../lib/base/index.ts'
import type { ByteRange } from '../../lib/core/index.ts'

export interface GetFault {
  /** Bytes of the answer that are sent before it is cut; without it the request is not answered. */
  readonly after?: number
  readonly err: AppError
}

/** An object store in memory with one method for each request; a test can make the next requests fail. */
export interface MemoryObjects {
  readonly objects: ObjectApi
  readonly multipart: MultipartApi
  /** Requested ranges, in order. */
  readonly gets: readonly (ByteRange | undefined)[]
  /** Bytes sent. */
  readonly given: () => number
  readonly parts: readonly { readonly number: number; readonly size: number }[]
  readonly uploads: () => readonly string[]
  /** Cuts the next answers, one fault for each request in order; undefined leaves an answer whole. */
  readonly failGets: (...faults: readonly (GetFault | undefined)[]) => void
  /** Runs before a request is served; a thrown error becomes the answer. */
  before: (request: 'head' | 'put' | 'create' | 'part' | 'complete' | 'abort', number?: number) => Promise<void> | void
  /** Runs after a request was served; a thrown error replaces the answer. */
  after: (request: 'put' | 'complete') => void
}

interface StoredObject extends ObjectStat {
  readonly bytes: Uint8Array
}

const CHUNK_BYTES = 16 * 1024

export function memoryObjects(): MemoryObjects {
  const stored = new Map<string, StoredObject>()
  const uploads = new Map<string, Map<number, Uint8Array>>()
  const gets: (ByteRange | undefined)[] = []
  const parts: { number: number; size: number }[] = []
  const faults: (GetFault | undefined)[] = []
  let given = 0
  let versions = 0

  const check = (key: string, { ifAbsent, ifMatch }: ObjectCondition) => {
    const found = stored.get(key)
    if ((ifAbsent === true && found !== undefined) || (ifMatch !== undefined && ifMatch !== found?.etag)) {
      throw appError('BACKEND_PRECONDITION_FAILED')
    }
  }
  const keep = (key: string, bytes: Uint8Array): ObjectStat => {
    versions += 1
    const object = { bytes, size: bytes.length, etag: `v${versions}` }
    stored.set(key, object)
    return { size: object.size, etag: object.etag }
  }
  const uploadOf = (id: string) => {
    const upload = uploads.get(id)
    if (upload !== undefined) return upload
    throw appError('BACKEND_UNAVAILABLE', { detail: { status: 404, reason: 'NoSuchUpload' } })
  }

  async function* cut(bytes: Uint8Array, fault: GetFault | undefined): AsyncGenerator<Uint8Array> {
    const end = Math.min(bytes.length, fault?.after ?? bytes.length)
    for (let at = 0; at < end; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, Math.min(end, at + CHUNK_BYTES))
      given += chunk.length
      yield chunk
    }
    if (fault !== undefined) throw fault.err
  }

  const memory: MemoryObjects = {
    gets,
    parts,
    given: () => given,
    uploads: () => [...uploads.keys()],
    failGets: (...next) => void faults.push(...next),
    before: () => undefined,
    after: () => undefined,
    objects: {
      async head(key, { signal }) {
        throwIfAborted(signal)
        await memory.before('head')
        const found = stored.get(key)
        return found && { size: found.size, etag: found.etag }
      },
      async get(key, { range, ifMatch, signal }) {
        throwIfAborted(signal)
        gets.push(range)
        const fault = faults.shift()
        if (fault !== undefined && fault.after === undefined) throw fault.err
        const found = stored.get(key)
        if (found === undefined) return undefined
        if (ifMatch !== undefined) check(key, { ifMatch })
        if (range !== undefined && range.start >= found.size) throw appError('RANGE_UNSATISFIABLE')
        const bytes = found.bytes.subarray(range?.start, range?.end)
        return { size: found.size, etag: found.etag, body: Readable.from(cut(bytes, fault), { objectMode: false }) }
      },
      async put(key, bytes, { signal, pace, ...condition }) {
        throwIfAborted(signal)
        await memory.before('put')
        await pace(bytes.length)
        check(key, condition)
        const written = keep(key, Uint8Array.from(bytes))
        memory.after('put')
        return written
      },
      async delete(key, { signal, ifMatch }) {
        throwIfAborted(signal)
        if (ifMatch !== undefined) check(key, { ifMatch })
        stored.delete(key)
      },
      async list(prefix, { after = '', limit, signal }) {
        throwIfAborted(signal)
        if (limit > 1000) throw new Error('no backend lists more than 1000 keys at a time')
        const keys = [...stored.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
        const page = keys.slice(0, limit)
        return { keys: page, next: keys.length > limit ? page.at(-1) : undefined }
      },
    },
    multipart: {
      async create(_key, { signal }) {
        throwIfAborted(signal)
        await memory.before('create')
        versions += 1
        const id = `upload-${versions}`
        uploads.set(id, new Map())
        return id
      },
      async part(_key, bytes, { uploadId, number, signal, pace }) {
        await memory.before('part', number)
        await pace(bytes.length)
        throwIfAborted(signal)
        uploadOf(uploadId).set(number, Uint8Array.from(bytes))
        parts.push({ number, size: bytes.length })
        return { number, etag: `part-${number}` }
      },
      async complete(key, sent, { uploadId, size, signal, ...condition }) {
        throwIfAborted(signal)
        await memory.before('complete')
        throwIfAborted(signal)
        const upload = uploadOf(uploadId)
        check(key, condition)
        const bytes = Buffer.concat(sent.map(({ number }) => upload.get(number) ?? Buffer.alloc(0)))
        if (bytes.length !== size) throw new Error(`completed ${bytes.length} bytes as ${size}`)
        uploads.delete(uploadId)
        const written = keep(key, bytes)
        memory.after('complete')
        return written
      },
      async abort(_key, uploadId) {
        await memory.before('abort')
        uploads.delete(uploadId)
      },
    },
  }
  return memory
}
