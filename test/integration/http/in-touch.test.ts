import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { appError, type Clock, deferred, fakeClock } from '../../../lib/base/index.ts'
import { httpClient, inTouch } from '../../../lib/http/index.ts'
import { eventually } from '../../kit/eventually.ts'

const LIMIT_MS = 8_000

/** A server whose answer takes until `work` resolves, and a client; `waits` counts how often its time limit started. */
async function atWork() {
  const clock = fakeClock()
  const work = deferred<string>()
  let waits = 0
  const counting: Clock = {
    ...clock,
    setTimer(delayMs, fn, init) {
      if (delayMs === LIMIT_MS) waits += 1
      return clock.setTimer(delayMs, fn, init)
    },
  }
  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    try {
      res.end(await inTouch(clock, { req, res }, work.promise))
    } catch {
      res.writeHead(503).end()
    }
  }
  const asked = deferred()
  const server = createServer((req, res) => {
    asked.resolve()
    void answer(req, res)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = httpClient({ clock: counting })
  return {
    ...{ clock, work, port, asked: asked.promise },
    waits: () => waits,
    get: () => client.request({ method: 'GET', url: `http://127.0.0.1:${port}/`, headersTimeoutMs: LIMIT_MS }),
    async [Symbol.asyncDispose]() {
      await client.stop()
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('a server at work', () => {
  test('is waited for longer than a silent one', async () => {
    await using it = await atWork()
    const answer = it.get()
    await it.asked
    for (const beat of [1, 2, 3, 4]) {
      await it.clock.advance(5_000)
      await eventually(() => expect(it.waits()).toBe(1 + beat))
    }
    it.work.resolve('done')
    expect(await text((await answer).body)).toBe('done')
    expect(it.clock.pending).toBe(0)
  })

  test('may fail after it has said that it is at work', async () => {
    await using it = await atWork()
    const answer = it.get()
    await it.asked
    await it.clock.advance(5_000)
    it.work.reject(appError('BACKEND_UNAVAILABLE'))
    expect((await answer).status).toBe(503)
  })

  test('says nothing in between to a client of HTTP/1.0', async () => {
    await using it = await atWork()
    const socket = connect(it.port, '127.0.0.1')
    socket.write('GET / HTTP/1.0\r\n\r\n')
    await it.asked
    await it.clock.advance(5_000)
    it.work.resolve('done')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /)
  })
})
