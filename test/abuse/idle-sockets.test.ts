import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { sendEmpty } from '../../lib/http/index.ts'
import { swarmLimits } from '../../lib/swarm/index.ts'
import { eventually } from '../kit/eventually.ts'
import { httpPair, route } from '../kit/http-pair.ts'
import { registryClient } from '../kit/registry-client.ts'
import { randomContent } from '../kit/store-fixture.ts'
import { startTopology } from '../kit/topology.ts'

/** Somebody who opens connections and says nothing. */

interface Dialled {
  readonly socket: Socket
  closed: boolean
  answer: string
}

const all = new Set<Socket>()

afterEach(() => {
  for (const socket of all) socket.destroy()
  all.clear()
})

async function dial(port: number, from = '127.0.0.1'): Promise<Dialled> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from })
  all.add(socket)
  const dialled: Dialled = { socket, closed: false, answer: '' }
  socket.setEncoding('latin1').on('data', (text: string) => {
    dialled.answer += text
  })
  socket
    .on('error', () => undefined)
    .once('close', () => {
      dialled.closed = true
    })
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  return dialled
}

describe('idle connections to a listener', () => {
  const limited = { listener: 'test', limit: 'connections' }

  test('go, the oldest first, when there is no place for new ones; those with a request stay', async () => {
    let finish: () => void = () => undefined
    const slow = route(['GET'], '/slow', async (exchange) => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      sendEmpty(exchange, 204)
    })
    const ping = route(['GET'], '/ping', (exchange) => sendEmpty(exchange, 204))
    await using pair = await httpPair([slow, ping], { server: { maxConnections: 4 } })
    const port = Number(new URL(pair.server.url).port)
    const ask = ({ socket }: Dialled, path: string) => socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
    const busy = await dial(port)
    const unset = finish
    ask(busy, '/slow')
    await eventually(() => expect(finish).not.toBe(unset))
    const idle = [await dial(port), await dial(port), await dial(port)]
    ask(idle[0]!, '/ping')
    await eventually(() => expect(idle[0]!.answer).toMatch(/^HTTP\/1.1 204/))
    const late = await dial(port)
    ask(late, '/ping')
    await eventually(() => expect(late.answer).toMatch(/^HTTP\/1.1 204/))
    await eventually(() => expect(idle.map(({ closed }) => closed)).toEqual([false, true, false]))
    finish()
    await eventually(() => expect(busy.answer).toMatch(/^HTTP\/1.1 204/))
    expect(pair.metrics.value('shoal_http_limited_total', limited)).toBe(1)
  })

  test('that all have a request keep theirs, and the new one is closed', async () => {
    const waiting: (() => void)[] = []
    const slow = route(['GET'], '/slow', async (exchange) => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      sendEmpty(exchange, 204)
    })
    await using pair = await httpPair([slow], { server: { maxConnections: 2 } })
    const port = Number(new URL(pair.server.url).port)
    const busy = [await dial(port), await dial(port)]
    for (const { socket } of busy) socket.write('GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await eventually(() => expect(waiting).toHaveLength(2))
    const late = await dial(port)
    await eventually(() => expect(late.closed).toBe(true))
    for (const finish of waiting) finish()
    await eventually(() => expect(busy.every(({ answer }) => answer.startsWith('HTTP/1.1 204'))).toBe(true))
  })
})

test('idle connections to the peer port of an origin do not close it to agents', async () => {
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] })
  const peerPort = Number(new URL(shoal.url('origin-1', 'peer')).port)
  const idle = await Promise.all(
    Array.from({ length: swarmLimits.maxPendingHandshakes + 20 }, () => dial(peerPort, '127.0.0.2')),
  )
  await eventually(() => expect(idle.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(20))
  const { bytes, digest } = randomContent(5_000_000, 8)
  expect((await registryClient(shoal.url('proxy-1', 'registry')).pushBlob('team/app', digest, bytes)).status).toBe(201)
  const pulled = await registryClient(shoal.url('agent-1', 'registry')).send('GET', `/v2/team/app/blobs/${digest}`)
  expect(Buffer.compare(pulled.body, bytes)).toBe(0)
  expect(await shoal.counter('agent-1', 'shoal_swarm_links')).toBeGreaterThanOrEqual(1)
})
