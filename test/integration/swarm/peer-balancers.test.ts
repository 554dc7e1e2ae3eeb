import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { peerBalancersOf } from '../../../lib/service/index.ts'
import { tcpTransport } from '../../../lib/swarm/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { proxyHeader } from '../../kit/proxy-header.ts'

type Transport = ReturnType<typeof tcpTransport>
type Channel = Parameters<Parameters<Transport['listen']>[1]>[0]
type Listener = Awaited<ReturnType<Transport['listen']>>

const host = '127.0.0.1'
const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A listener for peers behind a balancer at 127.0.0.1, with 127.0.0.2 beside it. */
async function behind() {
  const metrics = recordingMetrics()
  const proxyProtocol = { from: [`${host}/32`], direct: ['127.0.0.2/32'] }
  const peer = { bind: { host, port: 0 }, insecure: false, tls: 'auto', proxyProtocol } as const
  const clock = fakeClock()
  const balancers = peerBalancersOf({ clock, logger: silentLogger(), metrics }, { peer })
  const channels: Channel[] = []
  const listener: Listener = await tcpTransport({ clock, balancers }).listen({ host, port: 0 }, (channel) => {
    channels.push(channel)
  })
  ends.push(() => void listener.close())
  ends.push(() => {
    for (const channel of channels) channel.destroy()
  })
  const open = (from = host) => {
    const socket = connect({ ...listener.address, localAddress: from }).on('error', () => undefined)
    ends.push(() => socket.destroy())
    return socket
  }
  const outcomes = (outcome: string) => metrics.value('shoal_balanced_connections_total', { listener: 'peer', outcome })
  const arrived = () => eventually(() => channels[0] ?? Promise.reject(new Error('nobody has come')))
  return { open, outcomes, channels, arrived, listener }
}

const closing = (socket: Socket) => new Promise((resolve) => socket.resume().once('close', resolve))

const firstBytes = (channel: Channel) =>
  new Promise<string>((resolve) => {
    channel.read({ onBytes: (bytes) => resolve(Buffer.from(bytes).toString()), onClose: () => resolve('closed') })
  })

describe('a listener for peers behind balancers', () => {
  test('has a peer that comes from where its balancer says, and loses no byte behind the header', async () => {
    const at = await behind()
    at.open().write(Buffer.concat([proxyHeader({ address: '10.2.0.11', port: 4711 }), Buffer.from('hello')]))
    const channel = await at.arrived()
    expect(channel.remote).toEqual({ host: '10.2.0.11', port: 4711 })
    expect(await firstBytes(channel)).toBe('hello')
    expect(at.outcomes('stated')).toBe(1)
  })

  test('takes those beside the balancer as they are', async () => {
    const at = await behind()
    at.open('127.0.0.2').write('hello')
    const channel = await at.arrived()
    expect(channel.remote.host).toBe('127.0.0.2')
    expect(await firstBytes(channel)).toBe('hello')
  })

  test('knows a balancer that looks whether it lives, and no peer in it', async () => {
    const at = await behind()
    const socket = at.open()
    socket.write(proxyHeader(undefined))
    await closing(socket)
    expect([at.outcomes('local'), at.channels]).toEqual([1, []])
  })

  test.each<[string, string, Uint8Array | string, string]>([
    ['the balancer without a header', host, `\u0013BitTorrent protocol${'\0'.repeat(48)}`, 'invalid'],
    ['a stranger with a header', '127.0.0.3', proxyHeader({ address: '10.2.0.11', port: 1 }), 'untrusted'],
  ])('ends a connection of %s', async (_, from, bytes, outcome) => {
    const at = await behind()
    const socket = at.open(from)
    socket.write(bytes)
    await closing(socket)
    expect([at.outcomes(outcome), at.channels]).toEqual([1, []])
  })

  test('ends connections without a header when it closes', async () => {
    const at = await behind()
    const socket = at.open()
    await once(socket, 'connect')
    const closed = closing(socket)
    await at.listener.close()
    await closed
  })
})
