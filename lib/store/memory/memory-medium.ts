import { appError, Bitset } from '../../base/index.ts'
import { type ByteRange, type Digest, HASH_LENGTH, type PieceMap } from '../../core/index.ts'
import type {
  BesideName,
  BlobFiles,
  Inventory,
  Medium,
  PartialFile,
  PartialFiles,
  ReadHandle,
  UploadFiles,
  UploadHandle,
} from '../medium.ts'

const VOLUME = 'memory'

interface MemoryBlob {
  readonly data: Buffer
  usedAtMs: number
  verifiedAtMs: number | undefined
  readonly sidecars: Map<BesideName, Uint8Array>
}

const newBlob = (data: Buffer, usedAtMs: number): MemoryBlob => ({
  data,
  usedAtMs,
  verifiedAtMs: undefined,
  sidecars: new Map(),
})

interface MemoryPartial {
  readonly map: PieceMap
  readonly have: Bitset
  readonly hashes: Map<number, Uint8Array>
  readonly data: Buffer
  usedAtMs: number
}

interface MemoryUpload {
  data: Buffer
  usedAtMs: number
}

const copyOf = (data: Buffer, range: ByteRange, into?: Uint8Array): Uint8Array => {
  if (range.end > data.length) throw appError('STORE_CORRUPT', { detail: { ...range, size: data.length } })
  const bytes = into ?? Buffer.allocUnsafeSlow(range.end - range.start)
  data.copy(bytes, 0, range.start, range.end)
  return bytes
}

const handleOn = (data: () => Buffer): ReadHandle => ({
  read: async (range, into) => copyOf(data(), range, into),
  close: () => Promise.resolve(),
})

/** The content of the memory; it survives a stop and a start of the store, as files do. */
class Memory {
  readonly blobs = new Map<Digest, MemoryBlob>()
  readonly partials = new Map<Digest, MemoryPartial>()
  readonly uploads = new Map<string, MemoryUpload>()

  blob(digest: Digest): MemoryBlob {
    const blob = this.blobs.get(digest)
    if (blob === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
    return blob
  }

  upload(id: string): MemoryUpload {
    const upload = this.uploads.get(id)
    if (upload === undefined) throw appError('BLOB_UPLOAD_UNKNOWN')
    return upload
  }

  inventory(): Inventory {
    const bytesOf = ({ map, have }: MemoryPartial) => [...have].reduce((sum, piece) => sum + map.sizeOf(piece), 0)
    return {
      blobs: [...this.blobs].map(([digest, { data, usedAtMs, verifiedAtMs, sidecars }]) => ({
        ...{ digest, volume: VOLUME, size: data.length, usedAtMs, verifiedAtMs },
        pinned: sidecars.has('pin'),
      })),
      partials: [...this.partials].map(([digest, partial]) => ({
        digest,
        volume: VOLUME,
        map: partial.map,
        bytes: bytesOf(partial),
        usedAtMs: partial.usedAtMs,
      })),
      uploads: [...this.uploads].map(([id, { data, usedAtMs }]) => ({
        id,
        volume: VOLUME,
        size: data.length,
        usedAtMs,
      })),
    }
  }
}

function memoryBlobs(memory: Memory): BlobFiles {
  return {
    async open(digest) {
      const { data } = memory.blob(digest)
      return handleOn(() => data)
    },
    readAt: async (digest, range, into) => copyOf(memory.blob(digest).data, range, into),
    remove: async (digest) => void memory.blobs.delete(digest),
    async touch(digest, file, atMs) {
      memory.blob(digest)[file === 'data' ? 'usedAtMs' : 'verifiedAtMs'] = atMs
    },
    sidecar: async (digest, name) => memory.blob(digest).sidecars.get(name)?.slice(),
    async putSidecar(digest, name, bytes) {
      memory.blob(digest).sidecars.set(name, bytes.slice())
    },
    async dropSidecar(digest, name) {
      memory.blob(digest).sidecars.delete(name)
    },
  }
}

function memoryUploads(memory: Memory): UploadFiles {
  const handle = (upload: MemoryUpload): UploadHandle => ({
    ...handleOn(() => upload.data),
    async write(bytes, position) {
      upload.data = Buffer.concat([upload.data.subarray(0, position), bytes])
    },
    async settle(size, usedAtMs) {
      upload.data = upload.data.subarray(0, size)
      upload.usedAtMs = usedAtMs
    },
  })
  return {
    create: async (id, _volume, usedAtMs) => void memory.uploads.set(id, { data: Buffer.alloc(0), usedAtMs }),
    open: async (id) => handle(memory.upload(id)),
    async promote(id, digest, usedAtMs, beside) {
      const blob = newBlob(memory.upload(id).data, usedAtMs)
      for (const [name, bytes] of beside) blob.sidecars.set(name, bytes.slice())
      if (beside.has('label')) blob.verifiedAtMs = usedAtMs
      memory.blobs.set(digest, blob)
      memory.uploads.delete(id)
      return [...beside.keys()]
    },
    remove: async (id) => void memory.uploads.delete(id),
  }
}

function memoryPartials(memory: Memory): PartialFiles {
  const file = (digest: Digest, partial: MemoryPartial): PartialFile => {
    const retire = async () => void memory.partials.delete(digest)
    return {
      found: partial.have.clone(),
      async write(piece, bytes, hash) {
        partial.data.set(bytes, partial.map.rangeOf(piece).start)
        partial.hashes.set(piece, hash.slice())
        partial.have.add(piece)
      },
      hashOf: (piece) => partial.hashes.get(piece) ?? new Uint8Array(HASH_LENGTH),
      read: async (range, into) => copyOf(partial.data, range, into),
      async touch(usedAtMs) {
        partial.usedAtMs = usedAtMs
      },
      async promote(usedAtMs) {
        memory.blobs.set(digest, newBlob(partial.data, usedAtMs))
        await retire()
      },
      retire,
      remove: retire,
    }
  }
  return {
    async open(digest, map) {
      const partial = memory.partials.get(digest) ?? {
        map,
        have: new Bitset(map.count),
        hashes: new Map(),
        data: Buffer.alloc(map.length),
        usedAtMs: 0,
      }
      memory.partials.set(digest, partial)
      return file(digest, partial)
    },
    remove: async (digest) => void memory.partials.delete(digest),
  }
}

/** Bytes in the memory of the process, for tests and the simulator. */
export function memoryMedium(): Medium {
  const memory = new Memory()
  return {
    blobs: memoryBlobs(memory),
    partials: memoryPartials(memory),
    uploads: memoryUploads(memory),
    start: async () => memory.inventory(),
    stop: () => Promise.resolve(),
    freeBytes: async () => Number.POSITIVE_INFINITY,
    choose: () => VOLUME,
    volumes: [VOLUME],
    out: new Map(),
    onLost: () => undefined,
  }
}
