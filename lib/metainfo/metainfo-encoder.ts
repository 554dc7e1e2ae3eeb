import { appError } from '../base/index.ts'
import type { MetaInfo } from '../core/index.ts'
import { HASH_LENGTH } from '../core/index.ts'
import { FRAME_PREFIX, FRAME_TYPE, HASHES_PER_FRAME, MAX_CODE_LENGTH, MAX_HEADER_JSON } from './metainfo-frame.ts'
import { checkHeader } from './metainfo-header.ts'
import type { MetainfoRecord } from './metainfo-record.ts'
import { peersJson } from './named-peers.ts'

/**
 * Encodes one record. @throws METAINFO_INVALID for a header that a reader would refuse, or a hash of the wrong length
 */
export function encodeRecord(record: MetainfoRecord): Uint8Array {
  switch (record.kind) {
    case 'header':
      return encodeHeader(record)
    case 'piece':
      return encodePieces(record.hash, record.index)
    case 'heartbeat':
      return frame(FRAME_TYPE.heartbeat, 0).bytes
    case 'verified':
      return frame(FRAME_TYPE.verified, 0).bytes
    case 'failed': {
      const { bytes, payload } = frame(FRAME_TYPE.failed, Math.min(record.code.length, MAX_CODE_LENGTH))
      payload.write(record.code, 'latin1')
      return bytes
    }
    case 'peers':
    case 'hint': {
      const json = peersJson(record)
      const { bytes, payload } = frame(FRAME_TYPE[record.kind], json.length)
      payload.set(json)
      return bytes
    }
  }
}

/**
 * Encodes the records of consecutive pieces as a few frames in one chunk; `hashes` is their concatenated SHA-256.
 * @throws METAINFO_INVALID when `hashes` is not a whole number of hashes
 */
export function encodePieces(hashes: Uint8Array, firstIndex = 0): Uint8Array {
  if (hashes.length % HASH_LENGTH !== 0) {
    throw appError('METAINFO_INVALID', { message: `a piece hash has ${HASH_LENGTH} bytes` })
  }
  const parts: Uint8Array[] = []
  const step = HASHES_PER_FRAME * HASH_LENGTH
  for (let at = 0; at < hashes.length; at += step) {
    const run = hashes.subarray(at, at + step)
    const { bytes, payload } = frame(FRAME_TYPE.pieces, 4 + run.length)
    payload.writeUInt32BE(firstIndex + at / HASH_LENGTH, 0)
    payload.set(run, 4)
    parts.push(bytes)
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}

/** Encodes the whole stream of a verified blob, in a few chunks. @throws METAINFO_INVALID */
export function* encodeMetainfo({ header, hashes }: MetaInfo): Generator<Uint8Array> {
  yield encodeRecord({ kind: 'header', header })
  if (header.data === undefined && hashes.length > 0) yield encodePieces(hashes)
  yield encodeRecord({ kind: 'verified' })
}

function encodeHeader(record: Extract<MetainfoRecord, { kind: 'header' }>): Uint8Array {
  const { data, ...facts } = checkHeader(record.header)
  const json = Buffer.from(JSON.stringify({ ...facts, inline: data !== undefined }))
  if (json.length > MAX_HEADER_JSON) throw appError('METAINFO_INVALID', { message: 'the header is too long' })
  const { bytes, payload } = frame(FRAME_TYPE.header, 2 + json.length + (data?.length ?? 0))
  payload.writeUInt16BE(json.length, 0)
  payload.set(json, 2)
  if (data !== undefined) payload.set(data, 2 + json.length)
  return bytes
}

function frame(type: number, length: number): { bytes: Uint8Array; payload: Buffer } {
  const bytes = Buffer.alloc(FRAME_PREFIX + length)
  bytes.writeUInt8(type, 0)
  bytes.writeUInt32BE(length, 1)
  return { bytes, payload: bytes.subarray(FRAME_PREFIX) }
}
