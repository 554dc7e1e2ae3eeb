import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  CLASS,
  type DnsRecord,
  FLAG,
  isUpdate,
  type ReadMessage,
  readMessage,
  TYPE,
  writeMessage,
} from '../../../services/controller/names/zones/rfc2136/message.ts'
import { macIn, signMessage, type TsigKey, tsigFault } from '../../../services/controller/names/zones/rfc2136/tsig.ts'

const CODE = { none: 0, refused: 5, setThere: 7, setNotThere: 8, notAuth: 9, notZone: 10 } as const

/** A name server with one zone, for queries and signed updates over TCP. */
export interface UpdateServer extends AsyncDisposable {
  readonly port: number
  records: readonly DnsRecord[]
  /** Called before each update is looked at: somebody else may change the zone then. */
  beforeUpdate: () => void
  /** Changes each answer before it is sent. */
  spoil: (bytes: Buffer) => Buffer
  /** Updates that have changed something. */
  updates: number
  stop(): Promise<void>
}

const isSet = (a: Pick<DnsRecord, 'name' | 'type'>, b: Pick<DnsRecord, 'name' | 'type'>) =>
  a.name === b.name && a.type === b.type
const isSame = (a: DnsRecord, b: DnsRecord) => isSet(a, b) && a.data.equals(b.data)

/** RFC 2136, 3.2: sets that must not be there, and sets that must be exactly these. */
function unmet(conditions: readonly DnsRecord[], records: readonly DnsRecord[]): number {
  for (const condition of conditions) {
    const there = records.filter((record) => isSet(record, condition))
    if (condition.class === CLASS.NONE) {
      if (there.length > 0) return CODE.setThere
      continue
    }
    const wanted = conditions.filter((other) => isSet(other, condition))
    const isMet = there.length === wanted.length && wanted.every((one) => there.some((record) => isSame(one, record)))
    if (!isMet) return CODE.setNotThere
  }
  return CODE.none
}

/** RFC 2136, 3.4.2, of single records; a set has one TTL: the last one that was given. */
function changed(changes: readonly DnsRecord[], before: readonly DnsRecord[]): readonly DnsRecord[] {
  let records = before
  for (const change of changes) {
    records = records.filter((record) => !isSame(record, change))
    if (change.class === CLASS.IN)
      records = [...records.map((record) => (isSet(record, change) ? { ...record, ttl: change.ttl } : record)), change]
  }
  return records
}

class Zone {
  readonly #name: string
  readonly #server: UpdateServer

  constructor(name: string, server: UpdateServer) {
    this.#name = name
    this.#server = server
  }

  answer(message: ReadMessage): { readonly code: number; readonly answers: readonly DnsRecord[] } {
    const [question] = message.questions
    if (question === undefined || !(question.name === this.#name || question.name.endsWith(`.${this.#name}`)))
      return { code: CODE.notAuth, answers: [] }
    if (!isUpdate(message)) {
      const answers = this.#server.records.filter((record) => isSet(record, question))
      return { code: CODE.none, answers }
    }
    return { code: this.#update(message), answers: [] }
  }

  #update({ questions, answers: conditions, authorities: changes }: ReadMessage): number {
    if (questions[0]?.type !== TYPE.SOA || questions[0].name !== this.#name) return CODE.notZone
    this.#server.beforeUpdate()
    const code = unmet(conditions, this.#server.records)
    if (code !== CODE.none) return code
    this.#server.records = changed(changes, this.#server.records)
    this.#server.updates += 1
    return CODE.none
  }
}

function answerTo(bytes: Buffer, zone: Zone, key: TsigKey): Buffer {
  const message = readMessage(bytes)
  const when = { nowMs: Date.now() }
  const isTrusted = tsigFault(bytes, message, key, when) === undefined
  const { code, answers } = isTrusted ? zone.answer(message) : { code: CODE.refused, answers: [] }
  const { id, flags, questions } = message
  const head = { id, flags: flags | FLAG.response | FLAG.authoritative | code, questions }
  const unsigned = writeMessage({ ...head, answers, authorities: [], additionals: [] })
  const requestMac = macIn(message)
  return isTrusted && requestMac !== undefined ? signMessage(unsigned, key, { ...when, requestMac }).bytes : unsigned
}

export async function updateServer(zoneName: string, key: TsigKey): Promise<UpdateServer> {
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    sockets.add(socket)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0)
        const answer = server.spoil(answerTo(rest.subarray(2, end), zone, key))
        rest = rest.subarray(end)
        const length = Buffer.alloc(2)
        length.writeUInt16BE(answer.length)
        socket.write(Buffer.concat([length, answer]))
      }
    })
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const stop = async () => {
    if (!tcp.listening) return
    for (const socket of sockets) socket.destroy()
    tcp.close()
    await once(tcp, 'close')
  }
  const server: UpdateServer = {
    ...{ port: (tcp.address() as AddressInfo).port, records: [], updates: 0, stop, [Symbol.asyncDispose]: stop },
    ...{ beforeUpdate: () => undefined, spoil: (bytes: Buffer) => bytes },
  }
  const zone = new Zone(zoneName, server)
  return server
}
