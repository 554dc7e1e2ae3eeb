import type { Server as HttpServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { loadConfig } from '../../lib/config/index.ts'
import { pieceLengthFor, swarmIdOf } from '../../lib/core/index.ts'
import { secretRights } from '../../lib/identity/principal.ts'
import { type ServiceKind, serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import { silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'
import { doors } from '../../services/herd/index.ts'
import { type DocumentedRoute, documentedRoutes, routesWithBody } from '../kit/documented-routes.ts'
import { eventually } from '../kit/eventually.ts'
import {
  type EveryService,
  everyListener,
  type Listener,
  listenerOverrides,
  startEveryService,
} from '../kit/every-service.ts'
import { extendedBytes, handshakeBytes, message } from '../kit/hostile-peer.ts'
import { registryClient } from '../kit/registry-client.ts'
import { everySecret, secretOverrides } from '../kit/secrets.ts'
import { randomContent } from '../kit/store-fixture.ts'

/** What every listener of every service withstands, whoever calls it. */

/** Of which a listener keeps 64 connections. */
const OPEN_FILES = 896
const CONNECTIONS = 64
/** Refused at each route that takes a body whole, and more than is read behind an early answer. */
const HUGE = 9 * 1024 * 1024
const HEAD_LIMIT_MS = 100

const httpListeners = everyListener.filter(({ listener }) => listener !== 'peer')
const peerListeners = everyListener.filter(({ listener }) => listener === 'peer')
/** One of a list of listeners has the paths of a registry as the one that it is like, and no others. */
const isAt = (at: Listener) => (one: Pick<DocumentedRoute, 'kind' | 'listener' | 'path'>) =>
  one.kind === at.kind && (one.listener === at.listener || (one.listener === at.like && /^\/v2(?:\/|$)/.test(one.path)))

let shoal: EveryService

beforeAll(async () => {
  shoal = await startEveryService({
    openFiles: OPEN_FILES,
    headLookMs: HEAD_LIMIT_MS / 2,
    overrides: [
      ...secretOverrides(),
      'agent.registry.anonymous=none',
      ...serviceKinds.map((kind) => `${kind}.hosts=["shoal.example"]`),
    ],
  })
})
afterAll(async () => shoal[Symbol.asyncDispose]())

const dialled = new Set<Socket>()
afterEach(() => {
  for (const socket of dialled) socket.destroy()
  dialled.clear()
})

interface Caller {
  readonly socket: Socket
  /** All that came back. */
  readonly answer: string
  readonly closed: boolean
  /** Resolves when the connection has closed. */
  readonly end: Promise<void>
}

async function call(at: Listener): Promise<Caller> {
  const socket = connect({ host: '127.0.0.1', port: shoal.port(at) })
  dialled.add(socket)
  const end = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const caller = { socket, answer: '', closed: false, end }
  socket.setEncoding('latin1').on('data', (text: string) => {
    caller.answer += text
  })
  socket
    .on('error', () => undefined)
    .once('close', () => {
      caller.closed = true
    })
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  return caller
}

/** A chunked body, and another request behind it. */
const hugeChunk = () =>
  Buffer.concat([
    Buffer.from(`${HUGE.toString(16)}\r\n`),
    Buffer.alloc(HUGE, '{'),
    Buffer.from('\r\n0\r\n\r\n'),
    Buffer.from(headOf('GET', '/nothing-here', { connection: 'close' })),
  ])

type Headers = Readonly<Record<string, string>>

const headOf = (method: string, path: string, headers: Headers = {}) =>
  [
    `${method} ${path} HTTP/1.1`,
    ...Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n')

const statusIn = (answer: string) => Number(/^HTTP\/1\.1 ([2-5]\d\d)/.exec(answer)?.[1] ?? 0)

/** The code of an error, or the one that it has in the details of a registry's error, or before a text or in it. */
const codeIn = (answer: string) =>
  /"detail":\{[^}]*"code":"(\w+)"/.exec(answer)?.[1] ??
  /"code":"(\w+)"/.exec(answer)?.[1] ??
  /(?:\r\n\r\n|"message":")([A-Z_]+): /.exec(answer)?.[1] ??
  ''

async function ask(at: Listener, method: string, path: string, headers: Headers = {}): Promise<string> {
  const caller = await call(at)
  caller.socket.write(headOf(method, path, { connection: 'close', ...headers }))
  await caller.end
  return caller.answer
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

/** The paths that whoever watches the service asks without a secret. */
/** What needs no secret: probes, and where a registry with rules gives whoever asks a token for what everybody may. */
const isOpenAt = ({ listener, kind }: Listener, path: string): boolean => {
  const probes = { ops: ['/healthz', '/readyz', '/metrics'], kraken: ['/health', '/readiness'] }[listener] ?? []
  if (kind === 'manager' && listener !== 'ops') return !/^\/(o?api|registry)\//.test(path) || openOfManager.test(path)
  return probes.includes(path) || (kind === 'proxy' && listener === 'registry' && path === '/token')
}

/** Where people say who they are, and where services and agents show what they have in the request itself. */
const openOfManager = /^\/api\/v1\/(sign-in|links\/open|oidc\/.*|assignment|join|heartbeat|leave)$/

/** Shows the secret that may do most there. */
function trusted(kind: ServiceKind): Headers {
  const { accepts } = serviceFacts(kind).secrets
  const [best] = [...accepts].toSorted((a, b) => secretRights[b].length - secretRights[a].length)
  if (best === undefined) throw new Error(`${kind} accepts no secret`)
  return bearer(everySecret[best])
}

/** Lets time pass until it holds, a step whenever nothing is under way: time outruns no machine, however slow. */
const inTime = (holds: () => void, stepMs = 2_000) =>
  eventually(async () => {
    await shoal.quiet()
    await shoal.clock.advance(stepMs)
    holds()
  })

async function whileTimePasses<T>(work: Promise<T>): Promise<T> {
  let over = false
  const ended = work.finally(() => {
    over = true
  })
  ended.catch(() => undefined)
  await inTime(() => expect(over).toBe(true), 20)
  return ended
}

describe('the table of services', () => {
  interface Shape {
    readonly properties?: Readonly<Record<string, Shape>>
    readonly items?: Shape
  }
  /** Dotted paths of every mapping that has a key `bind`; of a list, that of its first one. */
  const bindsIn = ({ properties = {}, items }: Shape, path: readonly string[] = []): readonly string[] => [
    ...('bind' in properties ? [path.join('.')] : []),
    ...Object.entries(properties).flatMap(([name, inner]) => bindsIn(inner, [...path, name])),
    ...(items === undefined ? [] : bindsIn(items, [...path, '0'])),
  ]

  test('is walked whole: no service opens a server, or can be configured to, that is not tried here', () => {
    const walked = [...httpListeners, ...peerListeners]
    expect([...shoal.servers.keys()].toSorted()).toEqual(walked.map((at) => shoal.port(at)).toSorted())
    const configured = serviceKinds.flatMap((kind) =>
      bindsIn(z.toJSONSchema(doors[kind].schema, { io: 'input' }) as Shape).map((key) => `${kind} ${key}`),
    )
    expect(configured.toSorted()).toEqual(walked.map(({ kind, key }) => `${kind} ${key}`).toSorted())
  })

  test('has documented routes at each listener that speaks HTTP, and nowhere else', () => {
    for (const at of httpListeners) expect([at, documentedRoutes.some(isAt(at))]).toEqual([at, true])
    expect(documentedRoutes.filter((route) => !httpListeners.some((at) => isAt(at)(route)))).toEqual([])
  })
})

describe.each(everyListener)('$kind $listener', (at) => {
  test.each(['0.0.0.0', '[::]', '192.0.2.1', 'shoal.example'])(
    'does not start on %s without a secret',
    async (host) => {
      const door = doors[at.kind]
      const config = await loadConfig(door.schema, { overrides: listenerOverrides(at, { bind: `${host}:auto` }) })
      const failure = { code: 'INSECURE_BIND', detail: { listener: at.key } }
      const start = async () => door.make({ logger: silentLogger(), metrics: silentMetrics() }, config).start()
      await expect(start()).rejects.toMatchObject(failure)
    },
  )

  test('closes idle connections, the oldest first, and keeps room for the next', async () => {
    const idle = await Promise.all(Array.from({ length: CONNECTIONS }, () => call(at)))
    const late = await call(at)
    await eventually(() => expect(idle.some(({ closed }) => closed)).toBe(true))
    if (at.listener !== 'peer') {
      late.socket.write(headOf('GET', '/nothing-here'))
      await eventually(() => expect(statusIn(late.answer)).toBe(404))
    }
    // The other services keep some connections here, too.
    const closed = idle.filter((one) => one.closed).length
    expect(closed).toBeLessThan(CONNECTIONS / 2)
    expect(late.closed).toBe(false)
  })
})

describe.each(httpListeners)('$kind $listener', (at) => {
  const requests = [...routesWithBody.filter(isAt(at)), { method: 'POST', path: '/nothing-here' }]

  /** One more where uploads are opened, so that a body is really taken piece by piece. */
  async function openUpload(): Promise<readonly { method: string; path: string }[]> {
    const opening = requests.find(({ method, path }) => method === 'POST' && /\/uploads\/?$/.test(path))
    if (opening === undefined) return []
    const answer = await ask(at, 'POST', opening.path, trusted(at.kind))
    const location = /\r\nlocation: (?:http:\/\/[^/]+)?(\S+)/i.exec(answer)?.[1]
    const id = /"id":"([^"]+)"/.exec(answer)?.[1] ?? ''
    return [{ method: 'PATCH', path: location ?? `${opening.path}/${id}` }]
  }

  interface Outcome {
    readonly request: string
    readonly status: number
    readonly code: string
    /** On the same connection, the status of a request behind the body; 0 when the connection was closed instead. */
    readonly next: number
  }

  /** Sends each request of this listener with this body, and lets time pass until all their connections have ended. */
  async function sendEach(headers: Headers, body: string | Uint8Array): Promise<readonly Outcome[]> {
    const all = [...requests, ...(await openUpload())]
    const given = { ...trusted(at.kind), 'content-type': 'application/json', 'x-shoal-offset': '0', ...headers }
    const sent = await Promise.all(
      all.map(async ({ method, path }) => {
        const caller = await call(at)
        caller.socket.write(headOf(method, path, given))
        caller.socket.write(body)
        return { request: `${method} ${path}`, caller }
      }),
    )
    await inTime(() => expect(sent.filter(({ caller }) => !caller.closed).map(({ request }) => request)).toEqual([]))
    // One of them makes the origin leave.
    await ask({ kind: 'origin', listener: 'admin', key: '' }, 'DELETE', '/drain', trusted('origin'))
    return sent.map(({ request, caller }) => {
      const [first = '', second = ''] = caller.answer.split(/(?=HTTP\/1\.1 [2-5])/)
      return { request, status: statusIn(first), code: codeIn(first), next: statusIn(second) }
    })
  }

  const isTold = { asymmetricMatch: (status: number) => status >= 200 }
  const told = ({ request, status }: Outcome) => ({
    ...{ request, status: isTold, code: status < 400 ? '' : expect.stringMatching(/^[A-Z_]+$/) },
    next: expect.any(Number),
  })
  let slow: Promise<readonly Outcome[]> | undefined
  /** Sent once for all tests of the listener. */
  const slowly = () => {
    slow ??= sendEach({ 'content-length': '1000' }, '{')
    return slow
  }

  test('ends each request whose body does not come on, and says why', async () => {
    const outcomes = await slowly()
    expect(outcomes).toEqual(outcomes.map(told))
  })

  test.each<[string, Headers, () => string | Uint8Array]>([
    ['is said to be huge', { 'content-length': `${2 ** 40}` }, () => '{'],
    ['is huge, and does not say so', { 'transfer-encoding': 'chunked' }, hugeChunk],
  ])('answers each request whose body %s; the connection goes on or ends', async (_, headers, body) => {
    const takenWhole = (await slowly()).filter(({ code }) => code === 'REQUEST_TIMEOUT').map(({ request }) => request)
    const outcomes = await sendEach(headers, body())
    expect(outcomes).toEqual(outcomes.map(told))
    for (const { next } of outcomes) expect([0, 404]).toContain(next)
    const tooLarge = outcomes.filter(({ code }) => code === 'BODY_TOO_LARGE').map(({ request }) => request)
    expect(tooLarge).toEqual(takenWhole)
  })

  test('refuses a head that never ends, and ends the connection', async () => {
    const server = shoal.servers.get(shoal.port(at)) as HttpServer
    const { headersTimeout } = server
    expect(headersTimeout).toBeGreaterThan(0)
    expect(headersTimeout).toBeLessThanOrEqual(120_000)
    const caller = await call(at)
    try {
      server.headersTimeout = HEAD_LIMIT_MS
      caller.socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-never-ends: ')
      await eventually(() => {
        if (caller.socket.writable) caller.socket.write('a')
        expect(caller.closed).toBe(true)
      })
    } finally {
      server.headersTimeout = headersTimeout
    }
    expect([statusIn(caller.answer), codeIn(caller.answer)]).toEqual([408, 'HEAD_TOO_SLOW'])
    const limited = { listener: at.listener, limit: 'slow_head' }
    // On a busy machine the head of another service may be as slow.
    expect(shoal.metrics(at.kind).value('shoal_http_limited_total', limited)).toBeGreaterThanOrEqual(1)
  })

  test('does not answer to the name of another site', async () => {
    const answer = await ask(at, 'GET', '/', { host: 'rebound.evil.example' })
    expect([statusIn(answer), codeIn(answer)]).toEqual([421, 'HOST_UNKNOWN'])
  })

  test.each<Headers>([{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])(
    'refuses the page of another site, also with a secret: %j',
    async (headers) => {
      for (const secret of [{}, trusted(at.kind)]) {
        const answer = await ask(at, 'GET', '/', { ...headers, ...secret })
        expect([statusIn(answer), codeIn(answer)]).toEqual([403, 'CROSS_SITE'])
      }
    },
  )

  test('asks for a secret at every route but those of probes and of tokens, and takes no wrong one', async () => {
    const routes = documentedRoutes.filter(isAt(at))
    // `/v2/` has no right of its own: whoever is not known is told there that a secret is asked for.
    const guarded = routes.filter(({ right, path }) => right !== 'none' || path.startsWith('/v2'))
    expect(guarded).toEqual(routes.filter(({ path }) => !isOpenAt(at, path)))
    const shown: readonly Headers[] = [{}, bearer('a-secret-that-is-guessed'), { authorization: 'Basic bm90aGluZw==' }]
    const answers = await Promise.all(
      guarded.flatMap(({ method, path }) =>
        shown.map(async (headers) => {
          const answer = await ask(at, method, path, headers)
          return [method, path, statusIn(answer), method === 'HEAD' ? 'UNAUTHORIZED' : codeIn(answer)]
        }),
      ),
    )
    expect(answers).toEqual(answers.map(([method, path]) => [method, path, 401, 'UNAUTHORIZED']))
  })
})

describe.each(peerListeners)('$kind $listener', (at) => {
  test('ends a handshake that never ends', async () => {
    const caller = await call(at)
    caller.socket.write(handshakeBytes('00'.repeat(20)).subarray(0, 67))
    await inTime(() => expect(caller.closed).toBe(true))
    expect(caller.answer).toBe('')
  })

  test('ends connections without a proof of the secret, or with a wrong one', async () => {
    const { bytes, digest } = randomContent(200_000, 9)
    const unproven = () => shoal.metrics(at.kind).value('shoal_swarm_unproven_peers_total', { direction: 'accepted' })
    const proxy = registryClient(`http://127.0.0.1:${shoal.port({ kind: 'proxy', listener: 'registry' })}`, {
      headers: bearer(everySecret.push),
    })
    expect((await whileTimePasses(proxy.pushBlob('team/app', digest, bytes))).status).toBe(201)
    const agent = registryClient(`http://127.0.0.1:${shoal.port({ kind: 'agent', listener: 'registry' })}`, {
      headers: bearer(everySecret.read),
    })
    const pulled = await whileTimePasses(agent.send('GET', `/v2/team/app/blobs/${digest}`))
    expect(Buffer.compare(pulled.body, bytes)).toBe(0)

    const header = { digest, length: bytes.length, pieceLength: pieceLengthFor(bytes.length) }
    const hello = [handshakeBytes(swarmIdOf(digest)), extendedBytes(header, { nonce: Buffer.alloc(32, 7) })]
    const before = unproven()
    const silent = await call(at)
    for (const part of hello) silent.socket.write(part)
    const wrong = await call(at)
    for (const part of [...hello, message(20, Buffer.from([1]), Buffer.alloc(32, 1))]) wrong.socket.write(part)
    await inTime(() => expect([silent.closed, wrong.closed]).toEqual([true, true]))
    expect(unproven() - before).toBe(2)
    for (const { answer } of [silent, wrong]) expect(answer).not.toContain(bytes.subarray(0, 16).toString())
  })
})
