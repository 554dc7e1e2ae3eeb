import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { fakeClock, tokenBucket } from '../../../lib/base/index.ts'
import { pacedStream } from '../../../services/origin/paced-stream.ts'

const KIB = 1024

function pacing(ratePerSecond: number | undefined) {
  const clock = fakeClock()
  const abort = new AbortController()
  const body = Readable.from([Buffer.alloc(KIB, 1), Buffer.alloc(KIB, 2), Buffer.alloc(KIB, 3)], { objectMode: false })
  const paced = pacedStream(body, tokenBucket(clock, { ratePerSecond, burst: KIB }), { signal: abort.signal })
  return { clock, abort, body, paced }
}

describe('a paced stream', () => {
  test('gives all bytes in order, no faster than its rate', async () => {
    const { clock, paced } = pacing(KIB)
    let ended = false
    const got = buffer(paced).finally(() => {
      ended = true
    })
    await clock.advance(1_900)
    expect(ended).toBe(false)
    await clock.advance(200)
    expect([...new Set(await got)]).toEqual([1, 2, 3])
  })

  test('without a limit is the body itself', () => {
    const { body, paced } = pacing(undefined)
    expect(paced).toBe(body)
    body.destroy()
  })

  test('that is given up in its wait ends with its body', async () => {
    const { clock, abort, body, paced } = pacing(1)
    const got = buffer(paced)
    await clock.advance(10)
    abort.abort()
    await expect(got).rejects.toMatchObject({ code: 'ABORTED' })
    expect(body.destroyed).toBe(true)
  })

  test('whose body fails fails, too', async () => {
    const { body, paced } = pacing(1)
    body.destroy(new Error('gone'))
    await expect(buffer(paced)).rejects.toThrow('gone')
  })

  test('whose body closes early does not wait for the rest of it', async () => {
    const { body, paced } = pacing(1)
    body.destroy()
    await expect(buffer(paced)).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
  })

  test('that its reader leaves ends its body', async () => {
    const { clock, body, paced } = pacing(1)
    paced.destroy()
    await clock.advance(0)
    expect(body.destroyed).toBe(true)
  })
})
