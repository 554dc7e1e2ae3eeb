import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { adminClient, agentAdmin } from '../../../lib/api/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { startTopology } from '../../kit/topology.ts'

/** A client like those of caches: it keeps to its one connection for as long as it may. */
function faithfulClient(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const sockets: Socket[] = []
  const ask = async () => {
    const sent = request(url, { agent }).end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const { socket } = answer
    if (!sockets.includes(socket)) sockets.push(socket)
    let bytes = 0
    for await (const chunk of answer) bytes += (chunk as Buffer).length
    return { status: answer.statusCode, bytes, connection: answer.headers.connection }
  }
  return { ask, sockets, [Symbol.asyncDispose]: async () => agent.destroy() }
}

const size = 100_000

const lab = () =>
  buildResource(async (stack) => {
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 1, origins: 1, trackers: 1, processes: ['agent-1'] },
        overrides: ['agent.leave.after=1s', 'agent.leave.close=3s'],
      }),
    )
    const blob = await pushBlobOf(shoal, 'left', size)
    const client = stack.own(faithfulClient(shoal.url('agent-1', 'registry') + blob.path))
    const http = httpClient({ clock: systemClock() })
    await http.start()
    stack.own({ [Symbol.asyncDispose]: () => http.stop() })
    const admin = adminClient(http, shoal.url('agent-1', 'admin'), agentAdmin)
    const ready = async () => (await fetch(`${shoal.url('agent-1', 'ops')}/readyz`)).status
    return { shoal, client, admin, ready }
  })

const KEPT = { status: 200, bytes: size, connection: 'keep-alive' }
const CLOSED = { status: 200, bytes: size, connection: 'close' }

test('an agent that leaves serves on, is not ready, and asks its clients to go when those who read its name know it no more', async () => {
  await using it = await lab()
  const { shoal, client, admin, ready } = it
  expect([await client.ask(), await client.ask()]).toEqual([KEPT, KEPT])
  expect(client.sockets).toHaveLength(1)
  expect(await admin.drain({})).toEqual({ state: 'serving' })
  await admin.leave({})
  expect(await ready()).toBe(503)
  await eventually(async () => {
    const answer = await client.ask()
    expect(answer.bytes).toBe(size)
    expect(answer).toEqual(CLOSED)
  })
  expect(await admin.drain({})).toEqual({ state: 'closing' })
  const before = client.sockets.length
  expect(await client.ask()).toEqual(CLOSED)
  expect(client.sockets).toHaveLength(before + 1)

  expect(await admin.stay({})).toEqual({ state: 'serving' })
  expect(await ready()).toBe(200)
  expect([await client.ask(), await client.ask()]).toEqual([KEPT, KEPT])

  const stopped = shoal.stop('agent-1')
  await eventually(async () => expect(await ready()).toBe(503))
  await eventually(async () => expect(await client.ask()).toEqual(CLOSED))
  expect(await stopped).toBe(0)
})
