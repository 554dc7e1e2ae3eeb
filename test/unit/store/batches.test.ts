import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { batches } from '../../../lib/store/batches.ts'
import { chunksOf } from '../../kit/store-fixture.ts'

const KIB = 1024

async function gather(source: AsyncIterable<Uint8Array>, signal?: AbortSignal, offset = 0) {
  const seen: { readonly bytes: number; readonly chunks: number }[] = []
  let failure: unknown
  try {
    for await (const { bytes, chunks } of batches(source, { signal, offset, maxBytes: 1024 * KIB }))
      seen.push({ bytes, chunks: chunks.length })
  } catch (err) {
    failure = err
  }
  return { seen, failure }
}

describe('batches of a source', () => {
  test('hold a mebibyte each, without copying a chunk', async () => {
    const chunks = Array.from({ length: 40 }, () => new Uint8Array(64 * KIB))
    const { seen } = await gather(chunksOf(...chunks))
    expect(seen).toEqual([
      { bytes: 1024 * KIB, chunks: 16 },
      { bytes: 1024 * KIB, chunks: 16 },
      { bytes: 512 * KIB, chunks: 8 },
    ])
  })

  test('are handed on early when the chunks are small', async () => {
    const { seen } = await gather(chunksOf(...Array.from({ length: 1100 }, () => new Uint8Array(3))))
    expect(seen).toEqual([
      { bytes: 3072, chunks: 1024 },
      { bytes: 228, chunks: 76 },
    ])
  })

  test('end at each multiple of a mebibyte, whatever the chunks and wherever the source begins', async () => {
    const tiny = Array.from({ length: 1024 }, () => new Uint8Array(1))
    const source = chunksOf(new Uint8Array(KIB), ...tiny, new Uint8Array(2500 * KIB), new Uint8Array(3))
    const { seen } = await gather(source, undefined, 3 * 1024 * KIB + 5)
    expect(seen.map(({ bytes }) => bytes)).toEqual([
      KIB + 1023,
      1022 * KIB - 4,
      1024 * KIB,
      2500 * KIB + 1 - (1022 * KIB - 4) - 1024 * KIB + 3,
    ])
  })

  test('pass empty chunks over and end with an empty source', async () => {
    expect((await gather(chunksOf(new Uint8Array(0)))).seen).toEqual([])
  })

  test('give what came before the failure of the source', async () => {
    const cut = appError('PEER_CLOSED')
    const { seen, failure } = await gather(chunksOf(new Uint8Array(10), cut))
    expect(seen).toEqual([{ bytes: 10, chunks: 1 }])
    expect(failure).toBe(cut)
  })

  test('give what came before the signal, and let the source go', async () => {
    const controller = new AbortController()
    let returned = false
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        let calls = 0
        return {
          next() {
            calls += 1
            if (calls === 1) return Promise.resolve({ done: false, value: new Uint8Array(7) })
            controller.abort()
            return new Promise(() => undefined)
          },
          async return() {
            returned = true
            return { done: true, value: undefined }
          },
        }
      },
    }
    const { seen, failure } = await gather(source, controller.signal)
    expect(seen).toEqual([{ bytes: 7, chunks: 1 }])
    expect(failure).toMatchObject({ code: 'ABORTED' })
    expect(returned).toBe(true)
  })
})
