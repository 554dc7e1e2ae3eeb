import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** What a name stands for. */
export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly ttl?: number }
  | { readonly type: 'SRV'; readonly target: string; readonly port: number; readonly ttl?: number }

/** A name server on loopback that answers what a test tells it. */
export interface DnsResponder extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly server: string
  /** Questions so far, `TYPE name` each. */
  readonly asked: readonly string[]
  set(name: string, records: readonly DnsRecord[]): void
  /** How it answers from now on: as told, with a failure (SERVFAIL), or not at all. */
  mode: 'answers' | 'fails' | 'silent'
}

const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const
const SERVFAIL = 2
const NXDOMAIN = 3

export async function dnsResponder(): Promise<DnsResponder> {
  const socket = createSocket('udp4')
  const zone = new Map<string, readonly DnsRecord[]>()
  const asked: string[] = []
  const responder: DnsResponder = {
    get server() {
      return `127.0.0.1:${socket.address().port}`
    },
    asked,
    set: (name, records) => void zone.set(name.toLowerCase(), records),
    mode: 'answers',
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
  socket.on('message', (query, from) => {
    if (responder.mode === 'silent') return
    const { name, type, end } = questionOf(query)
    asked.push(`${type} ${name}`)
    const all = zone.get(name.toLowerCase())
    const found = (all ?? []).filter((record) => record.type === type)
    const code = responder.mode === 'fails' ? SERVFAIL : all === undefined ? NXDOMAIN : 0
    const answers = code === 0 ? found.map(answerOf) : []
    socket.send(Buffer.concat([headOf(query, code, answers.length), query.subarray(12, end), ...answers]), from.port)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return responder
}

function questionOf(query: Buffer) {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const code = query.readUInt16BE(at + 1)
  const type = Object.entries(TYPES).find(([, each]) => each === code)?.[0] ?? String(code)
  return { name: labels.join('.'), type, end: at + 5 }
}

/** The id and the question are those of the query; nothing else is (EDNS is not answered). */
function headOf(query: Buffer, code: number, answers: number): Buffer {
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(answers, 6)
  return head
}

function answerOf(record: DnsRecord): Buffer {
  const data = dataOf(record)
  const fixed = Buffer.alloc(12)
  // The name of the question, which begins at byte 12.
  fixed.writeUInt16BE(0xc00c, 0)
  fixed.writeUInt16BE(TYPES[record.type], 2)
  fixed.writeUInt16BE(1, 4)
  fixed.writeUInt32BE(record.ttl ?? 10, 6)
  fixed.writeUInt16BE(data.length, 10)
  return Buffer.concat([fixed, data])
}

function dataOf(record: DnsRecord): Buffer {
  if (record.type !== 'SRV') {
    return record.type === 'AAAA' ? ipv6(record.address) : Buffer.from(record.address.split('.').map(Number))
  }
  const fixed = Buffer.alloc(6)
  fixed.writeUInt16BE(record.port, 4)
  return Buffer.concat([fixed, nameBytes(record.target)])
}

function ipv6(address: string): Buffer {
  const [front = '', back = ''] = address.split('::', 2)
  const groups = (text: string) => text.split(':').filter((group) => group !== '')
  const [before, after] = [groups(front), groups(back)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return Buffer.concat([...before, ...zeros, ...after].map((group) => Buffer.from(group.padStart(4, '0'), 'hex')))
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.from([0])])
}
