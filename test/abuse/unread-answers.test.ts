import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, expect, test } from '@jest/globals'
import { sendStream } from '../../lib/http/index.ts'
import { eventually } from '../kit/eventually.ts'
import { httpPair, route } from '../kit/http-pair.ts'

/** Somebody who asks for much and does not read it. */

const MIB = 1024 * 1024
const sockets = new Set<Socket>()

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
})

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
  const { port } = new URL(pair.server.url)
  const socket = connect(Number(port), '127.0.0.1')
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.write('GET /endless HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  socket.pause()
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
