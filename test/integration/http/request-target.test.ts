import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { type Exchange, sendJson } from '../../../lib/http/index.ts'
import { type HttpPair, httpPair, route } from '../../kit/http-pair.ts'

const echo = (exchange: Exchange) => {
  const { path, params, query } = exchange
  sendJson(exchange, 200, { path, params, query: query.toString() })
}
const routes = ['/', '/v2', '/v2/', '/v2/*rest', '/namespace/:namespace/blobs/:digest'].map((path) =>
  route(['GET'], path, echo),
)

async function ask({ server }: HttpPair, target: string) {
  const socket = connect(server.address.port, server.address.host)
  await once(socket, 'connect')
  socket.write(`GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body: JSON.parse(body) as unknown }
}

test.each([
  '/',
  '/v2',
  '/v2/',
  '/v2/a/b/tags/list?n=1&last=x',
  '/v2//x',
  '/v2/%61',
  '/namespace/a%2Fb/blobs/c',
  '//v2/',
  '/%zz',
  '/none',
])('%s is answered alike in absolute form', async (target) => {
  await using pair = await httpPair(routes)
  const plain = await ask(pair, target)
  expect(await ask(pair, `http://localhost:80${target}`)).toEqual(plain)
  expect(await ask(pair, `HTTPS://localhost${target}`)).toEqual(plain)
})

test.each([
  ['http://localhost', 200],
  ['http://localhost?a=1', 200],
  ['http://other.test/v2/', 421],
  ['//v2/', 404],
  ['/v2/#a', 400],
  ['ftp://other.test/v2/', 400],
])('%s is %i', async (target, status) => {
  await using pair = await httpPair(routes)
  expect((await ask(pair, target)).status).toBe(status)
})
