import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../../lib/core/index.ts'
import { wholeBody } from '../../../../services/agent/rights/whole-body.ts'

const chunksOf = (bytes: Buffer, length: number) =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.subarray(i * length, (i + 1) * length))

describe.each([0, 1, 65_535, 65_536, 65_537, 200_000])('a blob of %i bytes', (size) => {
  const bytes = Buffer.alloc(size, 'blob')

  test.each(['sha256', 'sha512'] as const)('comes whole when its digest by %s is right', async (algorithm) => {
    const digest = digestOf(bytes, algorithm)
    const body = wholeBody({ digest, size, body: Readable.from(chunksOf(bytes, 10_007), { objectMode: false }) })
    expect((await buffer(body)).equals(bytes)).toBe(true)
  })

  test('ends before its last bytes, and not well, when it is another one', async () => {
    const digest = digestOf(Buffer.from('another one'))
    const body = wholeBody({ digest, size, body: Readable.from(chunksOf(bytes, 10_007), { objectMode: false }) })
    let came = 0
    body.on('data', (chunk: Uint8Array) => {
      came += chunk.length
    })
    await expect(
      new Promise((resolve, reject) => void body.on('end', resolve).on('error', reject)),
    ).rejects.toMatchObject({
      code: 'BACKEND_CORRUPT',
    })
    expect(came).toBe(Math.max(0, size - 65_536))
  })
})

test('a body that breaks off breaks off', async () => {
  const source = new Readable({ read: () => undefined })
  const body = wholeBody({ digest: digestOf(Buffer.from('x')), size: 100_000, body: source })
  source.destroy(new Error('cut'))
  await expect(buffer(body)).rejects.toThrow('cut')
})

test('a reader that leaves closes the source', async () => {
  const source = new Readable({ read: () => undefined })
  const closed = new Promise((resolve) => void source.on('close', resolve))
  wholeBody({ digest: digestOf(Buffer.from('x')), size: 100_000, body: source }).destroy()
  await closed
})
