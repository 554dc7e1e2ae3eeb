import { createHmac, timingSafeEqual } from 'node:crypto'
import { CLASS, type DnsRecord, nameBytes, type ReadMessage, recordBytes, TYPE } from './message.ts'

/** A key that a name server and its client share. */
export interface TsigKey {
  readonly name: string
  readonly algorithm: TsigAlgorithm
  readonly secret: Buffer
}

export const tsigAlgorithms = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const
export type TsigAlgorithm = (typeof tsigAlgorithms)[number]

export interface SignedMessage {
  readonly bytes: Buffer
  /** Part of what the answer to this message is signed with. */
  readonly mac: Buffer
}

export interface TsigWhen {
  /** Epoch milliseconds. */
  readonly nowMs: number
  /** Of the request, in an answer. */
  readonly requestMac?: Buffer
}

/** How far two clocks may be apart, seconds. */
const FUDGE = 300
const COUNT_AT = 10

/** What is wrong with a signature. The numbers are those that name servers send (RFC 8945, 3). */
export type TsigFault = 'MISSING' | 'BADSIG' | 'BADKEY' | 'BADTIME' | 'BADTRUNC'
const FAULTS: ReadonlyMap<number, TsigFault> = new Map([
  [16, 'BADSIG'],
  [17, 'BADKEY'],
  [18, 'BADTIME'],
  [22, 'BADTRUNC'],
])

interface Variables {
  /** Seconds since the epoch. */
  readonly time: number
  readonly fudge: number
  readonly error: number
  readonly other: Buffer
}

/** Signs a message that ends with its last record (RFC 8945, 4.3). */
export function signMessage(message: Buffer, key: TsigKey, { nowMs, requestMac }: TsigWhen): SignedMessage {
  const variables = { time: Math.floor(nowMs / 1000), fudge: FUDGE, error: 0, other: Buffer.alloc(0) }
  const mac = macOf(message, key, { variables, requestMac })
  const id = message.readUInt16BE(0)
  const { time, fudge, error, other } = variables
  const data = Buffer.concat([
    ...[nameBytes(key.algorithm), timeBytes(time), word(fudge), word(mac.length), mac],
    ...[word(id), word(error), word(other.length), other],
  ])
  const record = recordBytes({ name: key.name, type: TYPE.TSIG, class: CLASS.ANY, ttl: 0, data })
  return { bytes: Buffer.concat([withCount(message, 1), record]), mac }
}

/** What is wrong with the signature of a message; undefined when it is right. */
export function tsigFault(bytes: Buffer, message: ReadMessage, key: TsigKey, when: TsigWhen): TsigFault | undefined {
  const last = message.additionals.at(-1)
  if (last?.type !== TYPE.TSIG || message.lastAt === undefined) return 'MISSING'
  const found = readSignature(last)
  if (found === undefined) return 'BADSIG'
  const { algorithm, mac, originalId, variables } = found
  const told = FAULTS.get(variables.error)
  // Whoever does not know the key, or takes the signature for wrong, cannot sign that.
  if (told !== undefined && told !== 'BADTIME') return told
  if (last.name !== key.name.toLowerCase() || algorithm !== key.algorithm) return 'BADKEY'
  const unsigned = withCount(bytes.subarray(0, message.lastAt), -1)
  unsigned.writeUInt16BE(originalId, 0)
  const right = macOf(unsigned, key, { variables, requestMac: when.requestMac })
  if (right.length !== mac.length || !timingSafeEqual(right, mac)) return 'BADSIG'
  const skew = Math.abs(Math.floor(when.nowMs / 1000) - variables.time)
  return told ?? (skew > variables.fudge ? 'BADTIME' : undefined)
}

/** The MAC of a request, by which its answer is signed; undefined without a signature. */
export function macIn({ additionals }: ReadMessage): Buffer | undefined {
  const last = additionals.at(-1)
  return last?.type === TYPE.TSIG ? readSignature(last)?.mac : undefined
}

function readSignature({ data }: DnsRecord) {
  try {
    let at = 0
    const labels: string[] = []
    for (let length = data.readUInt8(at); length !== 0; length = data.readUInt8(at)) {
      labels.push(data.toString('latin1', at + 1, at + 1 + length).toLowerCase())
      at += length + 1
    }
    const time = data.readUIntBE(at + 1, 6)
    const fudge = data.readUInt16BE(at + 7)
    const macEnd = at + 11 + data.readUInt16BE(at + 9)
    const mac = data.subarray(at + 11, macEnd)
    const [originalId, error, length] = [0, 2, 4].map((by) => data.readUInt16BE(macEnd + by)) as [
      number,
      number,
      number,
    ]
    const other = data.subarray(macEnd + 6, macEnd + 6 + length)
    return { algorithm: labels.join('.'), mac, originalId, variables: { time, fudge, error, other } }
  } catch {
    return undefined
  }
}

function macOf(
  message: Buffer,
  { name, algorithm, secret }: TsigKey,
  { variables, requestMac }: { readonly variables: Variables; readonly requestMac: Buffer | undefined },
): Buffer {
  const { time, fudge, error, other } = variables
  const hmac = createHmac(algorithm.replace('hmac-', ''), secret)
  if (requestMac !== undefined) hmac.update(word(requestMac.length)).update(requestMac)
  hmac.update(message).update(nameBytes(name)).update(word(CLASS.ANY)).update(Buffer.alloc(4))
  hmac.update(nameBytes(algorithm)).update(timeBytes(time)).update(word(fudge))
  return hmac.update(word(error)).update(word(other.length)).update(other).digest()
}

/** The message with more or fewer records in its last section. */
function withCount(message: Buffer, by: number): Buffer {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(copy.readUInt16BE(COUNT_AT) + by, COUNT_AT)
  return copy
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

const timeBytes = (seconds: number): Buffer => {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(seconds, 0, 6)
  return bytes
}
