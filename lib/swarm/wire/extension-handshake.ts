import { appError } from '../../base/index.ts'
import { type Digest, type PeerRole, PROTOCOL_VERSION } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'

/** What both sides of a connection must agree on before they exchange pieces. */
export interface SwarmHeader {
  readonly digest: Digest
  /** Bytes. */
  readonly length: number
  readonly pieceLength: number
}

export function isSameHeader(a: SwarmHeader, b: SwarmHeader): boolean {
  return a.digest === b.digest && a.length === b.length && a.pieceLength === b.pieceLength
}

export interface ExtensionHello {
  /** A stock BitTorrent client: it knows nothing of ours, and gets nothing but the blob. */
  readonly foreign: boolean
  readonly role: PeerRole
  /** The port on which the other side listens; undefined when it gave none. */
  readonly listenPort: number | undefined
  /** Where the other side is; undefined when it does not say. */
  readonly zone?: string | undefined
  /** The smaller of the two offers, in bytes. */
  readonly blockLength: number
}

/** What the other side's extension handshake said. */
export interface ExtensionOffer extends ExtensionHello {
  /** It shares a link among swarms. */
  readonly lanes: boolean
  /** It takes many new pieces in one message. */
  readonly haves: boolean
  /** It wants to know what it should bring first. */
  readonly wants: boolean
  /** It serves by class. */
  readonly classes: boolean
}

export interface ExtensionInit {
  readonly header: SwarmHeader
  /** The other side is a stock client: then nothing of our extension is told. */
  readonly foreign: boolean
  readonly role: PeerRole
  readonly listenPort: number | undefined
  readonly zone?: string | undefined
  /** Where members prove themselves. */
  readonly nonce?: Uint8Array | undefined
  /** We share links among swarms. */
  readonly lanes: boolean
}

/** The assumed hello of a stock client. */
export const FOREIGN_HELLO: ExtensionOffer = {
  foreign: true,
  role: 'agent',
  listenPort: undefined,
  blockLength: swarmLimits.foreignBlockLength,
  lanes: false,
  haves: false,
  wants: false,
  classes: false,
}

/** 255 characters, as the trackers take, of up to four bytes. */
const MAX_ZONE_BYTES = 1020

const failed = (message: string) => appError('WIRE_HANDSHAKE_FAILED', { message })

/** The fields of our extension handshake (BEP 10). Readers ignore what they do not know; versions only add. */
export function extensionHandshake(init: ExtensionInit): Readonly<Record<string, unknown>> {
  const { header, role, listenPort, zone, nonce, lanes, foreign } = init
  const common = {
    reqq: foreign ? swarmLimits.maxForeignRequests : swarmLimits.maxOpenRequests,
    v: 'shoal',
    ...(listenPort === undefined ? {} : { p: listenPort }),
  }
  if (foreign) return common
  const { digest, length, pieceLength } = header
  const shoal = { v: PROTOCOL_VERSION, digest, length, pieceLength, role, block: swarmLimits.blockLength }
  return {
    shoal: {
      ...shoal,
      haves: 1,
      classes: 1,
      ...(nonce === undefined ? {} : { nonce }),
      ...(lanes ? { lanes: 1 } : {}),
      ...(role === 'origin' ? { wants: 1 } : {}),
      ...(zone === undefined ? {} : { zone }),
    },
    ...common,
  }
}

/**
 * Compares the other side's extension handshake, as decoded by the library, with our header.
 * A stock client's counts for nothing but its port, whatever else it says.
 * @throws WIRE_HANDSHAKE_FAILED for another blob, or when our extension is missing and the other side is no stock client
 */
export function readExtension(
  handshake: Readonly<Record<string, unknown>>,
  header: SwarmHeader,
  foreign: boolean,
): ExtensionOffer {
  const { shoal, p } = handshake
  const listenPort = isPort(p) ? p : undefined
  if (foreign) return { ...FOREIGN_HELLO, listenPort }
  if (!isRecord(shoal)) throw failed('the other side does not speak our extension')
  const { v, digest, length, pieceLength, role, block, lanes, haves, wants, classes, zone } = shoal
  if (v !== PROTOCOL_VERSION) throw failed('the other side speaks another version')
  if (text(digest) !== header.digest) throw failed('the other side means another blob')
  if (length !== header.length || pieceLength !== header.pieceLength) {
    throw failed('the other side has another length for the blob')
  }
  if (typeof block !== 'number' || block < swarmLimits.foreignBlockLength) throw failed('the block length is wrong')
  return {
    foreign: false,
    role: text(role) === 'origin' ? 'origin' : 'agent',
    listenPort,
    zone: zoneIn(zone),
    blockLength: Math.min(swarmLimits.blockLength, block),
    lanes: lanes === 1,
    haves: haves === 1,
    wants: wants === 1,
    classes: classes === 1,
  }
}

/** The nonce of the other side; undefined when it has none. */
export function nonceIn({ shoal }: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const nonce = isRecord(shoal) ? shoal['nonce'] : undefined
  return ArrayBuffer.isView(nonce) ? Uint8Array.from(viewed(nonce)) : undefined
}

function zoneIn(value: unknown): string | undefined {
  return ArrayBuffer.isView(value) && value.byteLength <= MAX_ZONE_BYTES ? viewed(value).toString() : undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= 65_535
}

function text(value: unknown): string | undefined {
  return ArrayBuffer.isView(value) ? viewed(value).toString('latin1') : undefined
}

function viewed({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
