import { expect, test } from '@jest/globals'
import { fairBucket, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { headerOf, newPeerId, parseRepository } from '../../../../lib/core/index.ts'
import { inlineDigester } from '../../../../lib/metainfo/index.ts'
import { memoryStore } from '../../../../lib/store/index.ts'
import { swarmLimits } from '../../../../lib/swarm/index.ts'
import {
  overflowShares,
  piecePool,
  sliceCache,
  storedContent,
  swarmMeters,
  Torrent,
  type TorrentContent,
  uploadLane,
  warmPieces,
} from '../../../../lib/swarm/torrent/index.ts'
import { unwatched } from '../../../../lib/swarm/torrent/shared/pull-trace.ts'
import { silentLogger, silentMetrics } from '../../../../lib/telemetry/index.ts'
import { countingWheel } from '../../../kit/counting-wheel.ts'
import { scriptedPeer } from '../../../kit/scripted-peer.ts'
import { swarmBlob } from '../../../kit/swarm-blob.ts'
import { swarmSources } from '../../../kit/swarm-sources.ts'

const MIB = 1024 * 1024
const blob = swarmBlob(1, 4 * MIB)
const header = headerOf(blob.digest, blob.bytes.length)
const ref = { digest: blob.digest, repository: parseRepository('lab') }

/** Torrents of one node on one wheel. */
async function node() {
  const clock = fakeClock()
  const random = seededRandom(1)
  const wheel = countingWheel(clock)
  const warm = warmPieces(32 * MIB)
  const unlimited = fairBucket(clock, { ratePerSecond: undefined })
  const useless: Torrent[] = []
  const store = memoryStore({ clock, random, logger: silentLogger() }, { capacityBytes: 1e9 })
  await store.start()
  const components = {
    ...{ clock, random, wheel, warm, limits: swarmLimits, logger: silentLogger() },
    ...{ meters: swarmMeters(silentMetrics()), slices: sliceCache(32 * MIB, warm), overflows: overflowShares(MIB) },
    ...{
      buffers: piecePool({ maxBytes: 64 * MIB, spare: () => false }),
      downloads: unlimited,
      lane: uploadLane(unlimited, 64 * MIB),
    },
    ...{ digester: inlineDigester(), connections: { open: 0, links: 0, halfOpen: 0, leaving: 0 } },
    ...swarmSources([blob]),
    store,
  }
  const nothing = () => undefined
  const torrent = (content: TorrentContent) => {
    const it = new Torrent(
      components,
      {
        ...{ content, self: { peerId: newPeerId(random), role: 'agent' }, verify: 'whole', direct: false },
        ...{ dial: () => Promise.reject(new Error('nobody is there')), reaches: () => false, avoids: () => false },
        ...{ gives: () => true, onPeers: nothing },
      },
      {
        ...{ onHeader: nothing, onInline: nothing, onComplete: nothing },
        ...{ onFailed: nothing, onLiar: nothing, onUnreadable: nothing },
        onUseless: (torrent) => void useless.push(torrent),
      },
    )
    it.start()
    return it
  }
  return { clock, wheel, random, torrent, useless, given: storedContent(store, header) }
}

/** 250 complete torrents with three peers each, and 250 that somebody has open and nobody reads. */
async function idleNode() {
  const it = await node()
  const complete = Array.from({ length: 250 }, () => it.torrent({ blob: ref, given: it.given }))
  const open = Array.from({ length: 250 }, () => it.torrent({ blob: ref }))
  for (const torrent of complete) {
    for (let peer = 0; peer < 3; peer += 1) {
      torrent.accept(scriptedPeer(newPeerId(it.random), { pieces: 4, has: [] }).connection)
    }
  }
  for (const torrent of open) torrent.hold()
  await it.clock.advance(1_000)
  for (const torrent of open) torrent.accept(scriptedPeer(newPeerId(it.random), { pieces: 4 }).connection)
  await it.clock.advance(100)
  return { ...it, complete, open }
}

test('500 idle torrents are not looked at once in nearly a minute', async () => {
  const { clock, wheel, complete, open } = await idleNode()
  const before = wheel.rung
  await clock.advance(swarmLimits.idleSeedMs - 2_000)
  expect(wheel.rung - before).toBe(0)
  expect([complete[0]?.connections.length, open[0]?.connections.length]).toEqual([3, 1])
})

test('each is looked at once when the minute is over: its peers had no use for it, and so has nobody', async () => {
  const { clock, wheel, complete, useless } = await idleNode()
  const before = wheel.rung
  await clock.advance(swarmLimits.idleSeedMs)
  expect(complete[0]?.connections).toEqual([])
  // Once for its peers, and once to end.
  expect(wheel.rung - before).toBe(2 * complete.length)
  expect(useless).toHaveLength(complete.length)
})

test('a part of a blob that nobody reads any more is not looked at, while somebody may read on', async () => {
  const { clock, wheel, open } = await idleNode()
  for (const torrent of open) torrent.read({ start: 0, end: 10 }, { fills: false }, unwatched()).resume().destroy()
  await clock.advance(swarmLimits.peerPatienceMs)
  const before = wheel.rung
  await clock.advance(swarmLimits.lingerMs)
  expect(wheel.rung - before).toBe(0)
})
