import { connect } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { codeOf, deferred } from '../../../lib/base/index.ts'
import { readBytes, readJson, sendJson } from '../../../lib/http/index.ts'
import { type HttpPair, httpPair, route } from '../../kit/http-pair.ts'

/** A server that reads JSON of up to 10 bytes and records the result. */
const reader = async () => {
  const outcome = deferred<unknown>()
  const pair = await httpPair([
    route(['POST'], '/json', async (exchange) => sendJson(exchange, 200, await readJson(exchange, 10))),
    route(['POST'], '/bytes', async (exchange) => {
      try {
        await readBytes(exchange, 10, { idleTimeoutMs: 20 })
        outcome.resolve('read')
      } catch (err) {
        outcome.resolve(codeOf(err))
        throw err
      }
    }),
  ])
  return Object.assign(pair, { outcome })
}

const json = { 'content-type': 'application/json' }

const post = async (pair: HttpPair, path: string, body: string, given: Record<string, string> = {}) => {
  const headers = { ...json, ...given }
  const response = await pair.client.request({ method: 'POST', url: pair.url(path), body: Buffer.from(body), headers })
  return [response.status, await response.json(1000)] as const
}

const raw = (pair: HttpPair, head: string) => {
  const socket = connect(pair.server.address.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString())).on('error', () => undefined)
  socket.write(`POST /bytes HTTP/1.1\r\nhost: localhost\r\n${head}\r\n`)
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  return { socket, ended }
}

describe('readJson', () => {
  test('parses what fits', async () => {
    await using pair = await reader()
    expect(await post(pair, '/json', '{"a":true}')).toEqual([200, { a: true }])
  })

  test.each([
    ['{"a":', 'BODY_INVALID', 400],
    ['', 'BODY_INVALID', 400],
    ['{"a": true}', 'BODY_TOO_LARGE', 413],
  ])('refuses %p with %s', async (body, code, status) => {
    await using pair = await reader()
    expect(await post(pair, '/json', body)).toEqual([status, { error: expect.objectContaining({ code }) }])
  })

  test('refuses bytes that are no UTF-8', async () => {
    await using pair = await reader()
    const body = Uint8Array.of(0x22, 0xff, 0x22)
    const response = await pair.client.request({ method: 'POST', url: pair.url('/json'), body, headers: json })
    expect(await response.json(1000)).toMatchObject({ error: { code: 'BODY_INVALID' } })
  })
})

describe('readBytes', () => {
  test('refuses a declared length above the limit before a byte has come', async () => {
    await using pair = await reader()
    const { socket } = raw(pair, 'content-length: 11\r\n')
    expect(await pair.outcome.promise).toBe('BODY_TOO_LARGE')
    socket.destroy()
  })

  test('refuses an undeclared length once it passes the limit', async () => {
    await using pair = await reader()
    const { socket } = raw(pair, 'transfer-encoding: chunked\r\n')
    socket.write('b\r\n12345678901\r\n')
    expect(await pair.outcome.promise).toBe('BODY_TOO_LARGE')
    socket.destroy()
  })

  test('gives up on a body that stalls, says so, and closes the connection', async () => {
    await using pair = await reader()
    const { ended } = raw(pair, 'content-length: 5\r\n')
    expect(await pair.outcome.promise).toBe('BODY_TOO_SLOW')
    const text = await ended
    expect(text).toContain('408')
    expect(text.toLowerCase()).toContain('connection: close')
  })

  test('ends with the client that goes in the middle', async () => {
    await using pair = await reader()
    const { socket } = raw(pair, 'content-length: 5\r\n')
    socket.write('12', () => socket.destroy())
    expect(await pair.outcome.promise).toBe('ABORTED')
  })
})
