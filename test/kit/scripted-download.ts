import { fakeClock, seededRandom, tokenBucket } from '../../lib/base/index.ts'
import { hashPiece, inlineDigester } from '../../lib/metainfo/index.ts'
import { swarmLimits } from '../../lib/swarm/index.ts'
import type { ReaderWindow } from '../../lib/swarm/picker/index.ts'
import { Download } from '../../lib/swarm/torrent/fetch/download.ts'
import { conducts as conductsOfPeers } from '../../lib/swarm/torrent/shared/conducts.ts'
import { type PiecePool, piecePool } from '../../lib/swarm/torrent/shared/piece-pool.ts'
import { swarmMeters } from '../../lib/swarm/torrent/shared/swarm-meters.ts'
import { recordingMetrics } from '../../lib/telemetry/index.ts'
import { countingWheel } from './counting-wheel.ts'
import { type ScriptedPeer, type ScriptedRequest, scriptedPeer } from './scripted-peer.ts'
import { swarmBlob } from './swarm-blob.ts'

export const MIB = 1024 * 1024
/** Four pieces of 1 MiB. */
export const blob = swarmBlob(1, 4 * MIB, MIB)

/** A download of `blob` from scripted peers, with what it handed over and whom it accused. */
export function scriptedDownload(
  init: {
    readonly pieces?: number
    readonly budgetBytes?: number
    /** Shared with another download. */
    readonly buffers?: PiecePool
    readonly windows?: readonly ReaderWindow[]
    /** The hashes come from an origin itself. Default true. */
    readonly trusted?: boolean
    /** The bytes that the hashes belong to; default: the blob. */
    readonly hashed?: Uint8Array
    /** The node's download rate in bytes per second; default no limit. */
    readonly rate?: number
    /** What throws when it is called. */
    readonly broken?: 'onReceived' | 'take'
    /** Received bytes stay in the memory in which they arrived. */
    readonly keep?: boolean
    /** A piece that was handed over is stored when this resolves; default at once. */
    readonly stored?: Promise<void>
  } = {},
) {
  const clock = fakeClock()
  const wheel = countingWheel(clock)
  const buffers = init.buffers ?? piecePool({ maxBytes: init.budgetBytes ?? 64 * MIB, spare: () => false })
  const taken = new Map<number, Uint8Array>()
  const liars: string[] = []
  const agreed: number[] = []
  const broken: unknown[] = []
  const conducts = conductsOfPeers()
  const metrics = recordingMetrics()
  const download: Download = new Download(
    {
      clock,
      wheel,
      buffers,
      digester: inlineDigester(),
      random: seededRandom(1),
      meters: swarmMeters(metrics),
      limits: swarmLimits,
      conducts,
      downloads: tokenBucket(clock, { ratePerSecond: init.rate, burst: MIB }),
    },
    {
      map: blob.map,
      self: '00000000000000000000000000000000000000aa',
      hashOf: (piece) => hashPiece((init.hashed ?? blob.bytes).subarray(piece * MIB, (piece + 1) * MIB)),
      lacks: (piece) => piece < (init.pieces ?? 1) && !taken.has(piece),
      scope: () => 'all',
      windows: () => init.windows ?? [],
      leftBytes: () => ((init.pieces ?? 1) - taken.size) * MIB,
      take: (piece, { bytes, free }) => {
        if (init.broken === 'take') throw new Error('broken')
        taken.set(piece, init.keep === true ? bytes : bytes.slice())
        if (init.keep !== true) free()
        return init.stored ?? Promise.resolve()
      },
      trusted: () => init.trusted ?? true,
      events: {
        onLooked: () => undefined,
        onRoom: () => download.wake(),
        onReceived: () => {
          if (init.broken === 'onReceived') throw new Error('broken')
        },
        onLiar: (id) => void liars.push(id),
        onAgreed: () => void agreed.push(1),
        onBroken: (err) => void broken.push(err),
      },
    },
  )
  const join = (name: string, peer: Parameters<typeof scriptedPeer>[1] = { pieces: 4 }): ScriptedPeer => {
    const scripted = scriptedPeer(name, peer)
    download.addPeer(scripted.connection)
    return scripted
  }
  /** Until what is open may be asked of somebody else at the end. */
  const untilSlow = () => clock.advance(500)
  // What an answer leads to may be done at the end of its turn, so the next one has to end as well.
  const settle = async () => {
    await clock.advance(0)
    await clock.advance(0)
  }
  const wasted = (why: string) => metrics.value('shoal_swarm_wasted_bytes_total', { why })
  return { clock, wheel, buffers, conducts, download, taken, liars, agreed, broken, join, settle, untilSlow, wasted }
}

export const bytesOf = ({ piece, offset, length }: { piece: number; offset: number; length: number }) =>
  blob.bytes.subarray(piece * MIB + offset, piece * MIB + offset + length)
export const lie = ({ block }: ScriptedRequest) => bytesOf(block).map((byte) => byte ^ 0xff)
export const give = (request: ScriptedRequest | undefined) => request?.answer(bytesOf(request.block))
export const blocksOf = (peer: ScriptedPeer) => peer.open.map(({ block }) => block.offset / (256 * 1024))
export const isRight = (bytes: Uint8Array | undefined) =>
  Buffer.compare(bytes ?? Buffer.of(), blob.bytes.subarray(0, MIB)) === 0
