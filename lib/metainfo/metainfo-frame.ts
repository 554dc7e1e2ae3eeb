import { INLINE_LIMIT } from '../core/index.ts'

/*
 * A metainfo stream is a sequence of frames:
 *
 *   type (1 byte) | payload length (4 bytes, big endian) | payload
 *
 *   header     JSON length (2 bytes) | JSON {v, digest, length, pieceLength, inline} | the content, if inline is true
 *   pieces     index of the first piece (4 bytes) | 32 bytes of SHA-256 for it and for each of its successors
 *   heartbeat  empty
 *   verified   empty
 *   failed     error code in ASCII
 *   peers      JSON {intervalMs, peers}; only for who introduced itself, and then before or after the header
 *   hint       JSON {peers}; before or after the header, as often as there is one
 *
 * A type from 0x80 up that the reader does not know is skipped, so that later versions can add records that earlier
 * readers may do without. Any other unknown type is an error.
 */
export const FRAME_TYPE = {
  ...{ header: 1, pieces: 2, heartbeat: 3, verified: 4, failed: 5 },
  ...{ peers: 0x80, hint: 0x81 },
} as const
export const OPTIONAL_TYPES_FROM = 0x80

/** Bytes before the payload. */
export const FRAME_PREFIX = 5
/** Largest JSON of a header, in bytes. */
export const MAX_HEADER_JSON = 2048
/** Largest JSON of named peers, in bytes: twice what the fifty of one answer take. */
export const MAX_PEERS_JSON = 16 * 1024
/** Hints of one stream. A tracker keeps fewer for each blob. */
export const MAX_HINTS = 64
/** Largest payload: a header with inline content. */
export const MAX_PAYLOAD = INLINE_LIMIT + MAX_HEADER_JSON + 2
/** Hashes that an encoder puts into one frame; a decoder accepts as many as fit. */
export const HASHES_PER_FRAME = 1024
/** Longest code of a `failed` record, in bytes. */
export const MAX_CODE_LENGTH = 64
