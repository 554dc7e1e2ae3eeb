import { Server } from 'node:net'
import { afterEach, expect, jest, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { tcpTransport } from '../../../../lib/swarm/index.ts'

afterEach(() => {
  jest.restoreAllMocks()
})

test('a listener that cannot accept a connection, again and again, goes on', async () => {
  const listening = jest.spyOn(Server.prototype, 'listen')
  const listener = await tcpTransport({ clock: fakeClock() }).listen({ host: '127.0.0.1', port: 0 }, () => undefined)
  const server = listening.mock.contexts[0] as Server
  const emfile = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })
  try {
    for (let times = 0; times < 3; times += 1) expect(() => server.emit('error', emfile)).not.toThrow()
    expect(server.listening).toBe(true)
  } finally {
    await listener.close()
  }
})
