import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { verifiedBody } from '../../../services/origin/push/verified-body.ts'

const chunks = ['first ', 'second ', 'last'].map((text) => Buffer.from(text))
const digest = digestOf(Buffer.concat(chunks))

describe('the local bytes that are written to the backend', () => {
  test('come whole when they have the digest', async () => {
    const body = verifiedBody(Readable.from(chunks), digest)
    expect(Buffer.concat(await body.toArray())).toEqual(Buffer.concat(chunks))
  })

  test('never come whole when they rotted, whichever chunk is wrong', async () => {
    for (const wrong of chunks.keys()) {
      const rotten = chunks.map((chunk, i) => (i === wrong ? Buffer.from(chunk.toString().toUpperCase()) : chunk))
      const given: Uint8Array[] = []
      const reading = (async () => {
        for await (const chunk of verifiedBody(Readable.from(rotten), digest)) given.push(chunk as Uint8Array)
      })()
      await expect(reading).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      expect(given).toEqual(rotten.slice(0, -1))
    }
  })

  test('let their source go when they are not wanted', async () => {
    const source = Readable.from(chunks)
    const body = verifiedBody(source, digest)
    const closed = new Promise((resolve) => source.once('close', resolve))
    body.destroy()
    await closed
    expect(source.destroyed).toBe(true)
  })
})
