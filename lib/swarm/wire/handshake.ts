import { appError, type Clock, deadline, hasCode, onAbort, toAppError } from '../../base/index.ts'
import type { ByteChannel } from './byte-channel.ts'

export const HANDSHAKE_LENGTH = 68
const INTRO = Buffer.from('\u0013BitTorrent protocol', 'latin1')
const RESERVED_AT = 20
const SWARM_ID_AT = 28
const PEER_ID_AT = 48

/** The first message of a connection (BEP 3). */
export interface Handshake {
  /** 40 hex characters each. */
  readonly swarmId: string
  readonly peerId: string
  /** BEP 10, BEP 6. */
  readonly extended: boolean
  readonly fast: boolean
  /** The 68 bytes as they came. */
  readonly bytes: Uint8Array
}

/** A handshake, and the bytes that followed it in the same chunk. */
export interface ReceivedHandshake {
  readonly handshake: Handshake
  readonly rest: Uint8Array
}

const failed = (message: string, cause?: unknown) => appError('WIRE_HANDSHAKE_FAILED', { message, cause })

function parseHandshake(bytes: Buffer): Handshake {
  return {
    swarmId: bytes.toString('hex', SWARM_ID_AT, PEER_ID_AT),
    peerId: bytes.toString('hex', PEER_ID_AT, HANDSHAKE_LENGTH),
    extended: ((bytes[RESERVED_AT + 5] ?? 0) & 0x10) !== 0,
    fast: ((bytes[RESERVED_AT + 7] ?? 0) & 0x04) !== 0,
    bytes,
  }
}

export interface ReadHandshakeInit {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads the handshake of a new connection and leaves the channel paused. Holds at most 68 bytes, and gives up at the
 * first wrong byte.
 * @throws WIRE_HANDSHAKE_FAILED (wrong, late, or the connection closed before), PEER_UNPROVEN (by
 * TLS), ABORTED
 */
export async function readHandshake(
  channel: ByteChannel,
  clock: Clock,
  { timeoutMs, signal }: ReadHandshakeInit,
): Promise<ReceivedHandshake> {
  const limit = deadline(clock, timeoutMs, signal)
  try {
    return await new Promise<ReceivedHandshake>((resolve, reject) => {
      onAbort(limit.signal, () => reject(limit.expired ? failed('the handshake came too late') : appError('ABORTED')))
      const bytes = Buffer.alloc(HANDSHAKE_LENGTH)
      let filled = 0
      channel.read({
        onBytes(chunk) {
          const end = Math.min(chunk.length, HANDSHAKE_LENGTH - filled)
          bytes.set(chunk.subarray(0, end), filled)
          filled += end
          const known = Math.min(filled, INTRO.length)
          if (bytes.compare(INTRO, 0, known, 0, known) !== 0) {
            channel.pause()
            reject(failed('the other side does not speak the protocol'))
          } else if (filled === HANDSHAKE_LENGTH) {
            channel.pause()
            resolve({ handshake: parseHandshake(bytes), rest: Uint8Array.from(chunk.subarray(end)) })
          }
        },
        onClose: (cause) => {
          const isUnproven = hasCode(cause, 'PEER_UNPROVEN')
          reject(isUnproven ? toAppError(cause) : failed('the connection closed before the handshake', cause))
        },
      })
    })
  } finally {
    limit.release()
  }
}
