import { createServer } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import { seededRandom, systemClock, toAppError } from '../../lib/base/index.ts'
import { bodyBudgets } from '../../lib/http/body-budget.ts'
import type { Route } from '../../lib/http/index.ts'
import { routing } from '../../lib/http/routing.ts'
import { visits } from '../../lib/http/visit.ts'
import { type Authenticate, type Identify, secretAuthenticator } from '../../lib/identity/index.ts'
import { auditTrail, silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'

/** A request as it is written to the connection; names and values are not checked. */
export interface RawRequest {
  readonly method: string
  readonly target: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: Uint8Array
  /** Sent without its length, as docker does. */
  readonly chunked?: boolean
  /** The client goes after so many bytes of the body. */
  readonly cutAfter?: number
}

export interface RawAnswer {
  readonly status: number
  /** Names in lower case; of one that comes twice, all values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Routes of a registry behind Node's parser of HTTP, without a socket. */
export interface MemoryListener {
  /** One request over a connection of its own; undefined when that was closed without an answer, or the client went. */
  send(request: RawRequest): Promise<RawAnswer | undefined>
  /** Resolves when no request is running any more. */
  idle(): Promise<void>
}

const NO_ANSWER_MS = 30_000

export function memoryListener(
  routes: readonly Route[],
  init: { readonly authenticate?: Authenticate; readonly identify?: Identify } = {},
): MemoryListener {
  const authenticate = init.authenticate ?? secretAuthenticator()
  const logger = silentLogger()
  const [metrics, clock, random] = [silentMetrics(), systemClock(), seededRandom(1)]
  const bodies = bodyBudgets({ metrics, clock }).of('registry')
  const dispatch = routing(
    {
      ...{ logger, clock, bodies },
      identify: init.identify ?? (async (req) => authenticate(req)),
      audit: auditTrail({ logger, clock }),
      door: () => undefined,
      enterLoad: async () => () => undefined,
      traced: (_exchange, _visit, work) => work(),
      serveInside: () => Promise.reject(new Error('nothing comes through others here')),
      onFailure: () => undefined,
    },
    { routes, envelope: 'registry' },
  )
  const running = visits({ logger, metrics, clock, random }, { listener: 'registry', leaving: () => false })
  const server = createServer({ requireHostHeader: false }, (req, res) => dispatch(req, res, running.open(req, res)))
  // What the parser refuses is for the listener of a real socket to answer.
  server.on('clientError', (_, socket) => socket.destroy())

  return {
    idle: () => running.idle(),
    async send(request) {
      const [client, end] = duplexPair()
      server.emit('connection', Object.assign(end, { setTimeout: () => end, remoteAddress: '10.0.0.1' }))
      // A pair does not tell one end that the other one has gone; what was written before comes first.
      end.once('close', () => setImmediate(() => client.destroy()))
      try {
        return await exchanged(client, request)
      } finally {
        client.destroy()
        end.destroy()
      }
    },
  }
}

function exchanged(client: Duplex, request: RawRequest): Promise<RawAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer: ${JSON.stringify(request)}`)), NO_ANSWER_MS)
    const settle = (act: () => void) => {
      clearTimeout(late)
      act()
    }
    let received = Buffer.alloc(0)
    const look = (isOver: boolean) => {
      try {
        const answer = parsedAnswer(received, request.method, isOver)
        if (answer !== undefined || isOver) settle(() => resolve(answer))
      } catch (err) {
        settle(() => reject(toAppError(err)))
      }
    }
    client.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      look(false)
    })
    client.on('end', () => look(true)).on('close', () => look(true))
    client.on('error', () => undefined)
    for (const bytes of writtenParts(request)) client.write(bytes)
    if (request.cutAfter !== undefined) setImmediate(() => settle(() => resolve(undefined)))
  })
}

function* writtenParts({ method, target, headers = [], body, chunked, cutAfter }: RawRequest): Generator<Buffer> {
  const framing =
    body === undefined ? [] : [chunked === true ? 'transfer-encoding: chunked' : `content-length: ${body.length}`]
  const isNamed = headers.some(([name]) => name === 'host')
  const lines = [`${method} ${target} HTTP/1.1`, ...(isNamed ? [] : ['host: registry.test']), ...framing]
  yield Buffer.from(
    `${[...lines, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`,
    'latin1',
  )
  if (body === undefined) return
  const sent = Buffer.from(body).subarray(0, cutAfter)
  if (chunked !== true) yield sent
  else if (sent.length > 0)
    yield Buffer.concat([Buffer.from(`${sent.length.toString(16)}\r\n`), sent, Buffer.from('\r\n')])
  if (chunked === true && cutAfter === undefined) yield Buffer.from('0\r\n\r\n')
}

/** Undefined while the answer is not whole. @throws when it is no answer */
function parsedAnswer(bytes: Buffer, method: string, isOver: boolean): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
  if (Number.isNaN(status)) throw new Error(`no answer of HTTP: ${first}`)
  if (status < 200) return parsedAnswer(bytes.subarray(end + 4), method, isOver)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  const body = bytes.subarray(end + 4)
  const length = method === 'HEAD' || status === 204 || status === 304 ? 0 : Number(headers['content-length'])
  if (Number.isNaN(length)) throw new Error(`an answer without a length: ${first}`)
  if (body.length > length) throw new Error(`an answer of ${length} bytes has ${body.length}: ${first}`)
  return body.length === length ? { status, headers, body } : undefined
}
