import { randomBytes } from 'node:crypto'
import { S3Failure } from './failure.ts'
import { digest, type Payload } from './payload.ts'
import { elementsOf, textOf } from './xml.ts'

export interface UploadPart extends Payload {
  readonly etag: string
}

export interface Upload {
  readonly id: string
  readonly key: string
  /** `CRC32` when the upload was created with checksums. */
  readonly algorithm: string | undefined
  readonly parts: Map<number, UploadPart>
}

/** Unfinished multipart uploads. */
export interface Uploads {
  readonly open: ReadonlyMap<string, Upload>
  create(key: string, algorithm: string | undefined): Upload
  /** @throws S3Failure NoSuchUpload */
  get(id: string, key: string): Upload
  putPart(upload: Upload, number: number, payload: Payload): UploadPart
  /** The object made of the parts named in `xml`. @throws S3Failure */
  joined(upload: Upload, xml: string): { readonly bytes: Buffer; readonly etag: string }
  remove(upload: Upload): void
}

export function memoryUploads({ minPartBytes }: { readonly minPartBytes: number }): Uploads {
  const open = new Map<string, Upload>()
  return {
    open,
    create(key, algorithm) {
      const upload = { id: randomBytes(12).toString('hex'), key, algorithm, parts: new Map<number, UploadPart>() }
      open.set(upload.id, upload)
      return upload
    },
    get(id, key) {
      const upload = open.get(id)
      if (upload?.key !== key) throw new S3Failure('NoSuchUpload', { UploadId: id })
      return upload
    },
    putPart({ algorithm, parts }, number, payload) {
      if (!(number >= 1 && number <= 10_000)) throw new S3Failure('InvalidRequest')
      if (payload.crc32 !== undefined && algorithm !== 'CRC32') {
        const message = 'Checksum Type mismatch occurred, expected checksum Type: null, actual checksum Type: crc32'
        throw new S3Failure('InvalidRequest', {}, message)
      }
      const part = { ...payload, etag: digest('md5', payload.bytes, 'hex') }
      parts.set(number, part)
      return part
    },
    joined(upload, xml) {
      const named = elementsOf(xml, 'Part')
      if (named.length === 0) throw new S3Failure('MalformedXML')
      const numbers = named.map((part) => Number(textOf(part, 'PartNumber')))
      if (numbers.some((number, index) => number <= (numbers[index - 1] ?? 0))) throw new S3Failure('InvalidPartOrder')
      const parts = named.map((text) => checkedPart(upload, text))
      if (parts.slice(0, -1).some(({ bytes }) => bytes.length < minPartBytes)) throw new S3Failure('EntityTooSmall')
      const hashes = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')))
      return {
        bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
        etag: `${digest('md5', hashes, 'hex')}-${parts.length}`,
      }
    },
    remove: ({ id }) => void open.delete(id),
  }
}

function checkedPart({ parts, algorithm }: Upload, text: string): UploadPart {
  const number = Number(textOf(text, 'PartNumber'))
  const part = parts.get(number)
  const checksum = textOf(text, 'ChecksumCRC32')
  if (algorithm === 'CRC32' && checksum === undefined) {
    const message = `The upload was created using a crc32 checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`
    throw new S3Failure('InvalidRequest', {}, message)
  }
  if (part?.etag !== textOf(text, 'ETag')?.replaceAll('"', '') || checksum !== part?.crc32) {
    throw new S3Failure('InvalidPart', { PartNumber: number })
  }
  if (part === undefined) throw new S3Failure('InvalidPart', { PartNumber: number })
  return part
}
