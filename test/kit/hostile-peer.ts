import { codeOf, type FakeClock, fakeClock } from '../../lib/base/index.ts'
import { PROTOCOL_VERSION, pieceLengthFor, type SwarmId, swarmIdOf } from '../../lib/core/index.ts'
import { decodeBencode, encodeBencode } from '../../lib/metainfo/index.ts'
import type { PeerProver } from '../../lib/swarm/index.ts'
import {
  acceptPeers,
  type ByteChannel,
  linkTable,
  memoryNetwork,
  type PeerConnection,
  type SwarmHeader,
} from '../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { type BlobFixture, blobFixture } from './metainfo-fixture.ts'
import { peerSelf, type Recorder, recorder } from './peer-pair.ts'

export const uint32 = (...numbers: readonly number[]) => {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, at) => {
    bytes.writeUInt32BE(number, 4 * at)
  })
  return bytes
}

/** A message with a correct length field. */
export const message = (id: number, ...body: readonly Uint8Array[]) => {
  const bytes = Buffer.concat(body)
  return Buffer.concat([uint32(1 + bytes.length), Buffer.from([id]), bytes])
}

/** A message with a wrong length field. */
export const lyingMessage = (length: number, id: number, body: Uint8Array = new Uint8Array(0)) =>
  Buffer.concat([uint32(length), Buffer.from([id]), body])

export interface HandshakeOverrides {
  readonly swarmId?: string
  readonly peerId?: string
  readonly reserved?: string
}

export const handshakeBytes = (swarmId: string, init: HandshakeOverrides = {}) =>
  Buffer.concat([
    Buffer.from('\u0013BitTorrent protocol', 'latin1'),
    Buffer.from(init.reserved ?? '0000000000100004', 'hex'),
    Buffer.from(init.swarmId ?? swarmId, 'hex'),
    Buffer.from(init.peerId ?? peerSelf(66).peerId, 'hex'),
  ])

/** Our extension handshake with some fields of its `shoal` object replaced. */
export const extendedBytes = ({ digest, length, pieceLength }: SwarmHeader, shoal: object = {}) =>
  message(
    20,
    Buffer.from([0]),
    encodeBencode({
      m: {},
      shoal: { v: PROTOCOL_VERSION, digest, length, pieceLength, role: 'agent', block: 262_144, ...shoal },
    }),
  )

/** The whole messages after the first handshake. */
export function messagesIn(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = []
  for (let at = 68; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end <= bytes.length) found.push(bytes.subarray(at + 4, end))
    at = end
  }
  return found
}

/** What a peer asks a proof to be made over: the nonce of its extension handshake, once that has come. */
export function nonceIn(bytes: Buffer): Uint8Array | undefined {
  const hello = messagesIn(bytes).find((one) => one[0] === 20 && one[1] === 0)
  if (hello === undefined) return undefined
  const { shoal } = decodeBencode(hello.subarray(2), { maxBytes: 16_384, maxDepth: 8 }) as {
    shoal?: { nonce?: Uint8Array }
  }
  return shoal?.nonce
}

/** One of our peers (the victim) and a raw connection to it, over which a test may send anything. */
export interface HostileScene extends AsyncDisposable {
  readonly clock: FakeClock
  readonly blob: BlobFixture
  readonly swarmId: SwarmId
  readonly events: Recorder
  /** Connections for other blobs than the first, in the order in which they were opened. */
  readonly lanes: readonly PeerConnection[]
  /** The victim's connection, once the handshakes are done. */
  readonly victim: Promise<PeerConnection>
  send(...parts: readonly Uint8Array[]): void
  /** Sends both handshakes as our own peer would; resolves when the victim is attached. */
  shakeHands(): Promise<PeerConnection>
  /**
   * The state of the connection once the victim has handled all sent bytes: the code with which the victim closed it,
   * `closed` when it closed before the handshakes were done, or `open`.
   */
  outcome(): Promise<string>
  /** The code with which the victim refused the connection before the handshakes were through. */
  readonly refused: string | undefined
  /** What the victim has sent so far. */
  received(): Buffer
  /** Waits until all sent bytes have arrived. */
  settle(): Promise<void>
  /** Stops reading the victim's bytes. */
  stopReading(): void
}

/** Turns of the event loop within which the victim has handled anything that a test sends. */
const MAX_TURNS = 100

/** The name by which stock clients know the swarm of a scene. */
export const FOREIGN_NAME = 'f0'.repeat(20)

export interface HostileInit {
  /** Stock clients are let in. */
  readonly foreignPeers?: boolean
  readonly prover?: PeerProver | undefined
  readonly blob?: BlobFixture
  /** Other blobs that the victim knows; with them it shares its links. */
  readonly shared?: readonly BlobFixture[]
  /** False: the victim's connection gets no listener. */
  readonly attach?: boolean
}

export async function hostileScene(init: HostileInit = {}): Promise<HostileScene> {
  const { foreignPeers = false, blob = blobFixture(3 * pieceLengthFor(0) + 4321), attach = true } = init
  const clock = fakeClock()
  const network = memoryNetwork()
  const swarmId = swarmIdOf(blob.header.digest)
  const events = recorder()
  const lanes: PeerConnection[] = []
  const headers = [blob, ...(init.shared ?? [])].map(({ header }) => header)
  const admit = async (id: SwarmId) => headers.find(({ digest }) => swarmIdOf(digest) === id)
  const table = linkTable(
    { clock, logger: silentLogger(), gauge: { set: () => undefined } },
    {
      ...{ self: peerSelf(1).peerId, maxLinks: () => 9, count: { links: 0 }, admit },
      onPeer: (_, connection) => {
        connection.attach(recorder())
        lanes.push(connection)
      },
      dial: () => Promise.reject(new Error('the victim dials nobody')),
    },
  )
  let refused: string | undefined
  let arrived!: (connection: PeerConnection) => void
  const victim = new Promise<PeerConnection>((resolve) => {
    arrived = resolve
  })
  const acceptor = acceptPeers(
    { clock, logger: silentLogger() },
    {
      self: peerSelf(1, 'origin'),
      ...(foreignPeers && { foreign: async (name) => (name === FOREIGN_NAME ? swarmId : undefined) }),
      prover: init.prover,
      onRefused: (err) => {
        refused = codeOf(err)
      },
      admit,
      owner: init.shared && table.owner,
      onPeer: (_, connection) => {
        if (attach) connection.attach(events)
        arrived(connection)
      },
    },
  )
  const listener = await network.host('10.0.0.1').listen({ host: '10.0.0.1', port: 0 }, acceptor.accept)
  const channel = await network.host('10.6.6.6').dial(listener.address)
  const { isGone, received } = listen(channel)
  let reading = true
  const send = (...parts: readonly Uint8Array[]) => {
    for (const part of parts) channel.write(part)
  }
  return {
    clock,
    blob,
    swarmId,
    events,
    lanes,
    victim,
    send,
    async shakeHands() {
      send(handshakeBytes(swarmId), extendedBytes(blob.header, init.shared && { lanes: 1, haves: 1 }))
      const connection = await victim
      await clock.advance(0)
      return connection
    },
    async outcome() {
      const told = () => events.log.includes('close')
      // A channel that nobody reads does not notice its end.
      const isOver = () => isGone() || (!reading && told())
      for (let turn = 0; turn < MAX_TURNS && !isOver(); turn += 1) await clock.advance(0)
      if (!isOver()) return 'open'
      return (told() ? await events.closed : undefined) ?? 'closed'
    },
    get refused() {
      return refused
    },
    received,
    settle: () => clock.advance(0),
    stopReading() {
      reading = false
      channel.pause()
    },
    async [Symbol.asyncDispose]() {
      channel.destroy()
      await listener.close()
      await acceptor.stop()
      table.stop()
      await clock.advance(0)
      if (clock.pending > 0) throw new Error(`${clock.pending} timers are left`)
    },
  }
}

function listen(channel: ByteChannel) {
  const chunks: Uint8Array[] = []
  let gone = false
  channel.read({
    onBytes: (chunk) => chunks.push(Uint8Array.from(chunk)),
    onClose: () => {
      gone = true
    },
  })
  return { isGone: () => gone, received: () => Buffer.concat(chunks) }
}
