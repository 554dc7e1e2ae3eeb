import { appError, type ErrorCode, errorTable } from '../base/index.ts'
import { HASH_LENGTH, PieceMap } from '../core/index.ts'
import {
  FRAME_PREFIX,
  FRAME_TYPE,
  MAX_CODE_LENGTH,
  MAX_HEADER_JSON,
  MAX_HINTS,
  MAX_PAYLOAD,
  MAX_PEERS_JSON,
  OPTIONAL_TYPES_FROM,
} from './metainfo-frame.ts'
import { checkHeader } from './metainfo-header.ts'
import type { MetainfoRecord } from './metainfo-record.ts'
import { checkNamedPeers, checkPeers } from './named-peers.ts'

/** Decodes one metainfo stream as its chunks arrive. Holds at most one frame in memory. */
export interface MetainfoDecoder {
  /** The records that `chunk` completes; they own their bytes. @throws METAINFO_INVALID, also at every later call */
  push(chunk: Uint8Array): readonly MetainfoRecord[]
  /** Call it when the stream has ended. @throws METAINFO_INCOMPLETE when the last record is missing */
  end(): void
  /** True after a `verified` or `failed` record. */
  readonly finished: boolean
}

const invalid = (message: string) => appError('METAINFO_INVALID', { message })

export function metainfoDecoder(): MetainfoDecoder {
  return new Decoder()
}

/**
 * The records of one stream. Reads `source` to its end, so that its connection can be reused.
 * @throws METAINFO_INVALID, METAINFO_INCOMPLETE, and what `source` throws
 */
export async function* decodeMetainfo(source: AsyncIterable<Uint8Array>): AsyncGenerator<MetainfoRecord> {
  const decoder = metainfoDecoder()
  for await (const chunk of source) yield* decoder.push(chunk)
  decoder.end()
}

class Decoder implements MetainfoDecoder {
  readonly #prefix = Buffer.alloc(FRAME_PREFIX)
  #payload: Buffer | undefined
  /** Number of bytes of the current part (prefix or payload) that have arrived. */
  #filled = 0
  #map: PieceMap | undefined
  #inline = false
  #named = false
  #hints = 0
  #broken = false
  finished = false

  push(chunk: Uint8Array): readonly MetainfoRecord[] {
    if (this.#broken) throw invalid('the stream was found malformed before')
    const records: MetainfoRecord[] = []
    try {
      for (let at = 0; at < chunk.length; ) at = this.#take(chunk, at, records)
    } catch (err) {
      this.#broken = true
      throw err
    }
    return records
  }

  end(): void {
    if (!this.finished) throw appError('METAINFO_INCOMPLETE')
  }

  /** Fills the prefix, then the payload; returns the position up to which it has read. */
  #take(chunk: Uint8Array, at: number, records: MetainfoRecord[]): number {
    if (this.finished) throw invalid('bytes follow the last record')
    const part = this.#payload ?? this.#prefix
    const end = Math.min(chunk.length, at + part.length - this.#filled)
    part.set(chunk.subarray(at, end), this.#filled)
    this.#filled += end - at
    if (this.#filled < part.length) return end
    this.#filled = 0
    if (this.#payload === undefined) {
      const length = this.#prefix.readUInt32BE(1)
      if (length > MAX_PAYLOAD) throw invalid('a frame is too long')
      if (length > 0) {
        this.#payload = Buffer.allocUnsafeSlow(length)
        return end
      }
    }
    const payload = this.#payload ?? Buffer.alloc(0)
    this.#payload = undefined
    this.#record(this.#prefix.readUInt8(0), payload, records)
    return end
  }

  #record(type: number, payload: Buffer, records: MetainfoRecord[]): void {
    if (type === FRAME_TYPE.header) {
      records.push(this.#header(payload))
      return
    }
    if (type === FRAME_TYPE.peers) {
      records.push(this.#peers(payload))
      return
    }
    if (type === FRAME_TYPE.hint) {
      records.push(this.#hint(payload))
      return
    }
    const map = this.#map
    if (map === undefined) throw invalid('the stream does not begin with a header')
    switch (type) {
      case FRAME_TYPE.pieces:
        this.#pieces(payload, map, records)
        return
      case FRAME_TYPE.heartbeat:
      case FRAME_TYPE.verified:
        if (payload.length > 0) throw invalid('the record must be empty')
        this.finished = type === FRAME_TYPE.verified
        records.push({ kind: this.finished ? 'verified' : 'heartbeat' })
        return
      case FRAME_TYPE.failed:
        this.finished = true
        records.push({ kind: 'failed', code: parseCode(payload) })
        return
      default:
        if (type < OPTIONAL_TYPES_FROM) throw invalid('the record has an unknown type')
    }
  }

  #header(payload: Buffer): MetainfoRecord {
    if (this.#map !== undefined) throw invalid('the stream has a second header')
    const jsonLength = payload.length < 2 ? 0 : payload.readUInt16BE(0)
    if (jsonLength > MAX_HEADER_JSON || 2 + jsonLength > payload.length) throw invalid('the header is malformed')
    const facts = parseJson(payload.subarray(2, 2 + jsonLength))
    const { v, digest, length, pieceLength, inline: inlineFlag } = facts
    const inline = inlineFlag === true
    const content = payload.subarray(2 + jsonLength)
    if (!inline && content.length > 0) throw invalid('bytes follow the header')
    const header = checkHeader({ v, digest, length, pieceLength, data: inline ? content : undefined })
    this.#map = new PieceMap(header.length, header.pieceLength)
    this.#inline = inline
    return { kind: 'header', header }
  }

  /** Comes at any place, so that it can come before the header is known. */
  #peers(payload: Buffer): MetainfoRecord {
    if (this.#named || payload.length > MAX_PEERS_JSON) throw invalid('the stream names peers twice or too many')
    this.#named = true
    return { kind: 'peers', ...checkNamedPeers(parseJson(payload)) }
  }

  #hint(payload: Buffer): MetainfoRecord {
    this.#hints += 1
    if (this.#hints > MAX_HINTS || payload.length > MAX_PEERS_JSON) throw invalid('the stream gives too many hints')
    return { kind: 'hint', peers: checkPeers(parseJson(payload)['peers']) }
  }

  #pieces(payload: Buffer, map: PieceMap, records: MetainfoRecord[]): void {
    const bytes = payload.length - 4
    if (bytes <= 0 || bytes % HASH_LENGTH !== 0) throw invalid('a piece record has the wrong length')
    const first = payload.readUInt32BE(0)
    const count = bytes / HASH_LENGTH
    if (this.#inline || first + count > map.count) throw invalid('a piece record lies outside the blob')
    for (let i = 0; i < count; i += 1) {
      const at = 4 + i * HASH_LENGTH
      records.push({ kind: 'piece', index: first + i, hash: payload.subarray(at, at + HASH_LENGTH) })
    }
  }
}

function parseJson(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (err) {
    throw appError('METAINFO_INVALID', { message: 'a record is not JSON', cause: err })
  }
  throw invalid('a record is not an object')
}

/** An unknown code, from a later version, still means failure. */
function parseCode(payload: Buffer): ErrorCode {
  const code = payload.toString('latin1', 0, MAX_CODE_LENGTH)
  return Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'METAINFO_FAILED'
}
