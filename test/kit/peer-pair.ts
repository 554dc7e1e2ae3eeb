import { type AppError, appError, type FakeClock, fakeClock, seededRandom } from '../../lib/base/index.ts'
import { newPeerId, pieceLengthFor, swarmIdOf } from '../../lib/core/index.ts'
import {
  acceptPeers,
  type Block,
  dialPeer,
  memoryNetwork,
  type PeerConnection,
  type PeerEvents,
  type PeerSelf,
  type PeerTls,
  type PeerTransport,
  type SwarmHeader,
  tcpTransport,
} from '../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { type BlobFixture, blobFixture } from './metainfo-fixture.ts'

/** Records all events of a connection in order; a test can wait for an event. */
export interface Recorder extends PeerEvents {
  readonly log: readonly string[]
  /** Resolves when the log contains `line`. */
  until(line: string): Promise<void>
  /** Resolves with the code with which the connection closed; never rejects. */
  readonly closed: Promise<string | undefined>
}

const text = ({ piece, offset, length }: Block) => `${piece}:${offset}:${length}`

/** `onRequest` answers requests; without it requests are only recorded. */
export function recorder(onRequest: (block: Block) => void = () => undefined): Recorder {
  const log: string[] = []
  const waiting = new Set<() => void>()
  const say = (line: string) => {
    log.push(line)
    for (const check of waiting) check()
  }
  let closed!: (code: string | undefined) => void
  return {
    log,
    closed: new Promise((resolve) => {
      closed = resolve
    }),
    until: (line) =>
      new Promise((resolve) => {
        const check = () => {
          if (!log.includes(line)) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
    onHave: (pieces) => {
      for (const piece of pieces ?? ['set']) say(`have ${piece}`)
    },
    onChoke: (choked) => say(choked ? 'choke' : 'unchoke'),
    onInterest: (interested) => say(interested ? 'interested' : 'uninterested'),
    onSuggest: (piece) => say(`suggest ${piece}`),
    onBusy: (peers) => say(`busy ${peers.map(({ host, port }) => `${host}:${port}`).join(' ')}`),
    onRequest: (block) => {
      say(`request ${text(block)}`)
      onRequest(block)
    },
    onCancel: (block) => say(`cancel ${text(block)}`),
    onWant: ({ priority, ranges }) => {
      say(`want ${priority} ${ranges.map(({ start, end }) => `${start}-${end}`).join(' ')}`)
    },
    onClose: (err: AppError | undefined) => {
      say('close')
      closed(err?.code)
    },
  }
}

export const peerSelf = (seed: number, role: PeerSelf['role'] = 'agent'): PeerSelf => ({
  peerId: newPeerId(seededRandom(seed)),
  role,
  listenPort: 7000 + seed,
  zone: `zone ${seed} é`,
})

/** How each side speaks TLS; undefined: it does not. */
export interface PairTls {
  readonly listening?: PeerTls | undefined
  readonly dialling?: PeerTls | undefined
}

export type PeerNetworkKind = 'memory' | 'tcp'

/** A network with two hosts: one listens, the other one dials. */
export function networkOf(kind: PeerNetworkKind, clock: FakeClock, tls: PairTls = {}) {
  if (kind === 'tcp') {
    const transport = (peerTls: PeerTls | undefined) => tcpTransport({ clock, peerTls })
    return { listening: transport(tls.listening), dialling: transport(tls.dialling), host: '127.0.0.1' }
  }
  const network = memoryNetwork()
  return { listening: network.host('10.0.0.1'), dialling: network.host('10.0.0.2'), host: '10.0.0.1' }
}

export interface PeerPair extends AsyncDisposable {
  readonly clock: FakeClock
  readonly blob: BlobFixture
  /** The side that dialled. */
  readonly left: PeerConnection
  /** The side that accepted. */
  readonly right: PeerConnection
}

export interface PeerPairInit {
  readonly kind?: PeerNetworkKind
  readonly blob?: BlobFixture
  readonly clock?: FakeClock
  /** Only of the kind tcp. */
  readonly tls?: PairTls
  /** Somebody was not let in. */
  readonly onRefused?: (err: unknown) => void
}

/** Two connections of one swarm after both handshakes, without listeners. */
export async function peerPair(init: PeerPairInit = {}): Promise<PeerPair> {
  const { kind = 'memory', blob = blobFixture(3 * pieceLengthFor(0) + 4321), clock = fakeClock() } = init
  const { listening, dialling, host } = networkOf(kind, clock, init.tls)
  const swarmId = swarmIdOf(blob.header.digest)
  let arrived!: (connection: PeerConnection) => void
  const arrival = new Promise<PeerConnection>((resolve) => {
    arrived = resolve
  })
  const acceptor = acceptPeers(
    { clock, logger: silentLogger() },
    {
      self: peerSelf(1, 'origin'),
      admit: async (id) => (id === swarmId ? blob.header : undefined),
      onPeer: (_, connection) => arrived(connection),
      onRefused: (err) => init.onRefused?.(err),
    },
  )
  const listener = await listening.listen({ host, port: 0 }, acceptor.accept)
  const left = await dialPeer(
    { clock, logger: silentLogger(), transport: dialling },
    { address: listener.address, swarmId, header: blob.header, role: 'origin', self: peerSelf(2) },
  ).catch(async (err: unknown) => {
    await listener.close()
    await acceptor.stop()
    throw err
  })
  const right = await arrival
  return {
    clock,
    blob,
    left,
    right,
    async [Symbol.asyncDispose]() {
      left.close()
      right.close()
      await listener.close()
      await acceptor.stop()
      if (clock.pending > 0) throw appError('UNKNOWN', { message: `${clock.pending} timers are left` })
    },
  }
}

/** Serves any block of the blob. */
export const serving = (connection: () => PeerConnection, { bytes, map }: BlobFixture) => {
  const events: Recorder = recorder((block) => {
    const start = map.rangeOf(block.piece).start + block.offset
    void connection()
      .sendBlock(block, bytes.subarray(start, start + block.length))
      .catch(() => undefined)
  })
  return events
}

export type { PeerTransport, SwarmHeader }
