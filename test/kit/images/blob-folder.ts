import { createHash, type Hash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

export interface WrittenBlob {
  /** `sha256:<hex>` of the bytes as stored. */
  readonly digest: string
  readonly size: number
  /** `sha256:<hex>` of the bytes before compression. */
  readonly contentDigest: string
}

export interface WriteOptions {
  readonly gzip?: boolean
}

/** Writes `blobs/sha256/<hex>` of a layout as a stream, so that a blob may be large. */
export async function writeBlob(
  layout: string,
  content: Iterable<Uint8Array>,
  { gzip = false }: WriteOptions = {},
): Promise<WrittenBlob> {
  const folder = join(layout, 'blobs', 'sha256')
  await mkdir(folder, { recursive: true })
  const draft = join(folder, `draft-${randomUUID()}`)
  const before = createHash('sha256')
  const after = createHash('sha256')
  let size = 0
  const measured = async function* (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      after.update(chunk)
      size += chunk.length
      yield chunk
    }
  }
  const source = Readable.from(hashed(content, before), { objectMode: false })
  const file = createWriteStream(draft)
  await (gzip ? pipeline(source, createGzip({ level: 1 }), measured, file) : pipeline(source, measured, file))
  const hex = after.digest('hex')
  await rename(draft, join(folder, hex))
  return { digest: `sha256:${hex}`, size, contentDigest: `sha256:${before.digest('hex')}` }
}

function* hashed(content: Iterable<Uint8Array>, hash: Hash): Generator<Uint8Array> {
  for (const chunk of content) {
    hash.update(chunk)
    yield chunk
  }
}
