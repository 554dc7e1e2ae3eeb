import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { type AppError, appError, type Deferred, deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'
import { usedUp } from '../../../lib/cluster/index.ts'
import {
  digestOf,
  newPeerId,
  type PeerInfo,
  parseRepository,
  pieceLengthFor,
  swarmIdOf,
} from '../../../lib/core/index.ts'
import {
  decodeMetainfo,
  encodeMetainfo,
  encodePieces,
  encodeRecord,
  type MetainfoRecord,
} from '../../../lib/metainfo/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { type MetainfoRelayInit, metainfoRelay } from '../../../services/tracker/relay/metainfo-relay.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'

const blob = blobFixture(5 * pieceLengthFor(0) + 7)
const { header, hashes } = blob
const hash = (piece: number) => hashes.subarray(piece * 32, piece * 32 + 32)
const head = encodeRecord({ kind: 'header', header })
const verified = encodeRecord({ kind: 'verified' })
const heartbeat = encodeRecord({ kind: 'heartbeat' })
const whole = Buffer.concat([...encodeMetainfo(blob)])

interface Upstream {
  readonly member: Member
  readonly body: PassThrough
  readonly closed: Promise<unknown>
}

/** A relay whose streams from origins are controlled by the test. */
function relayWith(init: Partial<MetainfoRelayInit> & { origins?: number } = {}) {
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const cluster = clusterOf(someMembers(init.origins ?? 2))
  const upstreams: Upstream[] = []
  const waiting: Deferred<Upstream>[] = []
  let refusal: AppError | undefined
  const relay = metainfoRelay(
    {
      cluster,
      clock,
      metrics,
      logger: silentLogger(),
      origins: {
        async openMetainfoElsewhere(_repository, digest, { after, signal }) {
          if (refusal !== undefined) throw refusal
          const failed = new Set(after.map(({ member }) => member.id))
          const member = cluster.candidates(digest).find(({ id }) => !failed.has(id))
          if (member === undefined) return Promise.reject(usedUp(after))
          const body = new PassThrough()
          signal?.addEventListener('abort', () => body.destroy(appError('ABORTED')), { once: true })
          const upstream = { member, body, closed: once(body, 'close').catch(() => undefined) }
          upstreams.push(upstream)
          waiting.shift()?.resolve(upstream)
          return { member, body }
        },
      },
    },
    { cacheBytes: 1_000_000, maxUpstreams: 10, lingerMs: 1_000, missTtlMs: 1_000, ...init },
  )
  /** The `n`th stream from an origin; waits until it is opened. */
  const upstream = async (n: number): Promise<Upstream> => {
    while (upstreams.length <= n) {
      const next = deferred<Upstream>()
      waiting.push(next)
      await next.promise
    }
    return upstreams[n] as Upstream
  }
  const refuse = (err: AppError | undefined) => {
    refusal = err
  }
  const open = () => relay.open({ repository: parseRepository('library/nginx'), digest: header.digest })
  return {
    relay,
    clock,
    metrics,
    cluster,
    upstreams,
    upstream,
    refuse,
    open,
    [Symbol.asyncDispose]: () => relay.stop(),
  }
}

const fails = (reader: Readable) =>
  buffer(reader).then(
    () => undefined,
    (err: unknown) => err,
  )

async function recordsOf(reader: Readable): Promise<MetainfoRecord[]> {
  const records: MetainfoRecord[] = []
  for await (const record of decodeMetainfo(reader)) records.push(record)
  return records
}

const origin: PeerInfo = {
  ...{ peerId: newPeerId(seededRandom(1)), host: '10.0.0.9', port: 7000 },
  ...{ role: 'origin', complete: false },
}
const swarmId = swarmIdOf(header.digest)

describe('metainfo relay', () => {
  test('tells all who wait of an origin that brings the blob, once, and nobody after the end', async () => {
    await using it = relayWith()
    const early = decodeMetainfo(it.open())
    const { body } = await it.upstream(0)
    body.write(head)
    expect(await early.next()).toMatchObject({ value: { kind: 'header' } })
    it.relay.hint(swarmIdOf(digestOf(Buffer.from('another'))), origin)
    it.relay.hint(swarmId, origin)
    it.relay.hint(swarmId, origin)
    const late = decodeMetainfo(it.open())
    expect(await late.next()).toMatchObject({ value: { kind: 'header' } })
    const hint = { kind: 'hint', peers: [origin] }
    for (const reader of [early, late]) expect(await reader.next()).toMatchObject({ value: hint })
    body.write(encodePieces(hashes))
    body.end(verified)
    for (const reader of [early, late]) expect(await reader.next()).toMatchObject({ value: { kind: 'piece' } })
    expect((await recordsOf(it.open())).filter(({ kind }) => kind === 'hint')).toEqual([])
  })

  test('one upstream feeds all readers, whenever they come', async () => {
    await using it = relayWith()
    const early = buffer(it.open())
    const { body } = await it.upstream(0)
    body.write(head)
    const late = buffer(it.open())
    body.write(encodePieces(hashes))
    body.end(verified)
    const answers = await Promise.all([early, late])
    const cached = await buffer(it.open())
    for (const answer of [...answers, cached]) expect(answer.equals(whole)).toBe(true)
    expect(it.upstreams).toHaveLength(1)
    expect(it.metrics.value('shoal_tracker_relay_readers')).toBe(0)
    expect(it.metrics.value('shoal_tracker_relay_upstreams')).toBe(0)
    expect(it.metrics.value('shoal_tracker_relay_bytes')).toBe(whole.length)
  })

  test('records reach a reader while others are still missing, and so do heartbeats', async () => {
    await using it = relayWith()
    const records = decodeMetainfo(it.open())[Symbol.asyncIterator]()
    const { body } = await it.upstream(0)
    body.write(head)
    expect(await records.next()).toMatchObject({ value: { kind: 'header' } })
    body.write(heartbeat)
    expect(await records.next()).toMatchObject({ value: { kind: 'heartbeat' } })
    body.write(encodePieces(hash(3), 3))
    expect(await records.next()).toMatchObject({ value: { kind: 'piece', index: 3 } })
    body.write(Buffer.concat([encodePieces(hash(0), 0), encodePieces(hash(4), 4)]))
    expect(await records.next()).toMatchObject({ value: { index: 0 } })
    expect(await records.next()).toMatchObject({ value: { index: 4 } })
    await records.return(undefined)
  })

  test('an upstream that dies is followed by another, whose known records are dropped', async () => {
    await using it = relayWith()
    const read = recordsOf(it.open())
    const first = await it.upstream(0)
    first.body.write(Buffer.concat([head, encodePieces(hashes.subarray(0, 64))]))
    await new Promise(setImmediate)
    first.body.destroy(appError('PEER_CLOSED'))
    const second = await it.upstream(1)
    expect(second.member.id).not.toBe(first.member.id)
    second.body.end(whole)
    const records = await read
    expect(records.map((record) => (record.kind === 'piece' ? record.index : record.kind))).toEqual([
      'header',
      0,
      1,
      2,
      3,
      4,
      5,
      'verified',
    ])
  })

  test('an upstream that ends without its last record is followed by another', async () => {
    await using it = relayWith()
    const read = buffer(it.open())
    const first = await it.upstream(0)
    first.body.end(head)
    const second = await it.upstream(1)
    second.body.end(whole)
    expect((await read).equals(whole)).toBe(true)
  })

  test('an origin that sends nonsense is left for another', async () => {
    await using it = relayWith()
    const read = buffer(it.open())
    const first = await it.upstream(0)
    first.body.write(Buffer.from('HTTP/1.1 200 OK'))
    const second = await it.upstream(1)
    second.body.end(whole)
    expect((await read).equals(whole)).toBe(true)
  })

  test('a stream of another blob is not passed on', async () => {
    await using it = relayWith({ origins: 1 })
    const read = fails(it.open())
    const { body } = await it.upstream(0)
    body.end(Buffer.concat([...encodeMetainfo(blobFixture(100))]))
    expect(await read).toMatchObject({ code: 'METAINFO_INVALID' })
  })

  test('two origins that disagree break the readers', async () => {
    await using it = relayWith({ origins: 3 })
    const read = fails(it.open())
    const first = await it.upstream(0)
    first.body.write(Buffer.concat([head, encodePieces(hash(0))]))
    await new Promise(setImmediate)
    first.body.destroy()
    const second = await it.upstream(1)
    second.body.write(Buffer.concat([head, encodePieces(hash(1), 0)]))
    expect(await read).toMatchObject({ code: 'METAINFO_CONFLICT' })
    expect(it.upstreams).toHaveLength(2)
  })

  test('when no origin goes on, the reader is reset and not ended', async () => {
    await using it = relayWith({ origins: 1 })
    const read = fails(it.open())
    const first = await it.upstream(0)
    first.body.write(head)
    await new Promise(setImmediate)
    first.body.destroy()
    const again = await it.upstream(1)
    again.body.destroy()
    expect(await read).toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
  })

  test('a failed blob ends the stream, and is asked for again by the next reader', async () => {
    await using it = relayWith()
    const read = recordsOf(it.open())
    const first = await it.upstream(0)
    first.body.end(Buffer.concat([head, encodeRecord({ kind: 'failed', code: 'BACKEND_CORRUPT' })]))
    expect((await read).at(-1)).toEqual({ kind: 'failed', code: 'BACKEND_CORRUPT' })
    const next = buffer(it.open())
    const second = await it.upstream(1)
    second.body.end(whole)
    expect((await next).equals(whole)).toBe(true)
  })

  test('an unknown blob is remembered for a moment only', async () => {
    await using it = relayWith({ missTtlMs: 60_000 })
    it.refuse(appError('BLOB_UNKNOWN'))
    expect(await fails(it.open())).toMatchObject({ code: 'BLOB_UNKNOWN' })
    it.refuse(undefined)
    expect(await fails(it.open())).toMatchObject({ code: 'BLOB_UNKNOWN' })
    await it.clock.advance(1_000)
    const read = buffer(it.open())
    const { body } = await it.upstream(0)
    body.end(whole)
    expect((await read).equals(whole)).toBe(true)
  })

  test('unknown blobs leave room for the streams of others', async () => {
    await using it = relayWith({ maxUpstreams: 1 })
    it.refuse(appError('BLOB_UNKNOWN'))
    expect(await fails(it.open())).toMatchObject({ code: 'BLOB_UNKNOWN' })
    it.refuse(undefined)
    const other = it.relay.open({ repository: parseRepository('other'), digest: header.digest })
    const read = buffer(other)
    const { body } = await it.upstream(0)
    body.end(whole)
    expect((await read).equals(whole)).toBe(true)
    expect(await fails(it.open())).toMatchObject({ code: 'BLOB_UNKNOWN' })
  })

  test('an outage is not remembered', async () => {
    await using it = relayWith()
    it.refuse(appError('NO_HEALTHY_MEMBER'))
    expect(await fails(it.open())).toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
    it.refuse(undefined)
    const read = buffer(it.open())
    const { body } = await it.upstream(0)
    body.end(whole)
    expect((await read).equals(whole)).toBe(true)
  })

  test('the upstream goes on for a while without readers, then closes', async () => {
    await using it = relayWith()
    it.open().destroy()
    const first = await it.upstream(0)
    await it.clock.advance(999)
    expect(first.body.destroyed).toBe(false)
    const back = it.open()
    await it.clock.advance(5_000)
    expect(first.body.destroyed).toBe(false)
    back.destroy()
    await it.clock.advance(1_000)
    await first.closed
    expect(it.upstreams).toHaveLength(1)
    expect(it.metrics.value('shoal_tracker_relay_upstreams')).toBe(0)
  })

  test('a slow reader holds nothing but its place', async () => {
    await using it = relayWith()
    const slow = it.open()
    const { body } = await it.upstream(0)
    slow.read()
    body.write(head)
    for (let i = 0; i < 6; i += 1) body.write(encodePieces(hash(i), i))
    for (let i = 0; i < 5_000; i += 1) body.write(heartbeat)
    await it.clock.advance(0)
    expect(slow.readableLength).toBeLessThan(32 * 1024)
    body.end(verified)
    const records = await recordsOf(slow)
    expect(records.filter(({ kind }) => kind === 'piece')).toHaveLength(6)
    expect(records.at(-1)).toEqual({ kind: 'verified' })
  })

  test('too many upstreams are refused', async () => {
    await using it = relayWith({ maxUpstreams: 1 })
    const reader = it.open()
    expect(() => it.relay.open({ repository: parseRepository('other'), digest: header.digest })).toThrow(
      expect.objectContaining({ code: 'TOOMANYREQUESTS' }),
    )
    reader.destroy()
  })

  test('complete logs beyond the cache are fetched again', async () => {
    await using it = relayWith({ cacheBytes: 100 })
    for (const n of [0, 1]) {
      const read = buffer(it.open())
      const { body } = await it.upstream(n)
      body.end(whole)
      expect((await read).equals(whole)).toBe(true)
      await it.clock.advance(0)
    }
    expect(it.metrics.value('shoal_tracker_relay_bytes')).toBe(0)
  })

  test('a stop resets the readers, so that they go to another tracker', async () => {
    const it = relayWith()
    const read = fails(it.open())
    const { body, closed } = await it.upstream(0)
    body.write(head)
    await new Promise(setImmediate)
    await it.relay.stop()
    expect(await read).toMatchObject({ code: 'SHUTTING_DOWN' })
    await closed
    expect(() => it.open()).toThrow(expect.objectContaining({ code: 'SHUTTING_DOWN' }))
    expect(it.clock.pending).toBe(0)
  })
})
