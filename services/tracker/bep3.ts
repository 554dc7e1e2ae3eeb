import { isIPv6 } from 'node:net'
import { announceLimits } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { type PeerAddress, type PeerId, parsePeerId, parseSwarmId, type SwarmId } from '../../lib/core/index.ts'
import { type BencodeInput, encodeBencode } from '../../lib/metainfo/index.ts'

/** An announce with the fields of BEP 3. */
export interface Bep3Announce {
  readonly swarmId: SwarmId
  readonly peerId: PeerId
  readonly port: number
  readonly event: 'started' | 'interval' | 'completed' | 'stopped'
  readonly leftBytes: number
  readonly wantPeers: number
  /** Undefined when the client sends no key. */
  readonly key: string | undefined
}

export interface Bep3Answer {
  readonly intervalMs: number
  readonly complete: number
  readonly incomplete: number
  readonly peers: readonly PeerAddress[]
}

const ID_LENGTH = 20
const MAX_KEY_LENGTH = 64
const MAX_PARAMETERS = 32

const invalid = (message: string) => appError('REQUEST_INVALID', { message })

/**
 * Parses the query of `GET /announce`, without its question mark. The ids are binary, so the text is decoded to bytes
 * here: a parser that decodes to UTF-8 destroys them. `ip` is ignored; the peer's address is that of the socket.
 * @throws REQUEST_INVALID, which names the wrong parameter
 */
export function parseBep3Query(rawQuery: string): Bep3Announce {
  const fields = parseFields(rawQuery)
  return {
    swarmId: parseSwarmId(idOf(fields, 'info_hash')),
    peerId: parsePeerId(idOf(fields, 'peer_id')),
    port: numberOf(fields, 'port', { min: 1, max: 65_535 }),
    leftBytes: numberOf(fields, 'left', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    event: eventOf(textOf(fields, 'event')),
    wantPeers: wantOf(textOf(fields, 'numwant')),
    key: keyOf(textOf(fields, 'key')),
  }
}

/** The answer to an announce; peers are always compact (BEP 23, and BEP 7 for IPv6), whatever the client asked for. */
export function encodeBep3Answer({ intervalMs, complete, incomplete, peers }: Bep3Answer): Uint8Array {
  const [four, six] = [peers.filter(({ host }) => !isIPv6(host)), peers.filter(({ host }) => isIPv6(host))]
  const answer: Record<string, BencodeInput> = {
    interval: Math.max(1, Math.round(intervalMs / 1000)),
    complete,
    incomplete,
    peers: Buffer.concat(four.map(compactPeer)),
  }
  return encodeBencode(six.length === 0 ? answer : { ...answer, peers6: Buffer.concat(six.map(compactPeer)) })
}

/** A failure: BEP 3 uses it in place of an HTTP error. */
export function encodeBep3Failure(reason: string): Uint8Array {
  return encodeBencode({ 'failure reason': reason })
}

/** Maps names to bytes; when a name occurs twice, the first value counts. */
function parseFields(rawQuery: string): ReadonlyMap<string, Buffer> {
  const parts = rawQuery.split('&')
  if (parts.length > MAX_PARAMETERS) throw invalid('there are too many parameters')
  const fields = new Map<string, Buffer>()
  for (const part of parts) {
    const equals = part.indexOf('=')
    const name = equals < 0 ? part : part.slice(0, equals)
    if (!fields.has(name)) fields.set(name, percentDecode(equals < 0 ? '' : part.slice(equals + 1)))
  }
  return fields
}

function percentDecode(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    let byte = bytes[at] ?? 0
    if (byte === 0x25) {
      const hex = text.slice(at + 1, at + 3)
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) throw invalid('the query is not correctly percent-encoded')
      byte = Number.parseInt(hex, 16)
      at += 2
    }
    bytes[length] = byte
    length += 1
  }
  return bytes.subarray(0, length)
}

function idOf(fields: ReadonlyMap<string, Buffer>, name: string): string {
  const bytes = fields.get(name)
  if (bytes?.length !== ID_LENGTH) throw invalid(`${name} must be ${ID_LENGTH} bytes`)
  return bytes.toString('hex')
}

function textOf(fields: ReadonlyMap<string, Buffer>, name: string): string | undefined {
  return fields.get(name)?.toString('latin1')
}

function numberOf(
  fields: ReadonlyMap<string, Buffer>,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const text = textOf(fields, name) ?? ''
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || value < min || value > max) throw invalid(`${name} must be a number from ${min} on`)
  return value
}

function eventOf(text: string | undefined): Bep3Announce['event'] {
  if (text === undefined || text === '' || text === 'empty') return 'interval'
  if (text === 'started' || text === 'completed' || text === 'stopped') return text
  throw invalid('event must be started, completed, stopped or empty')
}

/** A missing or negative number means the usual number of peers. */
function wantOf(text: string | undefined): number {
  if (text === undefined || text === '' || /^-\d+$/.test(text)) return announceLimits.maxPeers
  if (!/^\d{1,9}$/.test(text)) throw invalid('numwant must be a number')
  return Math.min(Number(text), announceLimits.maxPeers)
}

function keyOf(text: string | undefined): string | undefined {
  if (text !== undefined && text.length > MAX_KEY_LENGTH) throw invalid(`key is longer than ${MAX_KEY_LENGTH} bytes`)
  return text === '' ? undefined : text
}

function compactPeer({ host, port }: PeerAddress): Uint8Array {
  const address = isIPv6(host) ? ipv6Bytes(host) : host.split('.').map(Number)
  return Uint8Array.from([...address, port >> 8, port & 0xff])
}

/** The 16 bytes of a valid IPv6 literal; its last 32 bits may be written as IPv4. */
function ipv6Bytes(host: string): number[] {
  const hex = host.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number]
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [front = '', back] = hex.split('::')
  const groupsOf = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'))
  const [head, tail] = [groupsOf(front), groupsOf(back)]
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...zeros, ...tail].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
