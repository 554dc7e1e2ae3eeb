import { describe, expect, test } from '@jest/globals'
import type { SendProgress } from '../../../lib/api/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom, tokenBucket } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { remoteSend } from '../../../services/origin/push/remote-send.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { answerError, answerJson, disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'
import { contentOf } from '../../kit/store-fixture.ts'

const MIB = 1024 * 1024
const repository = parseRepository('copies/app')
const { bytes, digest } = contentOf(cipherBytes('a blob to send', 4 * MIB))

/** A far origin that takes one upload; `refusals` are the codes of its first answers to a PATCH. */
function farScript(refusals: string[] = []): Script {
  let size = 0
  const state = () => ({ id: 'u1', member: 'far-1', size })
  return (request, res) => {
    const refused = request.method === 'PATCH' ? refusals.shift() : undefined
    if (refused !== undefined) answerError(res, 409, refused)
    else if (request.method === 'HEAD') res.writeHead(404).end()
    else if (request.method === 'PUT') answerJson(res, 201, { digest, size })
    else {
      if (request.method === 'PATCH') size += request.body.length
      answerJson(res, request.method === 'POST' ? 201 : 200, state())
    }
  }
}

/** Sends the blob, and moves the clock whenever nothing else happens. */
async function sendTo(script: Script, rates: { own?: number; node?: number; readAt?: () => Promise<Uint8Array> } = {}) {
  await using server = await scriptedServer(script)
  await using http = disposableHttp()
  const clock: FakeClock = fakeClock()
  const pace = tokenBucket(clock, { ratePerSecond: rates.node })
  const sent: number[] = []
  const readAt =
    rates.readAt ?? (async (_: unknown, { start, end }: { start: number; end: number }) => bytes.subarray(start, end))
  const store = { lease: () => () => undefined, readAt }
  const sender = remoteSend({
    ...{ store, remoteHttp: http, clock, random: seededRandom(1), pace: () => pace },
    onSent: (_to, count) => sent.push(count),
  })
  const seen: SendProgress[] = []
  const target = { url: server.url, repository, ...(rates.own !== undefined && { bytesPerSecond: rates.own }) }
  const over = new AbortController()
  const sending = sender
    .send({ digest, size: bytes.length, usedAtMs: 0 }, target, { onProgress: (progress) => seen.push(progress) })
    .finally(() => over.abort())
  while (!over.signal.aborted) {
    await new Promise((resolve) => setImmediate(resolve))
    if (clock.pending > 0) await clock.advance(10)
  }
  return { outcome: await sending, tookMs: clock.monotonicMs(), sent, requests: [...server.requests], seen }
}

describe('a send to another cluster', () => {
  test.each([
    ['of the request', { own: MIB / 2 }],
    ['of the node', { node: MIB / 2 }],
  ])('keeps to the rate of the request and to that of the node: %s', async (_what, rates) => {
    const { outcome, tookMs, sent } = await sendTo(farScript(), rates)
    expect(outcome).toEqual({ done: true })
    expect(sent).toEqual([MIB, MIB, MIB, MIB])
    expect(tookMs).toBeGreaterThanOrEqual(5_000)
  })

  test.each(['UPLOAD_CONFLICT', 'UPLOAD_OFFSET'])(
    'waits while another request writes to the far upload: %s',
    async (code) => {
      const { outcome, requests, seen } = await sendTo(farScript([code, code]))
      expect(outcome).toEqual({ done: true })
      expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
      expect(new Set(seen.map(({ upload }) => upload.id))).toEqual(new Set(['u1']))
    },
  )

  test('a far origin that never lets go is told as its failure', async () => {
    const { outcome } = await sendTo(farScript(Array.from({ length: 100 }, () => 'UPLOAD_CONFLICT')))
    expect(outcome).toMatchObject({ done: false, at: 'far', err: { code: 'UPLOAD_CONFLICT' } })
  })

  test('a far origin that counts other bytes than were sent is not believed', async () => {
    const wrong: Script = ({ method }, res) => {
      if (method === 'HEAD') res.writeHead(404).end()
      else
        answerJson(res, method === 'POST' ? 201 : 200, { id: 'u1', member: 'far-1', size: method === 'POST' ? 0 : 5 })
    }
    expect((await sendTo(wrong)).outcome).toMatchObject({ done: false, at: 'far', err: { code: 'SIZE_INVALID' } })
  })

  test('a blob that cannot be read here is no fault of the far end', async () => {
    const readAt = () => Promise.reject(appError('STORE_CORRUPT'))
    const { outcome } = await sendTo(farScript(), { readAt })
    expect(outcome).toMatchObject({ done: false, at: 'near', err: { code: 'STORE_CORRUPT' } })
  })
})
