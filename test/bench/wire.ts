import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Bitset, seededRandom, systemClock } from '../../lib/base/index.ts'
import { digestOf, newPeerId, PieceMap, swarmIdOf } from '../../lib/core/index.ts'
import { swarmLimits } from '../../lib/swarm/index.ts'
import {
  acceptPeers,
  type Block,
  dialPeer,
  type PeerConnection,
  type PeerEvents,
  type PeerTls,
  tcpTransport,
} from '../../lib/swarm/peer/index.ts'
import { type PiecePool, piecePool } from '../../lib/swarm/torrent/index.ts'
import { PieceMemory } from '../../lib/swarm/torrent/shared/piece-memory.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { fetchBlock } from '../kit/fetch-block.ts'
import { interruptible } from './interruptible.ts'
import { publish } from './measure.ts'
import { sizeOptions } from './options.ts'

const MIB = 1024 * 1024
const host = '127.0.0.1'
/** As long as many pieces, and shared, like the stored pieces that agents keep for their next readers. */
const source = Buffer.from(new SharedArrayBuffer(4 * MIB)).fill(0x5a)
/** Blocks that are open at a time. */
const OPEN = 16
const quiet: PeerEvents = {
  onHave: () => undefined,
  onChoke: () => undefined,
  onInterest: () => undefined,
  onSuggest: () => undefined,
  onBusy: () => undefined,
  onRequest: () => undefined,
  onCancel: () => undefined,
  onWant: () => undefined,
  onClose: () => undefined,
}

/** Speed by wall-clock time, and by processor time of both ends, which does not depend on other load. */
export interface Speed {
  readonly perSecond: number
  readonly perCpuSecond: number
}

function stopwatch(bytes: number): () => Speed {
  const startedMs = performance.now()
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return {
      perSecond: bytes / 1e6 / (performance.now() - startedMs),
      perCpuSecond: bytes / 1e3 / (user + system),
    }
  }
}

/** One measurement. */
interface Course {
  readonly totalBytes: number
  readonly blockLength: number
  /** The end of the connection that receives. */
  readonly direction: Direction
}

type Direction = 'dialled' | 'accepted'

/** The other end sends; this end copies the bytes into place, as a peer must. */
async function rawTcp({ totalBytes, blockLength, direction }: Course): Promise<Speed> {
  const send = (socket: Socket) => {
    socket.on('error', () => undefined)
    let left = totalBytes
    const more = () => {
      while (left > 0) {
        const at = left % source.length
        const bytes = source.subarray(at, at + Math.min(left, blockLength, source.length - at))
        left -= bytes.length
        if (!socket.write(bytes)) return void socket.once('drain', more)
      }
    }
    more()
  }
  let done: () => void = () => undefined
  const received = new Promise<void>((resolve) => {
    done = resolve
  })
  const into = Buffer.alloc(4 * 1024 * 1024)
  let count = 0
  const take = (chunk: Uint8Array) => {
    into.set(chunk, count % (into.length - 256 * 1024))
    count += chunk.length
    if (count >= totalBytes) done()
    return true
  }
  const server = createServer({ noDelay: true }, (socket) => {
    if (direction === 'dialled') send(socket)
    else socket.on('data', take)
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const stop = stopwatch(totalBytes)
  const buffer = Buffer.alloc(256 * 1024)
  const onread = { buffer, callback: (length: number, bytes: Uint8Array) => take(bytes.subarray(0, length)) }
  const socket = connect({ host, port, noDelay: true, ...(direction === 'dialled' ? { onread } : {}) })
  if (direction === 'accepted') send(socket)
  await received
  const speed = stop()
  socket.destroy()
  server.close()
  return speed
}

interface Transfer {
  readonly from: PeerConnection
  readonly to: PeerConnection
  readonly map: PieceMap
  readonly blockLength: number
}

/**
 * Keeps requests open until every block of the blob has arrived. Each block is read into the memory of its piece, which
 * goes back to the pool with its last block, as in a download that hashes and stores in no time.
 */
async function transfer({ from, to, map, blockLength }: Transfer): Promise<Speed> {
  const unchoked = new Promise<void>((resolve) => {
    to.attach({ ...quiet, onChoke: (choked) => (choked ? undefined : resolve()) })
  })
  from.attach({
    ...quiet,
    onRequest: (block) => void from.sendBlock(block, source.subarray(block.offset, block.offset + block.length)),
  })
  from.sendBitfield(Bitset.full(map.count))
  from.sendChoke(false)
  await unchoked
  const { pieceBufferBytes } = swarmLimits
  const blocks = placesOf(map, blockLength, piecePool({ maxBytes: pieceBufferBytes, spare: () => false }))
  const stop = stopwatch(map.length)
  const worker = async () => {
    for (let next = blocks.next(); next.done !== true; next = blocks.next()) {
      const { block, piece } = next.value
      const landing = piece.memory.land(block.offset, block.length)
      await fetchBlock(to, block, landing.into)
      landing.end(true)
      piece.left -= 1
      if (piece.left === 0) piece.memory.seal(() => piece.memory.release())
    }
  }
  await Promise.all(Array.from({ length: OPEN }, worker))
  return stop()
}

/** A piece on its way. */
interface Piece {
  readonly memory: PieceMemory
  /** Blocks that have not arrived. */
  left: number
}

function* placesOf(map: PieceMap, blockLength: number, pool: PiecePool): Generator<{ block: Block; piece: Piece }> {
  for (let index = 0; index < map.count; index += 1) {
    const size = map.sizeOf(index)
    const memory = new PieceMemory(pool, size, map.pieceLength)
    const piece = { memory, left: Math.ceil(size / blockLength) }
    for (let offset = 0; offset < size; offset += blockLength) {
      yield { block: { piece: index, offset, length: Math.min(blockLength, size - offset) }, piece }
    }
  }
}

/** The same between two of our peers, over TLS where it is given. */
export async function peers({ totalBytes, blockLength, direction }: Course, peerTls?: PeerTls): Promise<Speed> {
  const clock = systemClock()
  const transport = tcpTransport({ clock, peerTls })
  const map = new PieceMap(totalBytes)
  const digest = digestOf(Buffer.from('bench'))
  const header = { digest, length: totalBytes, pieceLength: map.pieceLength }
  const self = (seed: number) =>
    ({ peerId: newPeerId(seededRandom(seed)), role: 'agent', listenPort: undefined }) as const
  let arrived: (connection: PeerConnection) => void = () => undefined
  const arrival = new Promise<PeerConnection>((resolve) => {
    arrived = resolve
  })
  const logger = silentLogger()
  const acceptor = acceptPeers(
    { clock, logger },
    { self: self(1), admit: async () => header, onPeer: (_, connection) => arrived(connection) },
  )
  const listener = await transport.listen({ host, port: 0 }, acceptor.accept)
  const init = { address: listener.address, header, swarmId: swarmIdOf(digest), self: self(2) }
  const dialled = await dialPeer({ clock, logger, transport }, init)
  const accepted = await arrival
  const [to, from] = direction === 'dialled' ? [dialled, accepted] : [accepted, dialled]
  const speed = await transfer({ from, to, map, blockLength })
  dialled.close()
  accepted.close()
  await listener.close()
  await acceptor.stop()
  return speed
}

function rowOf({ direction, blockLength }: Course, raw: Speed, peer: Speed): readonly (string | number)[] {
  const figures = [
    ...[raw.perSecond, peer.perSecond],
    ...[raw.perCpuSecond, peer.perCpuSecond, peer.perCpuSecond / raw.perCpuSecond],
    peer.perSecond / raw.perSecond,
  ]
  return [direction, blockLength / 1024, ...figures.map((figure) => figure.toFixed(2)), '>= 0.8']
}

/**
 * One peer to another over loopback, in one process, compared with a plain socket that moves the same bytes in the same
 * way. Hashing and disks are not included. Arguments: `--mib 2048`.
 */
export async function wire(args: readonly string[]): Promise<void> {
  const { mib } = sizeOptions(args, { mib: 2048 })
  const totalBytes = Math.ceil(mib * MIB)
  const rows: (readonly (string | number)[])[] = []
  await interruptible(async (signal) => {
    for (const direction of ['dialled', 'accepted'] as const) {
      for (const blockLength of [16, 128, 256].map((kib) => kib * 1024)) {
        signal.throwIfAborted()
        const course = { totalBytes, blockLength, direction }
        rows.push(rowOf(course, await rawTcp(course), await peers(course)))
      }
    }
  })
  await publish({
    name: 'wire',
    conditions: [
      `${mib} MiB from one peer to another over loopback, both in one process, ${OPEN} blocks open; no hashing, no disk`,
      'peers read each block into the memory of its piece, shared memory of the pool that the engine uses, and send from shared memory',
      'raw: a plain TCP socket moves the same bytes in writes of the same length, and copies them into place',
      `our own peers ask for blocks of ${swarmLimits.blockLength / 1024} KiB, and other clients for 16 KiB; GB are 10^9 bytes; CPU of both ends`,
    ],
    columns: [
      'the end that receives',
      'block, KiB',
      'raw GB/s',
      'peers GB/s',
      'raw GB per CPU-s',
      'peers GB per CPU-s',
      'peers / raw per CPU-s',
      'peers / raw',
      'must reach',
    ],
    rows,
  })
}
