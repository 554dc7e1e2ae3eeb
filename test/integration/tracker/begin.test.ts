import type { ServerResponse } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { type AnnouncingPeer, type MetainfoAsker, trackerClient } from '../../../lib/api/index.ts'
import { deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { INLINE_LIMIT, newPeerId, parseRepository, swarmIdOf } from '../../../lib/core/index.ts'
import { decodeMetainfo, encodeMetainfo, type MetainfoRecord } from '../../../lib/metainfo/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { answerError, disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'
import { trackerConfig } from '../../kit/tracker-config.ts'

type Event = 'started' | 'stopped'

const repository = parseRepository('library/nginx')
const random = seededRandom(1)
const large = blobFixture(INLINE_LIMIT + 1)
const small = blobFixture(INLINE_LIMIT)

const give =
  (blob: typeof large): Script =>
  (_, res) =>
    void res.end(Buffer.concat([...encodeMetainfo(blob)]))

/** A tracker and one origin. */
function tracker(script: Script) {
  return buildResource(async (stack) => {
    const origin = stack.own(await scriptedServer(script))
    const metrics = recordingMetrics()
    const config = await trackerConfig(stack, {
      origins: { members: [{ id: 'origin', url: origin.url }] },
    })
    const components = { clock: fakeClock(), metrics, logger: silentLogger(), random: seededRandom(2) }
    const service = trackerService(components, config)
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const http = stack.own(disposableHttp())
    const client = trackerClient(http, service.url)
    const begin = async (asker: MetainfoAsker | undefined, { header } = large) =>
      decodeMetainfo(await client.openMetainfo(repository, header.digest, { asker }))
    const announce = async (who: AnnouncingPeer, { header: { digest } } = large, event: Event = 'started') => {
      const line = { swarmId: swarmIdOf(digest), digest, repository, leftBytes: 1, wantPeers: 50, reports: [] }
      const [answer] = await client.announce({ peer: who, torrents: [{ ...line, event }] })
      return answer?.peers
    }
    /** Whom the tracker names to a peer that nobody knows; it leaves no trace. */
    const named = async (blob = large) => {
      const stranger = peer()
      const peers = await announce(stranger, blob)
      await announce(stranger, blob, 'stopped')
      return peers
    }
    return { origin, metrics, service, http, begin, announce, named }
  })
}

function peer(given: Partial<AnnouncingPeer> = {}): AnnouncingPeer {
  const port = 1024 + Math.floor(random.next() * 60_000)
  return { peerId: newPeerId(random), key: 'k', port, role: 'agent', ...given }
}

const asking = (who: AnnouncingPeer): MetainfoAsker => ({ peer: who, wantPeers: 24 })
const infoOf = ({ peerId, port, role }: AnnouncingPeer) => ({ peerId, host: '127.0.0.1', port, role, complete: false })

async function all(stream: AsyncIterable<MetainfoRecord>) {
  const records: MetainfoRecord[] = []
  for await (const record of stream) records.push(record)
  return records
}

describe('a request for metainfo that introduces who asks', () => {
  test('registers it like an announce, at the address it came from, and names the others in front of the header', async () => {
    await using it = await tracker(give(large))
    const [first, second] = [peer(), peer()]
    expect((await all(await it.begin(asking(first)))).map(({ kind }) => kind)).toEqual([
      ...['peers', 'header', 'piece', 'verified'],
    ])
    const [answer, header] = await all(await it.begin(asking(second)))
    expect(answer).toEqual({ kind: 'peers', intervalMs: expect.any(Number), peers: [infoOf(first)] })
    expect(header).toMatchObject({ kind: 'header' })
    expect(it.origin.requests).toHaveLength(1)
    expect(it.metrics.value('shoal_tracker_announces_total', { event: 'started' })).toBe(2)
    expect(await it.named()).toEqual(expect.arrayContaining([infoOf(first), infoOf(second)]))
  })

  test('names peers at once while no origin has answered', async () => {
    const asked = deferred<ServerResponse>()
    await using it = await tracker((_, res) => asked.resolve(res))
    const known = peer()
    await it.announce(known)
    const stream = await it.begin(asking(peer()))
    expect(await stream.next()).toMatchObject({ value: { kind: 'peers', peers: [infoOf(known)] } })
    const answer = await asked.promise
    answer.end(Buffer.concat([...encodeMetainfo(large)]))
    expect((await all(stream)).map(({ kind }) => kind)).toEqual(['header', 'piece', 'verified'])
  })

  test('leaves no trace of who asks for a small blob, which has no swarm', async () => {
    await using it = await tracker(give(small))
    const records = await all(await it.begin(asking(peer()), small))
    expect(records.map(({ kind }) => kind)).toEqual(['header', 'verified'])
    expect(await it.named(small)).toEqual([])
  })

  test('leaves no trace of who asks for an unknown blob', async () => {
    await using it = await tracker((_, res) => answerError(res, 404, 'BLOB_UNKNOWN'))
    const unknown = () => expect(it.begin(asking(peer()))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    await unknown()
    await unknown()
    expect(await it.named()).toEqual([])
    const holder = peer()
    await it.announce(holder)
    await unknown()
    expect(await it.named()).toEqual([infoOf(holder)])
  })

  test('a request that introduces nobody is answered as ever', async () => {
    await using it = await tracker(give(large))
    await all(await it.begin(asking(peer())))
    expect((await all(await it.begin(undefined))).map(({ kind }) => kind)).toEqual(['header', 'piece', 'verified'])
  })

  test('the peer id of another is refused as in an announce: no peers, and the entry stays as it was', async () => {
    await using it = await tracker(give(large))
    const owner = peer()
    await all(await it.begin(asking(owner)))
    const thief = { ...owner, key: 'another', port: 6 }
    expect((await all(await it.begin(asking(thief)))).map(({ kind }) => kind)).toEqual(['header', 'piece', 'verified'])
    expect(it.metrics.value('shoal_tracker_announces_total', { event: 'refused' })).toBe(1)
    expect(await it.named()).toEqual([infoOf(owner)])
  })

  test('an address that the asker states counts for nothing', async () => {
    await using it = await tracker(give(large))
    const liar = peer()
    const response = await it.http.request({
      method: 'POST',
      url: `${it.service.url}/namespace/library%2Fnginx/blobs/${large.header.digest}/metainfo`,
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '10.9.9.9', forwarded: 'for=10.9.9.9' },
      body: Buffer.from(JSON.stringify({ peer: { ...liar, host: '10.9.9.9', ip: '10.9.9.9' }, wantPeers: 24 })),
    })
    expect(response.status).toBe(200)
    await response.discard()
    expect(await it.named()).toEqual([infoOf(liar)])
  })

  test.each([
    ['without a peer', { wantPeers: 24 }],
    ['with port 0', { peer: { ...peer(), port: 0 }, wantPeers: 24 }],
    ['without a key', { peer: { ...peer(), key: '' }, wantPeers: 24 }],
    ['that wants less than no peer', { peer: peer(), wantPeers: -1 }],
    ['that is too long', { peer: { ...peer(), labels: Object.fromEntries(labels()) }, wantPeers: 24 }],
  ])('%s is refused', async (_, body) => {
    await using it = await tracker(give(large))
    const response = await it.http.request({
      method: 'POST',
      url: `${it.service.url}/namespace/library%2Fnginx/blobs/${large.header.digest}/metainfo`,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    })
    expect([400, 413]).toContain(response.status)
    await response.discard()
    expect(it.origin.requests).toEqual([])
  })

  test('a stop does not wait for who is still told nothing but peers', async () => {
    const asked = deferred<ServerResponse>()
    await using it = await tracker((_, res) => asked.resolve(res))
    await it.announce(peer())
    const stream = await it.begin(asking(peer()))
    expect(await stream.next()).toMatchObject({ value: { kind: 'peers' } })
    await it.service.stop()
    await expect(stream.next()).rejects.toMatchObject({ code: 'PEER_CLOSED' })
  })
})

function labels(): readonly (readonly [string, string])[] {
  return Array.from({ length: 100 }, (_, i) => [`label-${i}`, 'x'.repeat(200)])
}
