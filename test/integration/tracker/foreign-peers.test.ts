import { describe, expect, test } from '@jest/globals'
import { foreignSwarms, trackerClient } from '../../../lib/api/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Digest, digestOf, newPeerId, parseInfoHash, parseRepository, swarmIdOf } from '../../../lib/core/index.ts'
import { decodeBencode } from '../../../lib/metainfo/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { answerError, answerJson, disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'
import { trackerConfig } from '../../kit/tracker-config.ts'

const digest = digestOf(Buffer.from('a blob with a torrent'))
const unmade = digestOf(Buffer.from('a blob without one'))
const infoHash = parseInfoHash('5a'.repeat(20))
const random = seededRandom(1)

/** An origin that has made one torrent. */
const origin: Script = ({ url }, res) => {
  if (url === `/torrents/${digest}`) answerJson(res, 200, { digest, infoHash, size: 1_000_000 })
  else answerError(res, 404, 'TORRENT_UNKNOWN')
}

/** A tracker, and what stock clients are told by it. */
function scene(foreignPeers: boolean) {
  return buildResource(async (stack) => {
    const { url, requests } = stack.own(await scriptedServer(origin))
    const origins = { members: [{ id: 'origin-1', url }] }
    const config = await trackerConfig(stack, { origins, swarm: { foreignPeers } })
    const service = trackerService(
      { clock: fakeClock(), metrics: silentMetrics(), logger: silentLogger(), random: seededRandom(2) },
      config,
    )
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const http = stack.own(disposableHttp())
    const announce = async (of: Digest, name: string, port = 6881) => {
      const hash = name.replace(/../g, '%$&')
      const query = `info_hash=${hash}&peer_id=-TR4050-abcdefghijkl&port=${port}&left=0&compact=1&event=started`
      const response = await http.request({ method: 'GET', url: `${service.url}/announce/${of}?${query}` })
      return [response.status, decodeBencode(await response.bytes(10_000), { maxBytes: 10_000 })] as const
    }
    const swarms = foreignSwarms({ http, cluster: clusterOf([{ id: 'tracker-1', url: service.url }]) })
    const peersOf = async (blob: Digest) => {
      const peer = { peerId: newPeerId(random), key: 'k', port: 7001, role: 'agent' } as const
      const torrent = {
        swarmId: swarmIdOf(blob),
        digest: blob,
        repository: parseRepository('a'),
        event: 'started',
      } as const
      const batch = { peer, torrents: [{ ...torrent, leftBytes: 9, wantPeers: 9, reports: [] }] }
      return (await trackerClient(http, service.url).announce(batch))[0]?.peers
    }
    return { announce, swarms, peersOf, requests }
  })
}

const reasonOf = (answer: unknown) =>
  Buffer.from((answer as { readonly 'failure reason': Uint8Array })['failure reason']).toString()

describe('a stock client that announces a blob', () => {
  test('is named to agents of the swarm with the name that it knows, and named agents itself', async () => {
    await using it = await scene(true)
    expect(await it.announce(digest, infoHash)).toEqual([200, expect.objectContaining({ complete: 1, incomplete: 0 })])
    const [named] = (await it.peersOf(digest)) ?? []
    expect(named).toMatchObject({ host: '127.0.0.1', port: 6881, role: 'agent', complete: true, infoHash })
    const [, again] = await it.announce(digest, infoHash)
    expect(again).toMatchObject({ peers: Uint8Array.of(127, 0, 0, 1, 7001 >> 8, 7001 & 255) })
    expect(await it.swarms.swarmOf(infoHash)).toBe(swarmIdOf(digest))
    expect(it.requests).toHaveLength(1)
  })

  test('is refused with another info-hash than the origins say, and the name stays unknown', async () => {
    await using it = await scene(true)
    const [status, answer] = await it.announce(digest, 'bb'.repeat(20))
    expect([status, reasonOf(answer)]).toEqual([200, expect.stringContaining('not the one that the origins make')])
    expect(await it.peersOf(digest)).toEqual([])
    expect(await it.swarms.swarmOf(parseInfoHash('bb'.repeat(20)))).toBeUndefined()
  })

  test('is refused while no origin has made a torrent, and after too many of those', async () => {
    await using it = await scene(true)
    const [status, answer] = await it.announce(unmade, infoHash)
    expect([status, reasonOf(answer)]).toEqual([200, expect.stringContaining('fetch its torrent')])
    expect(await it.swarms.swarmOf(infoHash)).toBeUndefined()
    const many = await Promise.all(Array.from({ length: 520 }, () => it.announce(unmade, infoHash)))
    expect(many.map(([, one]) => reasonOf(one))).toContainEqual(expect.stringContaining('slow down'))
  })

  test('is refused where stock clients are not let in, and no origin is asked', async () => {
    await using it = await scene(false)
    const [status, answer] = await it.announce(digest, infoHash)
    expect([status, reasonOf(answer)]).toEqual([200, expect.stringContaining('swarm.foreignPeers')])
    await expect(it.swarms.swarmOf(infoHash)).rejects.toMatchObject({ code: 'FOREIGN_PEERS_OFF' })
    expect([await it.peersOf(digest), it.requests]).toEqual([[], []])
  })
})
