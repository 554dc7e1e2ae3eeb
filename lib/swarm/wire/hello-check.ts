import { appError } from '../../base/index.ts'
import { type BencodeValue, decodeBencode, isBencodeDictionary } from '../../metainfo/index.ts'
import { swarmLimits } from '../limits.ts'

const invalid = (message: string, cause?: unknown) => appError('WIRE_FRAME_INVALID', { message, cause })

/**
 * Checks an extension handshake before the library sees it. The library turns every value of `m` into a number by
 * calling `toString` on it, so a peer could crash us with a dictionary there. @throws WIRE_FRAME_INVALID
 */
export function checkHello(payload: Uint8Array): void {
  const value = decodeHello(payload)
  if (!isBencodeDictionary(value)) throw invalid('the extension handshake is not a dictionary')
  const { m: names } = value
  if (names === undefined) return
  if (!isBencodeDictionary(names) || !Object.values(names).every(isMessageId)) {
    throw invalid('the extension handshake names no message ids')
  }
}

function isMessageId(value: BencodeValue): boolean {
  return typeof value === 'number' && value >= 0 && value <= 255
}

function decodeHello(bytes: Uint8Array): BencodeValue {
  try {
    return decodeBencode(bytes, { maxBytes: swarmLimits.maxExtendedLength, maxDepth: 8 })
  } catch (err) {
    throw invalid('the extension handshake is not canonical bencode', err)
  }
}
