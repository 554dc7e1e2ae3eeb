import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import {
  type AnnounceTorrent,
  type AnnouncingPeer,
  announceBatchSchema,
  metainfoAskerSchema,
  parseBody,
  trackerCluster,
} from '../../../lib/api/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestOf, newPeerId, parseRepository, swarmIdOf } from '../../../lib/core/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { answerError, answerJson, disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'

const repository = parseRepository('library/nginx')

const random = seededRandom(1)
const peer: AnnouncingPeer = { peerId: newPeerId(random), key: 'secret', port: 6881, role: 'agent', zone: 'a' }
const other = { peerId: newPeerId(random), host: '10.0.0.1', port: 1, role: 'origin', complete: true } as const

function torrent(i: number): AnnounceTorrent {
  const digest = digestOf(Buffer.from(`blob ${i}`))
  const numbers = { leftBytes: 100, wantPeers: 10, reports: [] }
  return { swarmId: swarmIdOf(digest), digest, repository, event: 'started', ...numbers }
}

const take: Script = ({ body }, res) => {
  const { torrents } = parseBody(announceBatchSchema, JSON.parse(body.toString()))
  answerJson(res, 200, { torrents: torrents.map(({ swarmId }) => ({ swarmId, intervalMs: 5000, peers: [other] })) })
}
const refuse: Script = (_, res) => void res.destroy()

function trackers(...scripts: readonly Script[]) {
  return buildResource(async (stack) => {
    const http = stack.own(disposableHttp())
    const servers = await Promise.all(scripts.map(async (script) => stack.own(await scriptedServer(script))))
    const cluster = clusterOf(servers.map(({ url }, i) => ({ id: `t${i}`, url })))
    const batchesAt = (i: number) =>
      servers[i]?.requests.map(({ body }) => parseBody(announceBatchSchema, JSON.parse(body.toString()))) ?? []
    return { servers, cluster, batchesAt, api: trackerCluster({ http, cluster, logger: silentLogger() }) }
  })
}

const torrents = Array.from({ length: 40 }, (_, i) => torrent(i))
const idsOf = (items: readonly { swarmId: string }[]) => items.map(({ swarmId }) => swarmId).sort()

describe('tracker cluster', () => {
  test('tells each torrent to the tracker that owns its swarm, in one request for each tracker', async () => {
    await using it = await trackers(take, take, take)
    const answers = await it.api.announce(peer, torrents)
    expect(idsOf(answers)).toEqual(idsOf(torrents))
    expect(answers[0]).toMatchObject({ intervalMs: 5000, peers: [other] })
    for (const i of [0, 1, 2]) {
      const [batch, ...more] = it.batchesAt(i)
      expect(more).toEqual([])
      expect(batch?.peer).toEqual(peer)
      for (const told of batch?.torrents ?? []) {
        expect(it.cluster.owners(told.swarmId)[0]?.id).toBe(`t${i}`)
        expect(torrents).toContainEqual(told)
      }
    }
  })

  test('the torrents of a dead tracker go to the next one on their ring at once', async () => {
    await using it = await trackers(take, refuse, take)
    expect(idsOf(await it.api.announce(peer, torrents))).toEqual(idsOf(torrents))
    for (const batch of it.batchesAt(0).slice(1)) {
      for (const { swarmId } of batch.torrents) {
        expect(it.cluster.owners(swarmId).map(({ id }) => id)).toEqual(['t1', 't0'])
      }
    }
  })

  test('torrents that no tracker accepts are missing from the answer', async () => {
    await using it = await trackers(refuse, refuse)
    expect(await it.api.announce(peer, torrents)).toEqual([])
  })

  test('a batch that a tracker finds wrong is not told to the next one', async () => {
    const wrong: Script = (_, res) => answerError(res, 400, 'BODY_INVALID')
    await using it = await trackers(wrong, wrong)
    expect(await it.api.announce(peer, torrents.slice(0, 1))).toEqual([])
    expect(it.servers.flatMap(({ requests }) => requests)).toHaveLength(1)
  })

  test('sends more torrents than one batch may have as several', async () => {
    await using it = await trackers(take)
    const many = Array.from({ length: 2_001 }, (_, i) => torrent(i))
    expect(await it.api.announce(peer, many)).toHaveLength(2_001)
    expect(it.batchesAt(0).map((batch) => batch.torrents.length)).toEqual([1000, 1000, 1])
  })

  test('an abort by the caller ends the announce', async () => {
    const controller = new AbortController()
    await using it = await trackers(() => controller.abort())
    await expect(it.api.announce(peer, torrents, { signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })

  test('opens metainfo at the next tracker when the owner is dead', async () => {
    await using it = await trackers(refuse, (_, res) => void res.end('stream'))
    const { digest } = torrent(0)
    expect((await buffer(await it.api.openMetainfo(repository, digest))).toString()).toBe('stream')
    expect(it.servers[1]?.requests[0]?.url).toBe(`/namespace/library%2Fnginx/blobs/${digest}/metainfo`)
  })

  test('introduces who asks for metainfo with the same request, also at the next tracker', async () => {
    await using it = await trackers(refuse, (_, res) => void res.end('stream'))
    const asker = { peer, wantPeers: 24 }
    expect((await buffer(await it.api.openMetainfo(repository, torrent(0).digest, { asker }))).toString()).toBe(
      'stream',
    )
    for (const { requests } of it.servers) {
      expect(
        requests.map(({ method, body }) => [method, parseBody(metainfoAskerSchema, JSON.parse(body.toString()))]),
      ).toEqual([['POST', asker]])
    }
  })

  test('a blob that no origin knows is unknown', async () => {
    const unknown: Script = (_, res) => answerError(res, 404, 'BLOB_UNKNOWN')
    await using it = await trackers(unknown, unknown)
    await expect(it.api.openMetainfo(repository, torrent(0).digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  })
})

describe('a batch', () => {
  /** The torrent as the client sends it. */
  const line = (i: number) => ({ ...torrent(i), repository: 'library/nginx' })
  const good = { peer, torrents: [line(0)] }
  test.each<readonly [string, unknown]>([
    ['no object', 7],
    ['no peer', { torrents: [] }],
    ['a port that is none', { ...good, peer: { ...peer, port: 0 } }],
    ['a peer id of another length', { ...good, peer: { ...peer, peerId: 'ab' } }],
    ['an unknown role', { ...good, peer: { ...peer, role: 'boss' } }],
    ['negative bytes', { ...good, torrents: [{ ...line(0), leftBytes: -1 }] }],
    ['a malformed digest', { ...good, torrents: [{ ...line(0), digest: 'sha256:zz' }] }],
    ['a malformed repository', { ...good, torrents: [{ ...line(0), repository: '../etc' }] }],
    ['an unknown event', { ...good, torrents: [{ ...line(0), event: 'paused' }] }],
    ['too many torrents', { ...good, torrents: Array.from({ length: 1001 }, (_, i) => line(i)) }],
  ])('with %s is refused', (_name, body) => {
    expect(() => parseBody(announceBatchSchema, body)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  })

  test('may carry fields of a later version', () => {
    expect(parseBody(announceBatchSchema, { ...good, later: 1 })).toEqual({ peer, torrents: [torrent(0)] })
  })
})
