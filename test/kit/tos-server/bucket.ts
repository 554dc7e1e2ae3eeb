import { createHash } from 'node:crypto'
import { crc64Ecma } from './crc64.ts'
import { TosRefusal } from './tos-refusal.ts'

export interface StoredObject {
  readonly bytes: Buffer
  readonly etag: string
  readonly crc64: bigint
  readonly modifiedMs: number
}

/** The conditions of a write or a removal. */
export interface Condition {
  readonly forbidOverwrite: boolean
  /** Etag with its quotes. */
  readonly ifMatch: string | undefined
}

interface Upload {
  readonly key: string
  readonly parts: Map<number, StoredObject>
}

export interface NamedPart {
  readonly PartNumber: number
  readonly ETag: string
}

/** The parts of an upload that form its object, in order. */
export interface Completion {
  readonly id: string
  readonly named: readonly NamedPart[]
  readonly nowMs: number
}

const MAX_PARTS = 10_000

/** The objects and the uploads of one bucket; every method is atomic. */
export class Bucket {
  readonly objects = new Map<string, StoredObject>()
  readonly uploads = new Map<string, Upload>()
  readonly #minPartBytes: number
  #uploadCount = 0

  constructor(minPartBytes: number) {
    this.#minPartBytes = minPartBytes
  }

  get(key: string): StoredObject {
    const found = this.objects.get(key)
    if (found === undefined) throw new TosRefusal(404, 'NoSuchKey', 'The specified key does not exist.')
    return found
  }

  put(key: string, object: StoredObject, condition: Condition): void {
    this.#check(key, condition)
    this.objects.set(key, object)
  }

  delete(key: string, condition: Condition): void {
    if (this.objects.has(key)) this.#check(key, condition)
    this.objects.delete(key)
  }

  createUpload(key: string): string {
    this.#uploadCount += 1
    const id = createHash('md5').update(`${key} ${this.#uploadCount}`).digest('base64')
    this.uploads.set(id, { key, parts: new Map() })
    return id
  }

  upload(key: string, id: string): Upload {
    const found = this.uploads.get(id)
    if (found?.key !== key) throw new TosRefusal(404, 'NoSuchUpload', 'The specified upload does not exist.')
    return found
  }

  putPart(key: string, id: string, number: number, part: StoredObject): void {
    if (!(number >= 1 && number <= MAX_PARTS))
      throw new TosRefusal(400, 'InvalidArgument', 'part numbers are 1 to 10000')
    this.upload(key, id).parts.set(number, part)
  }

  complete(key: string, { id, named, nowMs }: Completion, condition: Condition): StoredObject {
    const { parts } = this.upload(key, id)
    const outOfOrder = named.some(({ PartNumber }, index) => PartNumber <= (named[index - 1]?.PartNumber ?? 0))
    if (outOfOrder) throw new TosRefusal(400, 'InvalidPartOrder')
    const chosen = named.map(({ PartNumber, ETag }, index) => {
      const part = parts.get(PartNumber)
      if (part?.etag !== ETag) throw new TosRefusal(400, 'InvalidPart')
      if (index < named.length - 1 && part.bytes.length < this.#minPartBytes)
        throw new TosRefusal(400, 'EntityTooSmall')
      return part
    })
    if (chosen.length === 0) throw new TosRefusal(400, 'MalformedBody')
    const digests = createHash('md5')
    for (const { etag } of chosen) digests.update(Buffer.from(etag.slice(1, -1), 'hex'))
    const whole = storedObject(Buffer.concat(chosen.map(({ bytes }) => bytes)), nowMs)
    const object = { ...whole, etag: `"${digests.digest('hex')}-${chosen.length}"` }
    this.put(key, object, condition)
    this.uploads.delete(id)
    return object
  }

  #check(key: string, { forbidOverwrite, ifMatch }: Condition): void {
    const found = this.objects.get(key)
    if (forbidOverwrite && found !== undefined) throw new TosRefusal(409, 'ObjectAlreadyExists')
    if (ifMatch === undefined) return
    if (found === undefined) throw new TosRefusal(404, 'NoSuchKey', 'The specified key does not exist.')
    if (found.etag !== ifMatch) throw new TosRefusal(412, 'PreconditionFailed')
  }
}

export function storedObject(bytes: Buffer, modifiedMs: number): StoredObject {
  const md5 = createHash('md5').update(bytes).digest('hex')
  return { bytes, etag: `"${md5}"`, crc64: crc64Ecma(bytes), modifiedMs }
}
