import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import type { ByteRange } from '../../../lib/core/index.ts'
import { multipart, multipartStream } from '../../../lib/http/multipart.ts'
import { readByteranges } from '../../kit/byteranges.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'

const CHUNK_BYTES = 4096
const content = cipherBytes('several ranges', 64 * CHUNK_BYTES)

/** The range in chunks of a few memories in turn, so that a chunk is good until some more were read. */
async function* reused({ start, end }: ByteRange): AsyncGenerator<Uint8Array> {
  const ring = Array.from({ length: 8 }, () => Buffer.alloc(CHUNK_BYTES))
  for (let at = start; at < end; at += CHUNK_BYTES) {
    const memory = ring[Math.floor(at / CHUNK_BYTES) % ring.length] ?? Buffer.alloc(CHUNK_BYTES)
    const length = content.copy(memory, 0, at, Math.min(end, at + CHUNK_BYTES))
    yield memory.subarray(0, length)
  }
}

test('parts keep their bytes while they wait to be sent, though the source reuses its memory', async () => {
  const starts = Array.from({ length: 60 }, (_, i) => i * CHUNK_BYTES + 7)
  const ranges = starts.map((start, i) => ({ start, end: start + 1 + i }))
  const parts = multipart(ranges, { tag: 'tag', size: content.length, mediaType: 'application/octet-stream' })
  const open = async (range: ByteRange) => Readable.from(reused(range), { highWaterMark: 1 })
  const body = await buffer(await multipartStream(parts, { open }, {}))
  expect(body.length).toBe(parts.length)
  const got = readByteranges(parts.mediaType, body).map(({ bytes }) => bytes.toString('hex'))
  expect(got).toEqual(ranges.map(({ start, end }) => content.subarray(start, end).toString('hex')))
})
