import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { fakeClock, systemClock } from '../../../lib/base/index.ts'
import { pieceLengthFor, swarmIdOf } from '../../../lib/core/index.ts'
import { dialPeer, type PeerConnection, tcpTransport } from '../../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { fetchWhole } from '../../kit/fetch-whole.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'
import { peerPair, peerSelf, recorder } from '../../kit/peer-pair.ts'

const host = '127.0.0.1'
const blob = blobFixture(3 * pieceLengthFor(0) + 4321)

/** Every block of the blob goes from one to the other. */
async function fetchAll(to: PeerConnection, from: PeerConnection) {
  expect(Buffer.compare(await fetchWhole(to, from, blob), blob.bytes)).toBe(0)
}

async function listening(server: Server) {
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  return { host, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

describe('peers over TCP', () => {
  test('the dialling one gets a whole blob', async () => {
    await using pair = await peerPair({ kind: 'tcp', blob })
    await fetchAll(pair.left, pair.right)
    expect(pair.right.hello.address.host).toBe(host)
  })

  test('the accepting one gets a whole blob', async () => {
    await using pair = await peerPair({ kind: 'tcp', blob })
    await fetchAll(pair.right, pair.left)
  })

  test('messages that came before anybody attached are still there', async () => {
    await using pair = await peerPair({ kind: 'tcp', blob })
    pair.right.attach(recorder())
    pair.right.sendInterested(true)
    for (let piece = 0; piece < 4; piece += 1) pair.right.sendHave(piece)
    await new Promise((resolve) => setImmediate(resolve))
    const events = recorder()
    pair.left.attach(events)
    await events.until('have 3')
    expect(events.log).toEqual(['interested', 'have 0', 'have 1', 'have 2', 'have 3'])
  })

  test('the end of one is told to the other', async () => {
    await using pair = await peerPair({ kind: 'tcp', blob })
    const events = recorder()
    pair.left.attach(events)
    pair.right.attach(recorder())
    pair.right.close()
    expect(await events.closed).toBe('PEER_CLOSED')
  })

  test('a port that is taken and a port that is closed have their codes', async () => {
    const server = createServer()
    const address = await listening(server)
    const transport = tcpTransport({ clock: systemClock() })
    await expect(transport.listen(address, () => undefined)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    server.close()
    await once(server, 'close')
    await expect(transport.dial(address)).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await expect(transport.dial(address, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('a host that accepts and then says nothing is given up after five seconds', async () => {
    const clock = fakeClock()
    const server = createServer((socket) => void socket.resume())
    const address = await listening(server)
    const arrived = once(server, 'connection')
    const dialling = dialPeer(
      { clock, logger: silentLogger(), transport: tcpTransport({ clock }) },
      { address, swarmId: swarmIdOf(blob.header.digest), header: blob.header, self: peerSelf(2) },
    )
    const refused = expect(dialling).rejects.toMatchObject({ code: 'WIRE_HANDSHAKE_FAILED' })
    const [socket] = (await arrived) as [NodeJS.ReadableStream]
    await once(socket, 'data')
    await clock.advance(5000)
    await refused
    expect(clock.pending).toBe(0)
    server.close()
  })

  test('a dial that is given up while it shakes hands leaves nothing behind', async () => {
    const clock = fakeClock()
    const server = createServer((socket) => void socket.resume())
    const address = await listening(server)
    const arrived = once(server, 'connection')
    const controller = new AbortController()
    const dialling = dialPeer(
      { clock, logger: silentLogger(), transport: tcpTransport({ clock }) },
      { address, swarmId: swarmIdOf(blob.header.digest), header: blob.header, self: peerSelf(2) },
      { signal: controller.signal },
    )
    const refused = expect(dialling).rejects.toMatchObject({ code: 'ABORTED' })
    const [socket] = (await arrived) as [NodeJS.ReadableStream]
    await once(socket, 'data')
    controller.abort()
    await refused
    await once(socket, 'close')
    expect(clock.pending).toBe(0)
    server.close()
  })
})
