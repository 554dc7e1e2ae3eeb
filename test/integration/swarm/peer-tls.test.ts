import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { pieceLengthFor } from '../../../lib/core/index.ts'
import { acceptPeers, type PeerConnection, type PeerTls, tcpTransport } from '../../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { fetchWhole } from '../../kit/fetch-whole.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'
import { type PeerPairInit, peerPair, peerSelf } from '../../kit/peer-pair.ts'
import { handHeld, testAuthority, type tlsTexts } from '../../kit/tls-authority.ts'

const blob = blobFixture(2 * pieceLengthFor(0) + 4321)
const [ours, theirs] = [testAuthority('ours'), testAuthority('theirs')]
const isolated: PeerTls = { material: handHeld(undefined, [ours]), plainToo: false }

const speaking = (...texts: Parameters<typeof tlsTexts>): PeerTls => ({ material: handHeld(...texts), plainToo: false })
const member = () => speaking(ours.issue(), [ours])
const mixed = (): PeerTls => ({ ...member(), plainToo: true })

const pairOf = (tls: PeerPairInit['tls'], more: Partial<PeerPairInit> = {}) =>
  peerPair({ kind: 'tcp', blob, ...(tls !== undefined && { tls }), ...more })

/** Every block of the blob goes from one to the other. */
async function fetchAll(to: PeerConnection, from: PeerConnection) {
  expect(Buffer.compare(await fetchWhole(to, from, blob), blob.bytes)).toBe(0)
}

describe('peers that speak TLS', () => {
  test('give each other a whole blob, in both directions', async () => {
    await using pair = await pairOf({ listening: member(), dialling: member() })
    await fetchAll(pair.left, pair.right)
    await using back = await pairOf({ listening: member(), dialling: member() })
    await fetchAll(back.right, back.left)
  })

  test('change from one authority to another while both are trusted', async () => {
    const old = speaking(ours.issue(), [ours, theirs])
    const fresh = speaking(theirs.issue(), [ours, theirs])
    await using there = await pairOf({ listening: old, dialling: fresh })
    await fetchAll(there.left, there.right)
    await using back = await pairOf({ listening: fresh, dialling: old })
    await fetchAll(back.left, back.right)
  })
})

describe('a peer that speaks TLS', () => {
  test.each<[string, PeerTls | undefined]>([
    ['without TLS', undefined],
    ['without a certificate', isolated],
    ['with a certificate of another authority', speaking(theirs.issue(), [ours])],
    ['with a certificate that has ended', speaking(ours.issue({ days: -0.001 }), [ours])],
  ])('lets nobody in %s, and ends the connection at once', async (_, dialling) => {
    const refused: unknown[] = []
    const dialled = pairOf({ listening: member(), dialling }, { onRefused: (err) => refused.push(err) })
    await expect(dialled).rejects.toMatchObject({
      code: expect.stringMatching(/^(PEER_CLOSED|WIRE_HANDSHAKE_FAILED)$/),
    })
    await eventually(() => expect(refused).toMatchObject([{ code: 'PEER_UNPROVEN' }]))
  })

  test.each<[string, PeerTls, string]>([
    ['has a certificate of another authority', speaking(theirs.issue(), [ours, theirs]), 'compare tls.authorities'],
    [
      'has a certificate for another host',
      speaking(ours.issue({ hosts: ['10.9.8.7'] }), [ours]),
      'does not name 127.0.0.1',
    ],
  ])('takes no peer that %s', async (_, listening, reason) => {
    const failure = { code: 'PEER_UNPROVEN', message: expect.stringContaining(reason) }
    await expect(pairOf({ listening, dialling: member() })).rejects.toMatchObject(failure)
  })

  test('dials none that speaks no TLS', async () => {
    const failure = { code: 'PEER_CLOSED', message: expect.stringContaining('speaks none') }
    await expect(pairOf({ listening: undefined, dialling: member() })).rejects.toMatchObject(failure)
  })
})

describe('a peer that is told to speak both', () => {
  test.each<[string, PeerTls | undefined, PeerTls | undefined]>([
    ['lets in one without TLS', mixed(), undefined],
    ['lets in one with TLS', mixed(), member()],
    ['dials one without TLS', undefined, mixed()],
    ['dials one with TLS', member(), mixed()],
  ])('%s', async (_, listening, dialling) => {
    await using pair = await pairOf({ listening, dialling })
    await fetchAll(pair.left, pair.right)
  })

  test('still lets nobody in with a wrong certificate', async () => {
    const refused: unknown[] = []
    const dialling = speaking(theirs.issue(), [ours])
    const dialled = pairOf({ listening: mixed(), dialling }, { onRefused: (err) => refused.push(err) })
    await expect(dialled).rejects.toMatchObject({ code: expect.any(String) })
    await eventually(() => expect(refused).toMatchObject([{ code: 'PEER_UNPROVEN' }]))
  })
})

describe('handshakes that do not end', () => {
  /** A port for peers with TLS, to which connections are made that say `bytes`. */
  async function port() {
    const clock = fakeClock()
    const init = { self: peerSelf(1), admit: async () => blob.header, onPeer: () => undefined }
    const acceptor = acceptPeers({ clock, logger: silentLogger() }, init)
    const transport = tcpTransport({ clock, peerTls: member() })
    const listener = await transport.listen({ host: '127.0.0.1', port: 0 }, acceptor.accept)
    return {
      clock,
      async dial(bytes: readonly number[]) {
        const socket = connect(listener.address.port, '127.0.0.1').resume()
        socket.on('error', () => undefined)
        await once(socket, 'connect')
        if (bytes.length > 0) socket.write(Buffer.from(bytes))
        return socket
      },
      async [Symbol.asyncDispose]() {
        await listener.close()
        await acceptor.stop()
      },
    }
  }

  test.each([[[]], [[0x16]], [[0x16, 3, 1, 2, 0, 1, 0]]])('are over after five seconds: %j', async (bytes) => {
    await using at = await port()
    const socket = await at.dial(bytes)
    const closed = once(socket, 'close')
    await eventually(async () => {
      await at.clock.advance(1_000)
      expect(socket.closed).toBe(true)
    })
    await closed
    await eventually(() => expect(at.clock.pending).toBe(0))
  })

  test('are limited in number: the oldest makes room', async () => {
    await using at = await port()
    const first = await at.dial([0x16, 3, 1])
    const closed = once(first, 'close')
    const others = []
    for (let i = 0; i < 64; i += 1) others.push(await at.dial([0x16, 3, 1]))
    await closed
    expect(others.filter((socket) => socket.closed)).toEqual([])
    for (const socket of others) socket.destroy()
  })
})
