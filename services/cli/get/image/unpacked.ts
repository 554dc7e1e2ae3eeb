import { once } from 'node:events'
import { createGunzip, type Gunzip } from 'node:zlib'
import { appError, codeOf } from '../../../../lib/base/index.ts'
import type { ByteFeed } from './byte-feed.ts'
import { isZstd, unzstd } from './zstd-reader.ts'

/** Bytes that gunzip gives at once. */
const CHUNK = 256 * 1024

/** As many bytes as tell all of these apart. */
const HEAD = 6

/** Compressions that a layer may not have, by their first bytes. */
const OTHERS = [
  ['bzip2', '425a68'],
  ['xz', 'fd377a585a'],
] as const

const isGzip = (head: Buffer) => head[0] === 0x1f && head[1] === 0x8b

/**
 * The bytes of a layer without its compression: gzip of any number of members, zstd of any number of frames, or none.
 * Container engines tell by the first bytes, whatever the media type says, and so does this.
 * @throws LAYER_UNREADABLE, IMAGE_TOO_LARGE
 */
export async function* unpacked(feed: ByteFeed): AsyncGenerator<Buffer> {
  const head = await feed.peek(HEAD)
  const other = OTHERS.find(([, magic]) => head.toString('hex').startsWith(magic))
  if (other !== undefined)
    throw appError('LAYER_UNREADABLE', { message: `a layer is packed by ${other[0]}; this reads gzip and zstd` })
  if (isGzip(head)) yield* gunzipped(feed)
  else if (isZstd(head)) yield* unzstd(feed)
  else yield* feed.remaining()
}

/** Gzip, as much of it as there is: Node ignores what follows the last member. */
async function* gunzipped(feed: ByteFeed): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK })
  const feeding = feedInto(gunzip, feed)
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) yield chunk
  } catch (err) {
    if (codeOf(err)?.startsWith('Z_') !== true) throw err
    throw appError('LAYER_UNREADABLE', { message: 'a layer is no gzip that can be read', cause: err })
  } finally {
    gunzip.destroy()
    await feeding
  }
}

/** Never fails: what goes wrong ends `gunzip`. */
async function feedInto(gunzip: Gunzip, feed: ByteFeed): Promise<void> {
  const closed = new Promise<void>((resolve) => gunzip.once('close', resolve))
  try {
    while (!gunzip.destroyed) {
      const bytes = await feed.some(Infinity)
      if (bytes.length === 0) return void gunzip.end()
      if (!gunzip.write(bytes)) await Promise.race([once(gunzip, 'drain'), closed])
    }
  } catch (err) {
    gunzip.destroy(err as Error)
  }
}
