import { type AppError, appError } from '../../base/index.ts'
import { type Digest, parseDigest } from '../../core/index.ts'
import { type BencodeDictionary, decodeBencode, encodeBencode, isBencodeDictionary } from '../../metainfo/index.ts'
import { swarmLimits } from '../limits.ts'
import type { SwarmHeader } from './extension-handshake.ts'
import { EXTENDED, encodeExtended } from './messages.ts'

/** Why a lane is refused. `unknown`: no such swarm here; `full`: too many lanes, or peers of the swarm. */
export type LaneRefusal = 'unknown' | 'full'

/** What two ends of a link tell each other about its lanes. */
export type LaneMessage =
  | { readonly kind: 'open'; readonly lane: number; readonly header: SwarmHeader }
  | { readonly kind: 'accept' | 'close'; readonly lane: number }
  | { readonly kind: 'refuse'; readonly lane: number; readonly why: LaneRefusal }

/** Greatest value of four bytes, as the number of a lane has. */
const UINT32 = 0xffff_ffff

export function encodeLaneMessage(message: LaneMessage): Uint8Array {
  const { kind, lane } = message
  const fields = { do: kind, lane }
  const more = kind === 'open' ? { ...message.header } : kind === 'refuse' ? { why: message.why } : {}
  return encodeExtended(EXTENDED.lane, encodeBencode({ ...fields, ...pick(more) }))
}

function pick({ digest, length, pieceLength, why }: Partial<SwarmHeader & { readonly why: LaneRefusal }>) {
  if (why !== undefined) return { why }
  return digest === undefined || length === undefined || pieceLength === undefined
    ? {}
    : { digest, length, pieceLength }
}

/** `payload` is what follows the id; unknown fields are ignored. @throws WIRE_FRAME_INVALID */
export function readLaneMessage(payload: Uint8Array): LaneMessage {
  try {
    const value = decodeBencode(payload, { maxBytes: swarmLimits.maxExtendedLength })
    if (!isBencodeDictionary(value)) throw invalid()
    const lane = numberIn(value, 'lane', UINT32)
    const kind = textIn(value, 'do')
    if (kind === 'open') return { kind, lane, header: headerIn(value) }
    if (kind === 'accept' || kind === 'close') return { kind, lane }
    if (kind === 'refuse') return { kind, lane, why: textIn(value, 'why') === 'full' ? 'full' : 'unknown' }
    throw invalid()
  } catch (err) {
    throw appError('WIRE_FRAME_INVALID', { message: 'a message about a lane is wrong', cause: err })
  }
}

/** What a refused lane is to who asked for it. */
export function refusalOf(why: LaneRefusal): AppError {
  if (why === 'full') return appError('PEER_LIMIT')
  return appError('WIRE_HANDSHAKE_FAILED', { message: 'the swarm is not known to the other side' })
}

const invalid = () => appError('WIRE_FRAME_INVALID')

function headerIn(value: BencodeDictionary): SwarmHeader {
  const digest: Digest = parseDigest(textIn(value, 'digest'))
  const length = numberIn(value, 'length', Number.MAX_SAFE_INTEGER)
  return { digest, length, pieceLength: numberIn(value, 'pieceLength', UINT32) }
}

function numberIn(value: BencodeDictionary, key: string, max: number): number {
  const number = value[key]
  if (typeof number !== 'number' || number < 0 || number > max) throw invalid()
  return number
}

function textIn(value: BencodeDictionary, key: string): string {
  const bytes = value[key]
  if (!ArrayBuffer.isView(bytes)) throw invalid()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
