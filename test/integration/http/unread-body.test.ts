import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from '@jest/globals'
import { sendEmpty } from '../../../lib/http/index.ts'
import { type HttpPair, httpPair, route } from '../../kit/http-pair.ts'

/** Refuses every body unread, and keeps the connection. */
const refuser = () => httpPair([route(['POST'], '/', (exchange) => sendEmpty(exchange, 403))])

/** A request whose head has been answered; `ended` resolves when the listener closes the connection. */
async function refused({ server }: HttpPair, framing: string) {
  const socket = connect(server.address.port, server.address.host).on('error', () => undefined)
  const ended = new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()))
  socket.write(`POST / HTTP/1.1\r\nhost: localhost\r\n${framing}\r\n\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 403 .*connection: keep-alive/is)
  return { socket, ended }
}

test('the rest of a body that comes too slowly is waited for five seconds', async () => {
  await using pair = await refuser()
  const { socket, ended } = await refused(pair, 'content-length: 10')
  socket.write('half ')
  await pair.clock.advance(4_999)
  socket.write('and')
  expect(socket.readableEnded).toBe(false)
  await pair.clock.advance(1)
  await ended
})

test('of a body without a length no more than the limit is read', async () => {
  await using pair = await refuser()
  const { socket, ended } = await refused(pair, 'transfer-encoding: chunked')
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')])
  let sent = 0
  const goOn = () => {
    while (socket.writable && socket.write(chunk)) sent += chunk.length
  }
  socket.on('drain', goOn)
  goOn()
  await ended
  expect(sent).toBeGreaterThan(0)
  socket.destroy()
})
