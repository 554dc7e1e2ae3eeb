import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Bitset, seededRandom, systemClock } from '../../lib/base/index.ts'
import { digestOf, newPeerId, PieceMap, swarmIdOf } from '../../lib/core/index.ts'
import {
  acceptPeers,
  type Block,
  dialPeer,
  type PeerConnection,
  type PeerEvents,
  tcpTransport,
} from '../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { fetchBlock } from '../kit/fetch-block.ts'

/*
 * One peer to another over loopback, in one process, compared with a plain socket that moves the same bytes in the same
 * way. Hashing and disks are not included. Run: npx tsx test/bench/wire.ts [MiB]
 */
const totalBytes = Number(process.argv[2] ?? 2048) * 1024 * 1024
const host = '127.0.0.1'
const source = Buffer.alloc(4 * 1024 * 1024, 0x5a)
const quiet: PeerEvents = {
  onHave: () => undefined,
  onChoke: () => undefined,
  onInterest: () => undefined,
  onSuggest: () => undefined,
  onBusy: () => undefined,
  onRequest: () => undefined,
  onCancel: () => undefined,
  onClose: () => undefined,
}

/** Speed by wall-clock time, and by processor time of both ends, which does not depend on other load. */
interface Speed {
  readonly perSecond: number
  readonly perCpuSecond: number
}

function stopwatch(): () => Speed {
  const startedMs = performance.now()
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return {
      perSecond: totalBytes / 1e6 / (performance.now() - startedMs),
      perCpuSecond: totalBytes / 1e3 / (user + system),
    }
  }
}

type Direction = 'dialled' | 'accepted'

/** The other end sends; this end copies the bytes into place, as a peer must. */
async function rawTcp(blockLength: number, direction: Direction): Promise<Speed> {
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
  const stop = stopwatch()
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

/** Keeps 16 requests open until every block of the blob has arrived. */
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
  const blocks = blocksOf(map, blockLength)
  const stop = stopwatch()
  const worker = async () => {
    const into = Buffer.alloc(blockLength)
    for (let next = blocks.next(); next.done !== true; next = blocks.next()) {
      await fetchBlock(to, next.value, into.subarray(0, next.value.length))
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  return stop()
}

function* blocksOf(map: PieceMap, blockLength: number): Generator<Block> {
  for (let piece = 0; piece < map.count; piece += 1) {
    const size = map.sizeOf(piece)
    for (let offset = 0; offset < size; offset += blockLength) {
      yield { piece, offset, length: Math.min(blockLength, size - offset) }
    }
  }
}

async function peers(blockLength: number, direction: Direction): Promise<Speed> {
  const clock = systemClock()
  const transport = tcpTransport({ clock })
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

const print = (line: string) => process.stdout.write(`${line}\n`)
print(`${totalBytes / 1024 / 1024} MiB over loopback, one process, Node ${process.version}; GB/s`)
for (const direction of ['dialled', 'accepted'] as const) {
  for (const blockLength of [16, 128, 256].map((kib) => kib * 1024)) {
    const raw = await rawTcp(blockLength, direction)
    const peer = await peers(blockLength, direction)
    const compare = (key: keyof Speed) =>
      `raw ${raw[key].toFixed(2)}, peers ${peer[key].toFixed(2)} (${(peer[key] / raw[key]).toFixed(2)})`
    print(
      `to the ${direction} end, ${blockLength / 1024} KiB: ${compare('perSecond')}; per CPU second: ${compare('perCpuSecond')}`,
    )
  }
}
