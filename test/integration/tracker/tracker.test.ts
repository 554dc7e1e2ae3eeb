import type { ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setImmediate as settle } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { type AnnounceTorrent, type AnnouncingPeer, trackerClient } from '../../../lib/api/index.ts'
import { deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { newPeerId, parseRepository, pieceLengthFor, swarmIdOf } from '../../../lib/core/index.ts'
import {
  decodeBencode,
  decodeMetainfo,
  encodeMetainfo,
  encodePieces,
  encodeRecord,
} from '../../../lib/metainfo/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { answerError, disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'
import { trackerConfig } from '../../kit/tracker-config.ts'

const repository = parseRepository('library/nginx')

const blob = blobFixture(5 * pieceLengthFor(0))
const { digest } = blob.header
const head = encodeRecord({ kind: 'header', header: blob.header })
const whole = Buffer.concat([...encodeMetainfo(blob)])
const random = seededRandom(1)

/** A tracker, and origins with one script each, in the ring order of the blob. */
function tracker(...scripts: readonly Script[]) {
  return buildResource(async (stack) => {
    const origins = await Promise.all(
      (scripts.length === 0 ? [refuse] : scripts).map(async (script) => stack.own(await scriptedServer(script))),
    )
    const clock = fakeClock()
    const metrics = recordingMetrics()
    const config = await trackerConfig(stack, {
      origins: { members: origins.map(({ url }, i) => ({ id: `origin-${i}`, url })) },
    })
    const service = trackerService({ clock, metrics, logger: silentLogger(), random: seededRandom(2) }, config)
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const http = stack.own(disposableHttp())
    return { service, origins, clock, metrics, http, client: trackerClient(http, service.url) }
  })
}

const refuse: Script = (_, res) => void res.destroy()

function peer(given: Partial<AnnouncingPeer> = {}): AnnouncingPeer {
  const port = 1024 + Math.floor(random.next() * 60_000)
  return { peerId: newPeerId(random), key: 'k', port, role: 'agent', ...given }
}

function torrent(given: Partial<AnnounceTorrent> = {}): AnnounceTorrent {
  const base = { swarmId: swarmIdOf(digest), digest, repository, event: 'started' } as const
  return { ...base, leftBytes: 100, wantPeers: 50, reports: [], ...given }
}

describe('announces over HTTP', () => {
  test('peers learn of each other, at the address they came from', async () => {
    await using it = await tracker()
    const [origin, agent] = [peer({ role: 'origin' }), peer()]
    expect(await it.client.announce({ peer: origin, torrents: [torrent({ leftBytes: 0, wantPeers: 0 })] })).toEqual([
      { swarmId: swarmIdOf(digest), intervalMs: expect.any(Number), peers: [] },
    ])
    const [answer] = await it.client.announce({ peer: agent, torrents: [torrent()] })
    expect(answer?.peers).toEqual([
      { peerId: origin.peerId, host: '127.0.0.1', port: origin.port, role: 'origin', complete: true },
    ])
    expect(it.metrics.value('shoal_tracker_announces_total', { event: 'started' })).toBe(2)
    expect(it.metrics.value('shoal_tracker_peers')).toBe(2)
  })

  test('a peer that leaves, or does not announce for two and a half intervals, is not named', async () => {
    await using it = await tracker()
    const [leaves, expires, asker] = [peer(), peer(), peer()]
    await it.client.announce({ peer: leaves, torrents: [torrent()] })
    const [first] = await it.client.announce({ peer: expires, torrents: [torrent()] })
    await it.client.announce({ peer: leaves, torrents: [torrent({ event: 'stopped' })] })
    const named = async () =>
      (await it.client.announce({ peer: asker, torrents: [torrent()] }))[0]?.peers.map(({ peerId }) => peerId)
    expect(await named()).toEqual([expires.peerId])
    await it.clock.advance((first?.intervalMs ?? 0) * 2.5 - 1)
    expect(await named()).toEqual([expires.peerId])
    await it.clock.advance(1)
    expect(await named()).toEqual([])
  })

  test('an announce with the same peer id and another key is refused', async () => {
    await using it = await tracker()
    const owner = peer()
    await it.client.announce({ peer: owner, torrents: [torrent()] })
    expect(await it.client.announce({ peer: { ...owner, key: 'x', port: 6 }, torrents: [torrent()] })).toEqual([])
    expect(it.metrics.value('shoal_tracker_announces_total', { event: 'refused' })).toBe(1)
  })

  test('a swarm id that is not that of the digest is refused', async () => {
    await using it = await tracker()
    const wrong = torrent({ swarmId: swarmIdOf(blobFixture(10).header.digest) })
    await expect(it.client.announce({ peer: peer(), torrents: [wrong] })).rejects.toMatchObject({
      code: 'BODY_INVALID',
    })
  })

  test('BEP 3 clients and our agents meet in one swarm', async () => {
    await using it = await tracker()
    const agent = peer()
    await it.client.announce({ peer: agent, torrents: [torrent()] })
    const infoHash = swarmIdOf(digest).replace(/../g, '%$&')
    const ask = async (query: string) => {
      const response = await it.http.request({ method: 'GET', url: `${it.service.url}/announce?${query}` })
      expect(response.status).toBe(200)
      return decodeBencode(await response.bytes(10_000), { maxBytes: 10_000 })
    }
    const own = `info_hash=${infoHash}&peer_id=-TR4050-abcdefghijkl&port=6881`
    const answer = await ask(`${own}&left=0&compact=1`)
    expect(answer).toMatchObject({ complete: 1, incomplete: 1 })
    const packed = Buffer.from([127, 0, 0, 1, agent.port >> 8, agent.port & 255])
    expect(Buffer.from((answer as unknown as { peers: Uint8Array }).peers)).toEqual(packed)
    const [seen] = await it.client.announce({ peer: agent, torrents: [torrent()] })
    expect(seen?.peers).toMatchObject([{ host: '127.0.0.1', port: 6881, complete: true }])
    expect(await ask('info_hash=%00')).toHaveProperty('failure reason')
  })
})

/** An origin whose answer the test writes; `requests` counts how often it was asked. */
function gated() {
  const opened = deferred<ServerResponse>()
  const script: Script = (_, res) => {
    res.writeHead(200)
    res.flushHeaders()
    opened.resolve(res)
  }
  return { script, opened: opened.promise }
}

const send = (res: ServerResponse, bytes: Uint8Array) => new Promise((resolve) => res.write(bytes, resolve))

describe('metainfo over HTTP', () => {
  test('two readers share one upstream, and see records as they come', async () => {
    const origin = gated()
    await using it = await tracker(origin.script)
    const opening = it.client.openMetainfo(repository, digest)
    const upstream = await origin.opened
    await send(upstream, head)
    const early = decodeMetainfo(await opening)[Symbol.asyncIterator]()
    expect(await early.next()).toMatchObject({ value: { kind: 'header', header: { digest } } })
    const late = await it.client.openMetainfo(repository, digest)
    await send(upstream, encodePieces(blob.hashes))
    expect(await early.next()).toMatchObject({ value: { kind: 'piece', index: 0 } })
    upstream.end(encodeRecord({ kind: 'verified' }))
    expect((await buffer(late)).equals(whole)).toBe(true)
    for (let next = await early.next(); next.done !== true; next = await early.next()) {
      expect(['piece', 'verified']).toContain(next.value.kind)
    }
    expect(it.origins[0]?.requests).toHaveLength(1)
    expect(it.origins[0]?.requests[0]?.url).toBe(`/namespace/library%2Fnginx/blobs/${digest}/metainfo`)
  })

  test('an origin that dies in the middle is replaced without the reader noticing', async () => {
    const dying = new Set<number>()
    const script =
      (i: number): Script =>
      async (_, res) => {
        res.writeHead(200)
        if (dying.size > 0) {
          res.end(whole)
          return
        }
        dying.add(i)
        await send(res, Buffer.concat([head, encodePieces(blob.hashes.subarray(0, 64))]))
        await settle()
        res.socket?.destroySoon()
      }
    await using it = await tracker(script(0), script(1))
    const kinds: (string | number)[] = []
    for await (const record of decodeMetainfo(await it.client.openMetainfo(repository, digest))) {
      kinds.push(record.kind === 'piece' ? record.index : record.kind)
    }
    expect(kinds).toEqual(['header', 0, 1, 2, 3, 4, 'verified'])
    expect(it.origins.map(({ requests }) => requests.length)).toEqual([1, 1])
  })

  test('a blob that no origin knows is 404, an outage is 503', async () => {
    const unknown: Script = (_, res) => answerError(res, 404, 'BLOB_UNKNOWN')
    await using empty = await tracker(unknown, unknown)
    await expect(empty.client.openMetainfo(repository, digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    await using down = await tracker(refuse, refuse)
    await expect(down.client.openMetainfo(repository, digest)).rejects.toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
  })

  test.each([
    ['a malformed digest', '/namespace/a/blobs/sha256:zz/metainfo', 'DIGEST_INVALID'],
    ['a malformed name', `/namespace/..%2Fetc/blobs/${digest}/metainfo`, 'NAME_INVALID'],
  ])('%s is refused', async (_name, path, code) => {
    await using it = await tracker()
    const response = await it.http.request({ method: 'GET', url: it.service.url + path })
    expect(response.status).toBe(400)
    expect(await response.json(10_000)).toMatchObject({ error: { code } })
  })

  test('a stop does not wait for readers of an open stream', async () => {
    const origin = gated()
    await using it = await tracker(origin.script)
    const opening = it.client.openMetainfo(repository, digest)
    await send(await origin.opened, head)
    const reading = buffer(await opening).catch((err: unknown) => err)
    await it.service.stop()
    expect(await reading).toMatchObject({ code: 'PEER_CLOSED' })
  })
})
