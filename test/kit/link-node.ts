import { appError, type FakeClock, type Random } from '../../lib/base/index.ts'
import { type SwarmId, swarmIdOf } from '../../lib/core/index.ts'
import {
  acceptPeers,
  type ByteChannel,
  dialPeer,
  type LinkTable,
  type LinkTarget,
  linkTable,
  type PeerConnection,
  type PeerTransport,
} from '../../lib/swarm/peer/index.ts'
import type { ByteReader } from '../../lib/swarm/wire/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import type { BlobFixture } from './metainfo-fixture.ts'
import { peerSelf } from './peer-pair.ts'

/** A node with links, and nothing behind them: a test attaches to the connections. */
export interface LinkNode extends AsyncDisposable {
  readonly table: LinkTable
  readonly peer: LinkTarget['peer']
  /** Sockets that came in, and links in use. */
  readonly accepted: number
  readonly count: { readonly links: number }
  /** All links. */
  readonly links: number
  /** A connection to the other node for the blob. */
  connect(to: LinkNode, blob: BlobFixture, signal?: AbortSignal): Promise<PeerConnection>
}

export interface LinkNodeInit {
  readonly clock: FakeClock
  readonly transport: PeerTransport
  readonly host: string
  /** Different for each node. */
  readonly seed: number
  /** Those that the node knows. */
  readonly blobs: readonly BlobFixture[]
  readonly maxLinks?: number
  /** Default true. */
  readonly shares?: boolean
  readonly onPeer: (swarmId: SwarmId, connection: PeerConnection) => void
}

export async function linkNode(init: LinkNodeInit): Promise<LinkNode> {
  const { clock, transport, host, seed, blobs, maxLinks = 9, shares = true, onPeer } = init
  const components = { clock, logger: silentLogger(), transport }
  const count = { links: 0 }
  let links = 0
  let accepted = 0
  const self = { ...peerSelf(seed) }
  const admit = async (id: SwarmId) => blobs.find(({ header }) => swarmIdOf(header.digest) === id)?.header
  const table = linkTable(
    {
      ...components,
      gauge: {
        set: (value) => {
          links = value
        },
      },
    },
    {
      ...{ self: self.peerId, maxLinks: () => maxLinks, count, admit, onPeer },
      dial: ({ peer, ...target }, options) => {
        return dialPeer(
          components,
          { ...target, self, address: peer, owner: shares ? table.owner : undefined },
          options,
        )
      },
    },
  )
  const owner = shares ? table.owner : undefined
  const acceptor = acceptPeers(components, { self, admit, onPeer, owner })
  const listener = await transport.listen({ host, port: 0 }, (channel) => {
    accepted += 1
    acceptor.accept(channel)
  })
  self.listenPort = listener.address.port
  const node: LinkNode = {
    table,
    peer: { ...listener.address, peerId: self.peerId, role: 'agent' },
    count,
    get accepted() {
      return accepted
    },
    get links() {
      return links
    },
    connect: (to, { header }, signal) =>
      table.connect({ peer: to.peer, swarmId: swarmIdOf(header.digest), header }, { signal }),
    async [Symbol.asyncDispose]() {
      await listener.close()
      await acceptor.stop()
      table.stop()
      await clock.advance(0)
      if (links > 0) throw appError('UNKNOWN', { message: `${links} links are left` })
    },
  }
  return node
}

/** The transport with its bytes cut at random places, so that no message arrives as it was written. */
export function choppy(transport: PeerTransport, random: Random): PeerTransport {
  const cut = (channel: ByteChannel): ByteChannel => ({
    ...asBefore(channel),
    get pendingBytes() {
      return channel.pendingBytes
    },
    read: (reader) =>
      channel.read({
        onClose: (cause) => reader.onClose(cause),
        onBytes: (chunk) => {
          for (let at = 0; at < chunk.length; ) {
            const end = at + 1 + Math.floor(random.next() ** 3 * Math.min(40_000, chunk.length))
            reader.onBytes(chunk.subarray(at, end))
            at = end
          }
        },
      }),
  })
  return over(transport, cut)
}

/** The transport whose channels say that bytes have left only when `release` is called. */
export function holdingFlushes(transport: PeerTransport): PeerTransport & { release(): void } {
  let held: (() => void)[] = []
  const hold = (channel: ByteChannel): ByteChannel => ({
    ...asBefore(channel),
    get pendingBytes() {
      return channel.pendingBytes
    },
    write: (bytes, onFlushed) => channel.write(bytes, onFlushed && (() => void held.push(onFlushed))),
  })
  return {
    ...over(transport, hold),
    release() {
      const due = held
      held = []
      for (const flush of due) flush()
    },
  }
}

function asBefore(channel: ByteChannel) {
  return {
    remote: channel.remote,
    read: (reader: ByteReader) => channel.read(reader),
    pause: () => channel.pause(),
    resume: () => channel.resume(),
    write: (bytes: Uint8Array, onFlushed?: () => void) => channel.write(bytes, onFlushed),
    destroy: () => channel.destroy(),
  }
}

function over(transport: PeerTransport, wrap: (channel: ByteChannel) => ByteChannel): PeerTransport {
  return {
    listen: (address, onChannel) => transport.listen(address, (channel) => onChannel(wrap(channel))),
    dial: async (address, options) => wrap(await transport.dial(address, options)),
  }
}
