import { type PeerInfo, parseInfoHash } from '../../lib/core/index.ts'
import type { MemoryNetwork } from '../../lib/swarm/index.ts'
import { FOREIGN_NAME, handshakeBytes, message, messagesIn, uint32 } from './hostile-peer.ts'
import { peerSelf } from './peer-pair.ts'
import type { SwarmBlob } from './swarm-blob.ts'

const [UNCHOKE, INTERESTED, BITFIELD, REQUEST, PIECE] = [1, 2, 5, 6, 7]

/** A stock seeder as trackers name it. */
export const stockPeer: PeerInfo = {
  ...{ peerId: peerSelf(77).peerId, host: '10.7.7.7', port: 6881, role: 'agent', complete: true },
  infoHash: parseInfoHash(FOREIGN_NAME),
}

export interface StockSeeder extends AsyncDisposable {
  /** The first handshakes that it got, in order, as bytes. */
  readonly greeted: readonly Buffer[]
}

/**
 * A client of BEP 3 and nothing else, on a host of its own: it has the whole blob, serves who is interested, and gives
 * what `give` makes of each block.
 */
export async function stockSeeder(
  network: MemoryNetwork,
  { bytes, map }: SwarmBlob,
  give: (block: Uint8Array) => Uint8Array = (block) => block,
): Promise<StockSeeder> {
  const greeted: Buffer[] = []
  const { peerId, host, port } = stockPeer
  const bitfield = Buffer.alloc(Math.ceil(map.count / 8))
  for (let piece = 0; piece < map.count; piece += 1)
    bitfield[piece >> 3] = (bitfield[piece >> 3] ?? 0) | (0x80 >> (piece & 7))
  const listener = await network.host(host).listen({ host, port }, (channel) => {
    let [come, done] = [Buffer.alloc(0), 0]
    const answer = (one: Buffer) => {
      if (one[0] === INTERESTED) channel.write(message(UNCHOKE))
      if (one[0] !== REQUEST) return
      const [piece, offset, length] = [one.readUInt32BE(1), one.readUInt32BE(5), one.readUInt32BE(9)]
      const start = map.rangeOf(piece).start + offset
      channel.write(message(PIECE, uint32(piece, offset), give(Buffer.from(bytes.subarray(start, start + length)))))
    }
    channel.read({
      onBytes(chunk) {
        const greets = come.length < 68
        come = Buffer.concat([come, chunk])
        if (come.length < 68) return
        if (greets) {
          greeted.push(come.subarray(0, 68))
          channel.write(handshakeBytes(FOREIGN_NAME, { reserved: '0000000000000000', peerId }))
          channel.write(message(BITFIELD, bitfield))
        }
        const messages = messagesIn(come)
        for (const one of messages.slice(done)) answer(one)
        done = messages.length
      },
      onClose: () => undefined,
    })
  })
  return {
    greeted,
    [Symbol.asyncDispose]: () => listener.close(),
  }
}
