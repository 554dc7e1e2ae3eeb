import { type FakeClock, fakeClock, type Random, tokenBucket, wheel } from '../../lib/base/index.ts'
import { hashPiece, inlineDigester } from '../../lib/metainfo/index.ts'
import { swarmLimits } from '../../lib/swarm/index.ts'
import { Download } from '../../lib/swarm/torrent/fetch/download.ts'
import { type Conducts, conducts } from '../../lib/swarm/torrent/shared/conducts.ts'
import { patienceOf } from '../../lib/swarm/torrent/shared/demand.ts'
import { piecePool } from '../../lib/swarm/torrent/shared/piece-pool.ts'
import { swarmMeters } from '../../lib/swarm/torrent/shared/swarm-meters.ts'
import { recordingMetrics } from '../../lib/telemetry/index.ts'
import { type ScriptedPeer, type ScriptedRequest, scriptedPeer } from './scripted-peer.ts'
import type { SwarmBlob } from './swarm-blob.ts'

/** A download from scripted peers, and a reader that takes each piece of it in order as soon as it is here. */
export interface DownloadLab {
  readonly clock: FakeClock
  readonly download: Download
  /** What the reader has, in order. */
  readonly read: readonly Uint8Array[]
  readonly done: boolean
  readonly broken: readonly unknown[]
  readonly conducts: Pick<Conducts, 'take'>
  join(name: string, init?: Partial<Parameters<typeof scriptedPeer>[1]>): ScriptedPeer
  /** Lets so much time pass, and lets the download look at it. */
  pass(ms: number): Promise<void>
  give(request: ScriptedRequest | undefined): void
  value(name: string, why: string): number
}

export function downloadLab(blob: SwarmBlob, random: Random): DownloadLab {
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const { map } = blob
  const taken = new Map<number, Uint8Array>()
  const read: Uint8Array[] = []
  const broken: unknown[] = []
  let waitingSinceMs = 0
  const components = {
    clock,
    wheel: wheel(clock),
    random,
    buffers: piecePool({ maxBytes: 64 * 2 ** 20, spare: () => false }),
    digester: inlineDigester(),
    meters: swarmMeters(metrics),
    limits: swarmLimits,
    conducts: conducts(),
    downloads: tokenBucket(clock, { ratePerSecond: undefined, burst: map.pieceLength }),
  }
  const takeInOrder = (): void => {
    for (let bytes = taken.get(read.length); bytes !== undefined; bytes = taken.get(read.length)) {
      read.push(bytes)
      waitingSinceMs = clock.monotonicMs()
    }
  }
  const download: Download = new Download(components, {
    map,
    self: '00000000000000000000000000000000000000aa',
    hashOf: (piece) => hashPiece(pieceOf(blob, piece)),
    lacks: (piece) => !taken.has(piece),
    scope: () => 'all',
    windows: (nowMs) => {
      const urgent = nowMs - waitingSinceMs >= patienceOf(download.pace.usualMs)
      return read.length === map.count ? [] : [{ next: read.length, end: Math.min(map.count, read.length + 4), urgent }]
    },
    leftBytes: () => (map.count - taken.size) * map.pieceLength,
    take: async (piece, { bytes, free }) => {
      taken.set(piece, bytes.slice())
      free()
      takeInOrder()
    },
    trusted: () => true,
    events: {
      onLooked: () => undefined,
      onRoom: () => download.wake(),
      onReceived: () => undefined,
      onLiar: (id) => void broken.push(`${id} lied`),
      onAgreed: () => undefined,
      onBroken: (err) => void broken.push(err),
    },
  })
  return {
    clock,
    download,
    read,
    broken,
    conducts: components.conducts,
    get done() {
      return read.length === map.count
    },
    join(name, init = {}) {
      const peer = scriptedPeer(name, { pieces: map.count, ...init })
      download.addPeer(peer.connection)
      return peer
    },
    async pass(ms) {
      await clock.advance(ms)
      // What an answer leads to may be done at the end of its turn, so the next one has to end as well.
      await clock.advance(0)
      await clock.advance(0)
    },
    give(request) {
      if (request === undefined) return
      const { piece, offset, length } = request.block
      request.answer(pieceOf(blob, piece).subarray(offset, offset + length))
    },
    value: (name, why) => metrics.value(name, { why }),
  }
}

function pieceOf({ bytes, map }: SwarmBlob, piece: number): Uint8Array {
  const { start, end } = map.rangeOf(piece)
  return bytes.subarray(start, end)
}
