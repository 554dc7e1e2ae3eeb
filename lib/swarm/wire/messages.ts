import { swarmLimits } from '../limits.ts'

/** Message ids of BEP 3, BEP 5 (port), BEP 6 (0x0d to 0x11) and BEP 10. */
export const MESSAGE = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  uninterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  suggest: 0x0d,
  haveAll: 0x0e,
  haveNone: 0x0f,
  reject: 0x10,
  allowedFast: 0x11,
  extended: 20,
} as const

/** Bytes of a message before the payload of a `piece`: length, id, index, offset. */
export const PIECE_HEADER = 13

/** A part of a piece; `offset` and `length` are in bytes within the piece. */
export interface WireBlock {
  readonly piece: number
  readonly offset: number
  readonly length: number
}

/** Smallest and greatest length of a message, including its id. */
export interface LengthRule {
  readonly min: number
  readonly max: number
}

const exactly = (length: number): LengthRule => ({ min: length, max: length })

/** The required length of each message in a torrent of `pieces` pieces; unknown messages have a maximum. */
export function lengthRules(pieces: number): (id: number) => LengthRule {
  const unknown = { min: 1, max: swarmLimits.maxExtendedLength }
  const rules: Readonly<Record<number, LengthRule>> = {
    [MESSAGE.choke]: exactly(1),
    [MESSAGE.unchoke]: exactly(1),
    [MESSAGE.interested]: exactly(1),
    [MESSAGE.uninterested]: exactly(1),
    [MESSAGE.have]: exactly(5),
    [MESSAGE.bitfield]: exactly(1 + Math.ceil(pieces / 8)),
    [MESSAGE.request]: exactly(13),
    [MESSAGE.piece]: { min: 10, max: 9 + swarmLimits.maxBlockLength },
    [MESSAGE.cancel]: exactly(13),
    [MESSAGE.port]: exactly(3),
    [MESSAGE.suggest]: exactly(5),
    [MESSAGE.haveAll]: exactly(1),
    [MESSAGE.haveNone]: exactly(1),
    [MESSAGE.reject]: exactly(13),
    [MESSAGE.allowedFast]: exactly(5),
    [MESSAGE.extended]: { min: 2, max: 2 + swarmLimits.maxExtendedLength },
  }
  return (id) => rules[id] ?? unknown
}

/** The ids of our BEP 10 messages; both sides use the same, so that `m` need not name them. */
export const EXTENDED = { hello: 0, proof: 1, busy: 2, haves: 3, lane: 4, select: 5, want: 6, pullClass: 7 } as const

/** A whole message: its length, its id and what follows. */
export function encodeMessage(id: number, body: Uint8Array = EMPTY): Uint8Array {
  const bytes = Buffer.allocUnsafe(5 + body.length)
  bytes.writeUInt32BE(1 + body.length, 0)
  bytes.writeUInt8(id, 4)
  bytes.set(body, 5)
  return bytes
}

const EMPTY = new Uint8Array(0)

/** A whole message about one piece: `have` or `suggest`. */
export function encodePieceMessage(id: number, piece: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(9)
  bytes.writeUInt32BE(5, 0)
  bytes.writeUInt8(id, 4)
  bytes.writeUInt32BE(piece, 5)
  return bytes
}

/** A whole `request`, `cancel` or `reject`. */
export function encodeBlockMessage(id: number, block: WireBlock): Uint8Array {
  const bytes = Buffer.allocUnsafe(17)
  bytes.writeUInt32BE(13, 0)
  bytes.writeUInt8(id, 4)
  bytes.writeUInt32BE(block.piece, 5)
  bytes.writeUInt32BE(block.offset, 9)
  bytes.writeUInt32BE(block.length, 13)
  return bytes
}

/** A whole extended message (BEP 10). */
export function encodeExtended(id: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(6)
  head.writeUInt32BE(2 + payload.length, 0)
  head.writeUInt8(MESSAGE.extended, 4)
  head.writeUInt8(id, 5)
  return Buffer.concat([head, payload])
}

/** What stands before the payload of a `piece`. */
export function encodePieceHeader(block: WireBlock): Uint8Array {
  const bytes = Buffer.allocUnsafe(PIECE_HEADER)
  bytes.writeUInt32BE(9 + block.length, 0)
  bytes.writeUInt8(MESSAGE.piece, 4)
  bytes.writeUInt32BE(block.piece, 5)
  bytes.writeUInt32BE(block.offset, 9)
  return bytes
}

/** Reads an unsigned big-endian number; the caller has checked the length. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x1000000 + (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
  )
}
