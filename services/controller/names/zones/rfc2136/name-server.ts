import { connect, type Socket } from 'node:net'
import {
  type AbortOptions,
  type AppError,
  abortable,
  appError,
  type Clock,
  deferred,
  isAppError,
  type Random,
  throwIfAborted,
} from '../../../../../lib/base/index.ts'
import { codeOf, type DnsMessage, FLAG, type ReadMessage, readMessage, writeMessage } from './message.ts'
import { signMessage, type TsigKey, tsigFault } from './tsig.ts'

export interface NameServerComponents {
  readonly clock: Clock
  readonly random: Random
  /** The key of now. @throws ZONE_DENIED when there is none */
  readonly key: () => TsigKey
}

export interface NameServerInit {
  readonly host: string
  readonly port: number
}

/** One name server, over TCP (RFC 7766): no answer is truncated, and nobody on the way can guess what to say. */
export interface NameServer {
  /**
   * Signs and sends messages on one connection. The answers are in the order of the messages; each is signed with our
   * key. What they say is for the caller. @throws ZONE_UNAVAILABLE, ZONE_DENIED, ABORTED
   */
  exchange(messages: readonly Unsent[], options?: AbortOptions): Promise<readonly ReadMessage[]>
}

/** A message before it has an id. */
export type Unsent = Pick<DnsMessage, 'flags' | 'questions'> & Partial<Pick<DnsMessage, 'answers' | 'authorities'>>

const LENGTH_BYTES = 2

interface Sent {
  readonly mac: Buffer
  readonly at: number
}

export function nameServer({ clock, random, key }: NameServerComponents, { host, port }: NameServerInit): NameServer {
  const encode = (messages: readonly Unsent[], of: TsigKey) => {
    const sent = new Map<number, Sent>()
    const first = Buffer.from(random.bytes(2)).readUInt16BE()
    const parts = messages.flatMap((message, at) => {
      const id = (first + at) & 0xffff
      const bytes = writeMessage({ answers: [], authorities: [], additionals: [], ...message, id })
      const signed = signMessage(bytes, of, { nowMs: clock.now() })
      sent.set(id, { mac: signed.mac, at })
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeUInt16BE(signed.bytes.length)
      return [length, signed.bytes]
    })
    return { sent, bytes: Buffer.concat(parts) }
  }

  const read = (bytes: Buffer, sent: Map<number, Sent>, of: TsigKey) => {
    const answer = readMessage(bytes)
    const request = sent.get(answer.id)
    if (request === undefined || (answer.flags & FLAG.response) === 0) throw unavailable('an answer to no question')
    sent.delete(answer.id)
    const fault = tsigFault(bytes, answer, of, { nowMs: clock.now(), requestMac: request.mac })
    if (fault !== undefined) throw distrusted(fault, answer)
    return { answer, at: request.at }
  }

  return {
    async exchange(messages, { signal } = {}) {
      throwIfAborted(signal)
      const of = key()
      const { sent, bytes } = encode(messages, of)
      const answers: ReadMessage[] = []
      const done = deferred()
      const socket = connect({ host, port, noDelay: true })
      const take = framesOf((frame) => {
        const { answer, at } = read(frame, sent, of)
        answers[at] = answer
        if (sent.size === 0) done.resolve()
      })
      const fail = (err: unknown) => done.reject(isAppError(err) ? err : unavailable('it cannot be reached', err))
      listen(socket, { take, fail })
      socket.write(bytes)
      try {
        await abortable(done.promise, signal)
        return answers
      } finally {
        socket.destroy()
      }
    },
  }
}

function listen(
  socket: Socket,
  { take, fail }: { readonly take: (chunk: Buffer) => void; readonly fail: (err: unknown) => void },
): void {
  socket.on('data', (chunk: Buffer) => {
    try {
      take(chunk)
    } catch (err) {
      fail(err)
    }
  })
  socket.on('error', fail)
  socket.on('close', () => fail(unavailable('it has closed the connection')))
}

/** Cuts what comes into messages. */
function framesOf(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readUInt16BE(0)) {
      const end = LENGTH_BYTES + rest.readUInt16BE(0)
      const frame = rest.subarray(LENGTH_BYTES, end)
      rest = rest.subarray(end)
      onFrame(frame)
    }
  }
}

const unavailable = (what: string, cause?: unknown): AppError =>
  appError('ZONE_UNAVAILABLE', { message: `the name server: ${what}`, cause })

function distrusted(fault: string, answer: ReadMessage): AppError {
  const message = `the name server and this controller do not trust each other: ${fault}, code ${codeOf(answer)}`
  return appError('ZONE_DENIED', { message, detail: { reason: fault } })
}
