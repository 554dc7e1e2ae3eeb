import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { serviceKinds } from '../../lib/service/index.ts'
import { eventually } from '../kit/eventually.ts'
import { type EveryService, everyListener, type Listener, startEveryService } from '../kit/every-service.ts'
import { type TempFolder, tempFolder } from '../kit/temp-folder.ts'
import { testAuthority, tlsFolder } from '../kit/tls-authority.ts'

/** What every listener of every service withstands when it speaks TLS. */

/** Of which a listener keeps 64 connections. */
const OPEN_FILES = 896
const CONNECTIONS = 64

const [ours, theirs] = [testAuthority('ours'), testAuthority('theirs')]

let shoal: EveryService
let folder: TempFolder

beforeAll(async () => {
  folder = await tempFolder('tls')
  const { config } = await tlsFolder(folder.path, ours.issue(), [ours])
  shoal = await startEveryService({
    openFiles: OPEN_FILES,
    headLookMs: 1_000,
    overrides: serviceKinds.map((kind) => `${kind}.tls=${JSON.stringify(config)}`),
    atEach: { clientCertificates: 'required' },
    secure: true,
  })
})
afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const dialled = new Set<Socket>()
afterEach(() => {
  for (const socket of dialled) socket.destroy()
  dialled.clear()
})

async function call(at: Listener, begin?: Uint8Array): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: shoal.port(at) }).resume()
  dialled.add(socket.on('error', () => undefined))
  await once(socket, 'connect')
  if (begin !== undefined) socket.write(begin)
  return socket
}

type Shown = Readonly<Record<'certificate' | 'key', string>> | undefined

async function callTls(at: Listener, shown: Shown): Promise<TLSSocket> {
  const own = shown === undefined ? {} : { cert: shown.certificate, key: shown.key }
  const socket = connectTls({ host: '127.0.0.1', port: shoal.port(at), ca: ours.certificate, ...own })
  dialled.add(socket.on('error', () => undefined))
  await once(socket, 'secureConnect')
  return socket
}

/** All that comes until the connection ends. */
async function answerOf(socket: Socket): Promise<string> {
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text
  })
  await once(socket, 'close')
  return answer
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`
/** The first byte of a record of the type handshake, and no more than its head. */
const begunHandshake = Buffer.from([0x16, 3, 1, 2, 0])

describe.each(everyListener)('$kind $listener with TLS', (at) => {
  test('ends handshakes that do not go on, also those that have not begun', async () => {
    const slow = [await call(at), await call(at, begunHandshake)]
    await eventually(async () => {
      await shoal.clock.advance(11_000)
      expect(slow.filter(({ closed }) => !closed)).toEqual([])
    })
  })

  test('closes the oldest of many handshakes, and keeps room for the next', async () => {
    const slow = await Promise.all(Array.from({ length: CONNECTIONS }, () => call(at, begunHandshake)))
    const late = await callTls(at, ours.issue())
    await eventually(() => expect(slow.some(({ closed }) => closed)).toBe(true))
    expect(late.closed).toBe(false)
    expect(slow.filter(({ closed }) => closed).length).toBeLessThan(CONNECTIONS / 2)
  })
})

describe.each(everyListener.filter(({ listener }) => listener !== 'peer'))('$kind $listener with TLS', (at) => {
  test('tells who speaks none that it must, and gives nothing else', async () => {
    const answer = await answerOf(await call(at, Buffer.from(get('/healthz'))))
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('TLS_REQUIRED')
  })

  test.each<[string, () => Shown]>([
    ['no certificate', () => undefined],
    ['one of another authority', () => theirs.issue()],
    ['one that has ended', () => ours.issue({ days: -0.001 })],
  ])('gives nothing to who shows %s', async (_, shown) => {
    const socket = await callTls(at, shown())
    socket.write(get('/healthz'))
    const answer = await answerOf(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
    expect(answer).toContain('CERTIFICATE_REQUIRED')
  })

  test('answers who shows one of its authority', async () => {
    const socket = await callTls(at, ours.issue())
    socket.write(get('/nothing-here'))
    expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe.each(everyListener.filter(({ listener }) => listener === 'peer'))('$kind $listener with TLS', (at) => {
  test.each<[string, () => Promise<Socket>]>([
    ['speaks none', () => call(at, Buffer.from('\u0013BitTorrent protocol', 'latin1'))],
    ['shows no certificate', () => callTls(at, undefined)],
    ['shows one of another authority', () => callTls(at, theirs.issue())],
  ])('ends the connection of who %s at once, and counts it', async (_, dial) => {
    const refused = () => shoal.metrics(at.kind).value('shoal_swarm_unproven_peers_total', { direction: 'accepted' })
    const before = refused()
    const socket = await dial()
    expect(await answerOf(socket)).toBe('')
    expect(refused()).toBe(before + 1)
  })
})
