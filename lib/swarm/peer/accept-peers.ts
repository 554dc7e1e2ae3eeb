import {
  type AbortOptions,
  abortable,
  appError,
  background,
  type Clock,
  deadline,
  hasCode,
  type Startable,
} from '../../base/index.ts'
import { type InfoHash, parseInfoHash, parseSwarmId, type SwarmId } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { swarmLimits } from '../limits.ts'
import {
  type ByteChannel,
  type LinkOwner,
  openLink,
  type PeerProver,
  type ReceivedHandshake,
  readHandshake,
  type SwarmHeader,
} from '../wire/index.ts'
import type { PeerSelf } from './dial-peer.ts'
import type { PeerConnection } from './peer-connection.ts'
import { wireConnection } from './wire-connection.ts'

export interface AcceptInit {
  readonly self: PeerSelf
  /**
   * The header of a swarm, or undefined to refuse. May take as long as fetching the header takes, within
   * `swarmLimits.headerTimeoutMs`. An error refuses, too.
   */
  admit(swarmId: SwarmId, options: AbortOptions): Promise<SwarmHeader | undefined>
  /**
   * Called with a connection after both handshakes. It delivers nothing until the callee attaches; the callee must
   * close it.
   */
  onPeer(swarmId: SwarmId, connection: PeerConnection): void
  /** How many more connections this node may accept; default `swarmLimits.maxConnections`. */
  room?(): number
  /**
   * The swarm that stock clients know by this name; undefined where none has it. Without it no stock client is let in,
   * nor where there is a prover.
   */
  readonly foreign?: ((infoHash: InfoHash, options: AbortOptions) => Promise<SwarmId | undefined>) | undefined
  /** Peers must prove that they belong to the cluster, and are proven to. */
  readonly prover?: PeerProver | undefined
  /** Shares connections among swarms with peers that do so, too; undefined keeps each to its first swarm. */
  readonly owner?: LinkOwner | undefined
  /** A connection from `host` that was let in failed before it became a peer. */
  onRefused?(err: unknown, host: string): void
}

/** Takes incoming connections through both handshakes. `stop()` ends unfinished handshakes. */
export interface PeerAcceptor extends Startable {
  /** Pass it to `PeerTransport.listen`. Beyond a limit, one is closed without reading it. */
  readonly accept: (channel: ByteChannel) => void
}

/**
 * Closes the connection that has been silent for the longest time, of the address that has the most of them: whoever has
 * many cannot close the port to others.
 */
function closeOne(silent: Set<ByteChannel>): void {
  const counts = new Map<string, number>()
  for (const { remote } of silent) counts.set(remote.host, (counts.get(remote.host) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const victim = [...silent].find(({ remote }) => counts.get(remote.host) === most)
  if (victim === undefined) return
  silent.delete(victim)
  victim.destroy()
}

/** What any stranger can bring about. */
const refusalCodes = ['ABORTED', 'WIRE_HANDSHAKE_FAILED', 'WIRE_FRAME_INVALID', 'PEER_UNPROVEN', 'PEER_CLOSED']

export function acceptPeers(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  init: AcceptInit,
): PeerAcceptor {
  const tasks = background((_, err) => {
    if (hasCode(err, ...refusalCodes)) {
      logger.debug('refused a peer', { err })
    } else logger.warn('failed to accept a peer', { err })
  })
  const room = () => init.room?.() ?? swarmLimits.maxConnections
  let stopped = false
  /** Connections that have not said anything yet, the oldest first. */
  const silent = new Set<ByteChannel>()

  const welcome = async (channel: ByteChannel, signal: AbortSignal) => {
    silent.add(channel)
    const { handshakeTimeoutMs: timeoutMs } = swarmLimits
    const received = await readHandshake(channel, clock, { timeoutMs, signal }).finally(() => silent.delete(channel))
    await introduce({ clock, logger, init }, channel, received, signal)
  }

  return {
    accept(channel) {
      if (stopped || tasks.size >= room()) {
        channel.destroy()
        return
      }
      if (silent.size >= swarmLimits.maxPendingHandshakes) closeOne(silent)
      tasks.run('accept a peer', async (signal) => {
        try {
          await welcome(channel, signal)
        } catch (err) {
          channel.destroy()
          init.onRefused?.(err, channel.remote.host)
          throw err
        }
      })
    },
    start: () => Promise.resolve(),
    async stop() {
      stopped = true
      await tasks.stop()
    },
  }
}

interface Host {
  readonly clock: Clock
  readonly logger: Logger
  readonly init: AcceptInit
}

/** From the first handshake to `onPeer`. */
async function introduce(
  { clock, logger, init }: Host,
  channel: ByteChannel,
  received: ReceivedHandshake,
  signal: AbortSignal,
): Promise<void> {
  const { self, prover, owner } = init
  const { swarmId, header, infoHash } = await admit(clock, init, received.handshake.swarmId, signal)
  const connection = await wireConnection({
    header,
    address: channel.remote,
    // Origins do not dial: they pull nothing from peers.
    role: 'agent',
    direction: 'accepted',
    logger,
    open: async (events) => {
      const link = { channel, swarmId, header, self, received, infoHash, prover, events, owner }
      return (await openLink({ clock }, link, { signal })).first
    },
  })
  if (signal.aborted) connection.close()
  else init.onPeer(swarmId, connection)
}

interface Admitted {
  readonly swarmId: SwarmId
  readonly header: SwarmHeader
  /** The name by which a stock client called. */
  readonly infoHash: InfoHash | undefined
}

/** `name` is a swarm id, or else the info-hash of a torrent. */
async function admit(clock: Clock, init: AcceptInit, name: string, signal: AbortSignal): Promise<Admitted> {
  const limit = deadline(clock, swarmLimits.headerTimeoutMs, signal)
  const headerOf = (swarmId: SwarmId) => abortable(init.admit(swarmId, { signal: limit.signal }), limit.signal)
  try {
    const own = parseSwarmId(name)
    const header = await headerOf(own)
    if (header !== undefined) return { swarmId: own, header, infoHash: undefined }
    const infoHash = parseInfoHash(name)
    const found = init.prover === undefined ? init.foreign?.(infoHash, { signal: limit.signal }) : undefined
    const swarmId = found && (await abortable(found, limit.signal))
    const its = swarmId && (await headerOf(swarmId))
    if (swarmId !== undefined && its !== undefined) return { swarmId, header: its, infoHash }
    throw appError('WIRE_HANDSHAKE_FAILED', { message: 'the swarm is not known here' })
  } finally {
    limit.release()
  }
}
