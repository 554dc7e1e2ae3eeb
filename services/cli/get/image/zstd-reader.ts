import { Decompress } from 'fzstd'
import { appError } from '../../../../lib/base/index.ts'
import type { ByteFeed } from './byte-feed.ts'
import { MAX_ZSTD_WINDOW } from './limits.ts'

const MAGIC = 0xfd2fb528
/** Skippable frames have the 16 numbers from here on. */
const SKIPPABLE = 0x184d2a50
const CHECKSUM = 4
const LAST = 1
/** A block that is one byte, and how often it is repeated. */
const REPEATED = 1
/** No block is larger, packed or not (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK = 128 * 1024

const unreadable = (message: string, cause?: unknown) => appError('LAYER_UNREADABLE', { message, cause })

/** Whether this is how zstd begins; 4 bytes are needed. */
export function isZstd(head: Buffer): boolean {
  if (head.length < 4) return false
  const magic = head.readUInt32LE(0)
  return magic === MAGIC || isSkippable(magic)
}

const isSkippable = (magic: number) => magic >= SKIPPABLE && magic < SKIPPABLE + 16

/**
 * Unpacks zstd, one block at a time. Each frame is looked at before the library gets it, which would take memory for a
 * window of 2 GiB. @throws LAYER_UNREADABLE, IMAGE_TOO_LARGE
 */
export async function* unzstd(feed: ByteFeed): AsyncGenerator<Buffer> {
  for (let head = await feed.take(4); head.length > 0; head = await feed.take(4)) {
    if (!isZstd(head)) throw unreadable('a layer has other bytes behind its zstd')
    if (isSkippable(head.readUInt32LE(0))) await skip(feed, (await exactly(feed, 4)).readUInt32LE(0))
    else yield* frame(feed, head)
  }
}

async function* frame(feed: ByteFeed, magic: Buffer): AsyncGenerator<Buffer> {
  const { bytes: header, hasChecksum } = await frameHeader(feed)
  const unpacked: Buffer[] = []
  const library = new Decompress((chunk) => {
    unpacked.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  })
  push(library, Buffer.concat([magic, header]), false)
  for (let isLast = false; !isLast; ) {
    const blockHeader = await exactly(feed, 3)
    const word = blockHeader.readUIntLE(0, 3)
    isLast = (word & LAST) === 1
    const size = word >>> 3
    if (size > MAX_BLOCK) throw unreadable('a layer has a block of zstd that is too large')
    const packed = ((word >>> 1) & 3) === REPEATED ? 1 : size
    const block = await exactly(feed, packed + (isLast && hasChecksum ? CHECKSUM : 0))
    push(library, Buffer.concat([blockHeader, block]), isLast)
    yield* unpacked.splice(0)
  }
}

function push(library: Decompress, bytes: Buffer, isLast: boolean): void {
  try {
    library.push(bytes, isLast)
  } catch (err) {
    throw unreadable('a layer is no zstd that can be read', err)
  }
}

/** What stands before the blocks of a frame (RFC 8878, 3.1.1.1), without its magic number. */
async function frameHeader(feed: ByteFeed): Promise<{ readonly bytes: Buffer; readonly hasChecksum: boolean }> {
  const descriptor = await exactly(feed, 1)
  const flags = descriptor[0] ?? 0
  const isSingle = (flags & 0x20) !== 0
  if ((flags & 3) !== 0) throw unreadable('a layer is zstd with a dictionary, which nobody has')
  const window = isSingle ? Buffer.alloc(0) : await exactly(feed, 1)
  const sizeBytes = flags >>> 6 === 0 ? (isSingle ? 1 : 0) : 1 << (flags >>> 6)
  const size = await exactly(feed, sizeBytes)
  const memory = isSingle ? contentSize(size) : windowSize(window[0] ?? 0)
  if (memory > MAX_ZSTD_WINDOW)
    throw appError('IMAGE_TOO_LARGE', { message: `a layer is zstd that needs a window of ${memory} bytes` })
  return { bytes: Buffer.concat([descriptor, window, size]), hasChecksum: (flags & 4) !== 0 }
}

function contentSize(bytes: Buffer): number {
  if (bytes.length === 8) return Number(bytes.readBigUInt64LE(0))
  return bytes.readUIntLE(0, bytes.length) + (bytes.length === 2 ? 256 : 0)
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3))
  return base + (base / 8) * (descriptor & 7)
}

async function exactly(feed: ByteFeed, count: number): Promise<Buffer> {
  const bytes = await feed.take(count)
  if (bytes.length < count) throw unreadable('a layer ends in the middle of its zstd')
  return bytes
}

async function skip(feed: ByteFeed, count: number): Promise<void> {
  for (let left = count; left > 0; ) {
    const part = await feed.some(left)
    if (part.length === 0) throw unreadable('a layer ends in the middle of its zstd')
    left -= part.length
  }
}
