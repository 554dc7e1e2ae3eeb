import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import Protocol from 'bittorrent-protocol'
import { Bitset, fakeClock } from '../../lib/base/index.ts'
import { parseInfoHash, swarmIdOf } from '../../lib/core/index.ts'
import { acceptPeers, tcpTransport } from '../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { blobFixture } from '../kit/metainfo-fixture.ts'
import { peerSelf, recorder } from '../kit/peer-pair.ts'

const blob = blobFixture(1024 * 1024 + 20_000)
const swarmId = swarmIdOf(blob.header.digest)
const infoHash = parseInfoHash('12'.repeat(20))
const BLOCK = 16 * 1024

interface StockWire extends NodeJS.ReadWriteStream {
  handshake(infoHash: string, peerId: string, extensions: { fast: boolean }): void
  interested(): void
  request(piece: number, offset: number, length: number, done: (err: Error | null, bytes: Uint8Array) => void): void
  destroy(): void
}

describe('an unmodified bittorrent-protocol wire', () => {
  test.each([true, false])('fetches a whole blob from us in blocks of 16 KiB (fast extension: %s)', async (fast) => {
    const clock = fakeClock()
    const acceptor = acceptPeers(
      { clock, logger: silentLogger() },
      {
        self: peerSelf(1, 'origin'),
        foreign: async (name) => (name === infoHash ? swarmId : undefined),
        admit: async (id) => (id === swarmId ? blob.header : undefined),
        onPeer: (_, connection) => {
          connection.attach({
            ...recorder((block) => {
              const start = blob.map.rangeOf(block.piece).start + block.offset
              void connection.sendBlock(block, blob.bytes.subarray(start, start + block.length))
            }),
            onInterest: () => connection.sendChoke(false),
          })
          connection.sendBitfield(Bitset.full(blob.map.count))
        },
      },
    )
    const listener = await tcpTransport({ clock }).listen({ host: '127.0.0.1', port: 0 }, acceptor.accept)
    const socket = connect(listener.address)
    const wire = new Protocol() as unknown as StockWire
    socket.pipe(wire).pipe(socket)
    wire.on('error', () => undefined)
    const told = once(wire, fast ? 'have-all' : 'bitfield')
    wire.handshake(infoHash, peerSelf(9).peerId, { fast })
    await told
    const unchoked = once(wire, 'unchoke')
    wire.interested()
    await unchoked
    const whole = Buffer.alloc(blob.header.length)
    for (let piece = 0; piece < blob.map.count; piece += 1) {
      for (let offset = 0; offset < blob.map.sizeOf(piece); offset += BLOCK) {
        const length = Math.min(BLOCK, blob.map.sizeOf(piece) - offset)
        const bytes = await new Promise<Uint8Array>((resolve, reject) => {
          wire.request(piece, offset, length, (err, answer) => (err === null ? resolve(answer) : reject(err)))
        })
        whole.set(bytes, blob.map.rangeOf(piece).start + offset)
      }
    }
    expect(whole.equals(blob.bytes)).toBe(true)
    socket.destroy()
    await listener.close()
    await acceptor.stop()
  })
})
