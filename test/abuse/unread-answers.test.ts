import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, expect, test } from '@jest/globals'
import { digestOf } from '../../lib/core/index.ts'
import { sendStream } from '../../lib/http/index.ts'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import { eventually } from '../kit/eventually.ts'
import { httpPair, route } from '../kit/http-pair.ts'
import { registryClient } from '../kit/registry-client.ts'
import { startTopology } from '../kit/topology.ts'

/** Somebody who asks for much and does not read it. */

const MIB = 1024 * 1024
const sockets = new Set<Socket>()

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
})

/** Asks for bytes, and reads none. */
function askUnread(base: string, path: string, headers = ''): Socket {
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`)
  socket.pause()
  return socket
}

/** A listener whose only answer is endless, and a client that has read nothing of it when this resolves. */
async function endlessAnswer() {
  let open = 0
  let given = 0
  const endless = route(['GET'], '/endless', async (exchange) => {
    open += 1
    const body = new Readable({
      read() {
        given += MIB
        this.push(Buffer.alloc(MIB))
      },
      destroy(err, done) {
        open -= 1
        done(err)
      },
    })
    await sendStream(exchange, { status: 200, headers: {}, body })
  })
  const pair = await httpPair([endless])
  const socket = askUnread(pair.server.url, '/endless')
  let before = -1
  await eventually(() => {
    const last = before
    before = given
    expect([given > 0, last]).toEqual([true, given])
  })
  return { pair, socket, open: () => open, given: () => given }
}

const limited = { listener: 'test', limit: 'slow_reader' }

test('an answer that its client does not read is cut after some minutes, and holds nothing any more', async () => {
  const { pair, open } = await endlessAnswer()
  await using closing = pair
  expect(open()).toBe(1)
  await closing.clock.advance(60_000)
  await closing.clock.advance(60_000)
  expect(open()).toBe(1)
  await closing.clock.advance(60_000)
  await eventually(() => expect(open()).toBe(0))
  expect(pair.metrics.value('shoal_http_limited_total', limited)).toBe(1)
  expect(pair.clock.pending).toBe(0)
})

test('an answer whose client reads a little now and then goes on', async () => {
  const { pair, socket, open, given } = await endlessAnswer()
  await using closing = pair
  for (let step = 0; step < 8; step += 1) {
    const before = given()
    socket.resume()
    await eventually(() => expect(given()).toBeGreaterThan(before))
    socket.pause()
    await closing.clock.advance(90_000)
  }
  expect(open()).toBe(1)
  expect(pair.metrics.value('shoal_http_limited_total', limited)).toBe(0)
  socket.destroy()
  await eventually(() => expect(open()).toBe(0))
})

const residentMib = async (pid: number) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

test.each([
  ['that it has', { arriving: false, readers: 500 }],
  ['that is still arriving', { arriving: true, readers: 500 }],
])(
  'hundreds of answers that nobody reads, of a blob %s, cost an agent little, and it serves others',
  async (_, { arriving, readers }) => {
    await using shoal = await startTopology({
      ...{ agents: 1, origins: 1, trackers: 1 },
      overrides: arriving ? ['agent.limits.download=20MB/s'] : [],
    })
    const bytes = cipherBytes('nobody reads this', 64 * MIB)
    const digest = digestOf(bytes)
    const path = `/v2/team/app/blobs/${digest}`
    await registryClient(shoal.url('proxy-1', 'registry')).pushBlob('team/app', digest, bytes)
    const agent = shoal.url('agent-1', 'registry')
    const pulled = async () => (await registryClient(agent).send('GET', path)).body
    if (!arriving) await pulled()
    const before = await residentMib(shoal.pid('agent-1'))
    const step = Math.floor((bytes.length - 4 * MIB) / readers)
    for (let at = 0; at < readers; at += 1) askUnread(agent, path, `Range: bytes=${at * step}-\r\n`)
    const ahead = () => shoal.counter('agent-1', 'shoal_read_ahead_bytes')
    await eventually(async () => expect(await ahead()).toBeGreaterThan(40 * MIB))
    // Whoever comes now gets everything, and in the meantime the others get as much as they ever will.
    expect(Buffer.compare(await pulled(), bytes)).toBe(0)
    expect(await ahead()).toBeLessThanOrEqual(64 * MIB)
    expect((await residentMib(shoal.pid('agent-1'))) - before).toBeLessThan(300)
    for (const socket of sockets) socket.destroy()
    await eventually(async () => expect(await ahead()).toBe(0))
  },
)
