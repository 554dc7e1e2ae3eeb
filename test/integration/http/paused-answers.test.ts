import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'

/** As long as what a client takes before its reader reads: the last byte pauses the parser. */
const body = cipherBytes('answer', 128 * 1024)
const chunk = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
const close = 'Connection: close\r\n'

/** What a reader gets who begins to read when the server has closed the connection, and another answer has come since. */
async function readLate(head: string, sent: Buffer): Promise<Buffer> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n`)
      socket.end(sent)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const closed = once(server, 'connection').then(([socket]) => once(socket as Socket, 'finish'))
  const client = httpClient({ clock: systemClock() })
  await client.start()
  try {
    const { port } = server.address() as AddressInfo
    const request = { method: 'GET', url: `http://127.0.0.1:${port}/` } as const
    const answer = await client.request(request)
    await closed
    const another = await client.request({ ...request, lane: 'download' })
    await buffer(another.body).catch(() => undefined)
    return await buffer(answer.body)
  } finally {
    await client.stop()
    server.close()
  }
}

test.each([
  ['with a length', `Content-Length: ${body.length}\r\n${close}`, body],
  ['in chunks', `Transfer-Encoding: chunked\r\n${close}`, Buffer.concat([chunk(body), Buffer.from('0\r\n\r\n')])],
  ['until the end of the connection', close, body],
])('an answer %s is read whole by a slow reader when the connection was closed behind it', async (_, head, sent) => {
  expect((await readLate(head, sent)).equals(body)).toBe(true)
})

test.each([
  ['with a length', `Content-Length: ${body.length + 1}\r\n${close}`, body],
  ['in chunks', `Transfer-Encoding: chunked\r\n${close}`, chunk(body)],
])('an answer %s that lacks its end is no whole one for a slow reader either', async (_, head, sent) => {
  await expect(readLate(head, sent)).rejects.toThrow()
})
