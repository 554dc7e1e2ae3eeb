import type { Socket } from 'node:net'
import type { Random } from '../../../../lib/base/index.ts'
import { type Digest, pieceLengthFor, swarmIdOf } from '../../../../lib/core/index.ts'
import { transcript } from '../../../../lib/swarm/wire/membership.ts'
import { extendedBytes, handshakeBytes, lyingMessage, message, nonceIn, uint32 } from '../../../kit/hostile-peer.ts'
import { peerSelf } from '../../../kit/peer-pair.ts'
import { proverOf } from '../../../kit/secrets.ts'
import type { Attack, Attacker } from '../attacker.ts'
import type { KnownBlob } from '../battlefield.ts'

const AT_ONCE = 60
const PROOF = 1
const US = peerSelf(66).peerId
const FRAMES = 50

const headerOf = ({ digest, size }: KnownBlob) => ({
  ...{ digest: digest as Digest, length: size, pieceLength: pieceLengthFor(size) },
})

/** Any frame, some of which lie about their length or are not allowed now. */
function frame(random: Random): Buffer {
  const number = () => Math.floor(random.next() * 2 ** (1 + Math.floor(random.next() * 32)))
  const dice = random.next()
  if (dice < 0.4) return message(6, uint32(number() % 8, (number() % 4) * 262_144, 262_144))
  if (dice < 0.5) return lyingMessage(number(), Math.floor(random.next() * 256))
  if (dice < 0.6) return message(4, uint32(number()))
  if (dice < 0.7) return message(20, Buffer.from([Math.floor(random.next() * 8)]), random.bytes(number() % 400))
  return message(Math.floor(random.next() * 25), random.bytes(number() % 100))
}

/** Proves membership with the stolen secret, once the other side has said hello. */
function proveOn(socket: Socket, { secrets }: Attack['field'], { swarmId, nonce }: { swarmId: string; nonce: Buffer }) {
  const heard: Buffer[] = []
  const prover = proverOf(secrets.node)
  return new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk)
      const bytes = Buffer.concat(heard)
      const theirs = nonceIn(bytes)
      if (theirs === undefined) return
      socket.removeAllListeners('data').resume()
      const accepter = { nonce: theirs, peerId: bytes.subarray(48, 68).toString('hex') }
      const made = prover.prove(transcript('dialler', swarmId, { dialler: { nonce, peerId: US }, accepter }))
      socket.write(message(20, Buffer.from([PROOF]), made))
      resolve()
    })
  })
}

async function talk(attack: Attack, socket: Socket): Promise<void> {
  const { random, field } = attack
  const blob = attack.pick(field.blobs)
  const swarmId = swarmIdOf(blob.digest as Digest)
  const nonce = Buffer.from(random.bytes(32))
  const dice = random.next()
  if (dice < 0.2) {
    socket.write(random.bytes(200))
    return
  }
  socket.write(handshakeBytes(swarmId, dice < 0.4 ? { swarmId: Buffer.from(random.bytes(20)).toString('hex') } : {}))
  socket.write(extendedBytes(headerOf(blob), dice < 0.5 ? {} : { nonce, lanes: 1 }))
  if (dice > 0.6) await proveOn(socket, field, { swarmId, nonce })
  for (let i = 0; i < FRAMES && !socket.destroyed; i += 1) socket.write(frame(random))
  if (random.next() < 0.3) socket.pause()
}

/** Broken handshakes and random frames at every peer port, with a proof and without, some of it unread. */
export const hostilePeers: Attacker = {
  name: 'hostile peers',
  from: 'elsewhere',
  attack: (attack, options) =>
    attack.keepOn(
      100,
      async () => {
        const doors = attack.field.doors.filter(({ listener }) => listener === 'peer')
        const socket = await attack.dial(attack.pick(doors), AT_ONCE)
        if (socket !== undefined) await talk(attack, socket)
      },
      options,
    ),
}
