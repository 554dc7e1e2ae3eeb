import { isIP } from 'node:net'
import { appError } from '../../base/index.ts'
import { type PeerInfo, parsePeerId } from '../../core/index.ts'
import {
  type BencodeDictionary,
  type BencodeValue,
  decodeBencode,
  encodeBencode,
  isBencodeDictionary,
} from '../../metainfo/index.ts'
import { swarmLimits } from '../limits.ts'
import { EXTENDED, encodeExtended } from './messages.ts'

/** A piece that the sender does not give now, since others have it or are getting it; sent before the rejection. */
export interface Denial {
  readonly piece: number
  /** When asking the same peer again makes sense, in milliseconds from now. */
  readonly retryMs: number
}

export interface BusyMessage {
  readonly peers: readonly PeerInfo[]
  /** Undefined when the sender has no room for the other side at all. */
  readonly denial: Denial | undefined
}

const MAX_RETRY_MS = 60_000

/**
 * The whole message "I am full, these have it", or with `denial` "I do not give that piece"; who does not know it ignores
 * it. Names no more peers than the other side takes.
 */
export function encodeBusy(peers: readonly PeerInfo[], denial?: Denial): Uint8Array {
  const named = peers.slice(0, swarmLimits.maxNamedPeers).map(({ peerId, host, port, role, complete }) => {
    return { complete: complete ? 1 : 0, host, id: Buffer.from(peerId, 'hex'), port, role }
  })
  return encodeExtended(
    EXTENDED.busy,
    encodeBencode({ peers: named, ...(denial && { piece: denial.piece, retry: Math.ceil(denial.retryMs) }) }),
  )
}

/** `payload` is what follows the id. @throws WIRE_FRAME_INVALID */
export function readBusy(payload: Uint8Array): BusyMessage {
  try {
    const value = decodeBencode(payload, { maxBytes: swarmLimits.maxExtendedLength })
    if (!isBencodeDictionary(value)) throw wrong()
    const { peers } = value
    if (!Array.isArray(peers)) throw wrong()
    const named = peers.slice(0, swarmLimits.maxNamedPeers).map((peer: BencodeValue) => readPeer(peer))
    return { peers: named, denial: readDenial(value) }
  } catch (err) {
    throw appError('WIRE_FRAME_INVALID', { message: 'a message that names other peers is wrong', cause: err })
  }
}

function readDenial({ piece, retry }: BencodeDictionary): Denial | undefined {
  if (piece === undefined) return undefined
  if (typeof piece !== 'number' || piece < 0 || typeof retry !== 'number' || retry < 0) throw wrong()
  return { piece, retryMs: Math.min(retry, MAX_RETRY_MS) }
}

function readPeer(value: BencodeValue): PeerInfo {
  if (!isBencodeDictionary(value)) throw wrong()
  const { port, complete } = value
  const host = textOf(value, 'host')
  if (isIP(host) === 0 || typeof port !== 'number' || port < 1 || port > 65_535) throw wrong()
  const peerId = parsePeerId(textOf(value, 'id', 'hex'))
  return { peerId, host, port, role: textOf(value, 'role') === 'origin' ? 'origin' : 'agent', complete: complete === 1 }
}

const wrong = () => appError('WIRE_FRAME_INVALID')

function textOf(value: BencodeDictionary, key: string, encoding: 'latin1' | 'hex' = 'latin1'): string {
  const bytes = value[key]
  if (!ArrayBuffer.isView(bytes)) throw wrong()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding)
}
