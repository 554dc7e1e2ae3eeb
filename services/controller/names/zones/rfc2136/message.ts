/** A message of DNS (RFC 1035, 4.1) with what an update needs (RFC 2136). Names have no dot at their end. */
export interface DnsMessage {
  readonly id: number
  /** Everything of the second word of the header: QR, OPCODE, AA, TC, RCODE and the rest. */
  readonly flags: number
  /** Of an update: the zone. */
  readonly questions: readonly DnsQuestion[]
  /** Of an update: what must be so, or nothing is done. */
  readonly answers: readonly DnsRecord[]
  /** Of an update: what is changed. */
  readonly authorities: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
}

export interface DnsQuestion {
  readonly name: string
  readonly type: number
  readonly class: number
}

export interface DnsRecord extends DnsQuestion {
  readonly ttl: number
  readonly data: Buffer
}

export interface ReadMessage extends DnsMessage {
  /** Where the last record begins; undefined when there is none. */
  readonly lastAt: number | undefined
}

export const TYPE = { A: 1, SOA: 6, TXT: 16, TSIG: 250, ANY: 255 } as const
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const
export const FLAG = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, update: 5 << 11 } as const

export const codeOf = ({ flags }: Pick<DnsMessage, 'flags'>): number => flags & 0xf
export const isUpdate = ({ flags }: Pick<DnsMessage, 'flags'>): boolean => ((flags >> 11) & 0xf) === 5

const HEAD_BYTES = 12
const MAX_LABEL = 63
const MAX_NAME = 255
const POINTER = 0xc0

/** A name without pointers, in lower case: the form that is signed, too (RFC 8945, 4.3.3). */
export function nameBytes(name: string): Buffer {
  const labels = name === '' ? [] : name.toLowerCase().split('.')
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, 'latin1')
    if (bytes.length === 0 || bytes.length > MAX_LABEL) throw new RangeError(`no name of DNS: ${name}`)
    return Buffer.concat([Buffer.from([bytes.length]), bytes])
  })
  const all = Buffer.concat([...parts, Buffer.from([0])])
  if (all.length > MAX_NAME) throw new RangeError(`no name of DNS: ${name}`)
  return all
}

const words = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2)
  return bytes
}

const questionBytes = ({ name, type, class: klass }: DnsQuestion) =>
  Buffer.concat([nameBytes(name), words(type, klass)])

/** @throws RangeError for what has no place in a record */
export function recordBytes(record: DnsRecord): Buffer {
  const ttl = Buffer.alloc(4)
  ttl.writeUInt32BE(record.ttl)
  return Buffer.concat([questionBytes(record), ttl, words(record.data.length), record.data])
}

/** @throws RangeError for names that are none */
export function writeMessage({ id, flags, questions, answers, authorities, additionals }: DnsMessage): Buffer {
  const counts = [questions, answers, authorities, additionals].map(({ length }) => length)
  const records = [...answers, ...authorities, ...additionals].map(recordBytes)
  return Buffer.concat([words(id, flags, ...counts), ...questions.map(questionBytes), ...records])
}

/** @throws RangeError when it is no message, or has something behind its end */
export function readMessage(bytes: Buffer): ReadMessage {
  const reader = new Reader(bytes)
  const head = [0, 2, 4, 6, 8, 10].map((at) => bytes.readUInt16BE(at))
  const [id = 0, flags = 0, asked = 0, ...counts] = head
  const questions = Array.from({ length: asked }, () => reader.question())
  let lastAt: number | undefined
  const record = () => {
    lastAt = reader.at
    return reader.record()
  }
  const [answers = [], authorities = [], additionals = []] = counts.map((length) => Array.from({ length }, record))
  if (reader.at !== bytes.length) throw new RangeError('there is something behind the message')
  return { id, flags, questions, answers, authorities, additionals, lastAt }
}

/** Reads on behind what it has read. Reads beyond the end throw RangeError, as those of Buffer do. */
class Reader {
  readonly #bytes: Buffer
  at = HEAD_BYTES

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  question(): DnsQuestion {
    const name = this.#name()
    return { name, type: this.#word(), class: this.#word() }
  }

  record(): DnsRecord {
    const question = this.question()
    const ttl = this.#bytes.readUInt32BE(this.at)
    this.at += 4
    const length = this.#word()
    const end = this.at + length
    if (end > this.#bytes.length) throw new RangeError('a record ends behind the message')
    const data = Buffer.from(this.#bytes.subarray(this.at, end))
    this.at = end
    return { ...question, ttl, data }
  }

  #word(): number {
    this.at += 2
    return this.#bytes.readUInt16BE(this.at - 2)
  }

  /** Pointers lead only backwards, so that reading ends. */
  #name(): string {
    const labels: string[] = []
    let [at, end, size] = [this.at, -1, 0]
    for (let length = this.#bytes.readUInt8(at); length !== 0; length = this.#bytes.readUInt8(at)) {
      if ((length & POINTER) === POINTER) {
        const target = this.#bytes.readUInt16BE(at) & ~(POINTER << 8)
        if (end < 0) end = at + 2
        if (target >= at) throw new RangeError('a name points forward')
        at = target
        continue
      }
      if (length > MAX_LABEL) throw new RangeError('a label of an unknown kind')
      size += length + 1
      if (size > MAX_NAME || at + length >= this.#bytes.length) throw new RangeError('a name does not end')
      labels.push(this.#bytes.toString('latin1', at + 1, at + 1 + length).toLowerCase())
      at += length + 1
    }
    this.at = end < 0 ? at + 1 : end
    return labels.join('.')
  }
}

/** The content of a record of the type TXT, in strings of at most 255 bytes. */
export function textData(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length || at === 0; at += 255) {
    const part = bytes.subarray(at, at + 255)
    parts.push(Buffer.from([part.length]), part)
  }
  return Buffer.concat(parts)
}

export function textOf(data: Buffer): string {
  let text = ''
  for (let at = 0; at < data.length; at += 1 + (data[at] ?? 0))
    text += data.toString('latin1', at + 1, at + 1 + (data[at] ?? 0))
  return text
}

export const addressData = (address: string): Buffer => Buffer.from(address.split('.').map(Number))
export const addressOf = (data: Buffer): string => [...data].join('.')
