import { describe, expect, test } from '@jest/globals'
import { codeOf, fakeClock, seededRandom, systemClock } from '../../lib/base/index.ts'
import { PieceMap, swarmIdOf } from '../../lib/core/index.ts'
import type { PeerProver } from '../../lib/swarm/index.ts'
import { swarmLimits } from '../../lib/swarm/limits.ts'
import { dialPeer, memoryNetwork, tcpTransport } from '../../lib/swarm/peer/index.ts'
import { encodeLaneMessage } from '../../lib/swarm/wire/lane-messages.ts'
import { type Side, transcript } from '../../lib/swarm/wire/membership.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import {
  extendedBytes,
  FOREIGN_NAME,
  type HostileScene,
  handshakeBytes,
  hostileScene,
  message,
  messagesIn,
  nonceIn,
  uint32,
} from '../kit/hostile-peer.ts'
import { blobFixture } from '../kit/metainfo-fixture.ts'
import { peerSelf } from '../kit/peer-pair.ts'
import { pushBlobOf } from '../kit/pushed-blob.ts'
import { everySecret, proverOf, secretOverrides } from '../kit/secrets.ts'
import { swarmBlob } from '../kit/swarm-blob.ts'
import { type LabNode, swarmLab } from '../kit/swarm-lab.ts'
import { startTopology } from '../kit/topology.ts'

/** Somebody reaches the peer port without the cluster's secret, and knows everything else. */

const prover = proverOf('the secret of the cluster')
const stranger = proverOf('a guess')
const nonce = Buffer.alloc(32, 7)
const peerId = peerSelf(66).peerId
const PROOF = 1
const proofMessage = (proof: Uint8Array) => message(20, Buffer.from([PROOF]), proof)

const kindsIn = (bytes: Buffer) => messagesIn(bytes).map((one) => (one[0] === 20 ? `extended ${one[1]}` : `${one[0]}`))

/** Speaks as a dialler up to the proof. */
async function greet(scene: HostileScene, shoal: object = { nonce }): Promise<Uint8Array> {
  scene.send(handshakeBytes(scene.swarmId), extendedBytes(scene.blob.header, shoal))
  await scene.settle()
  await scene.settle()
  return nonceIn(scene.received())!
}

const proofBy = (scene: HostileScene, by: PeerProver, theirs: Uint8Array, side: Side = 'dialler') =>
  by.prove(
    transcript(side, scene.swarmId, {
      dialler: { nonce, peerId },
      accepter: { nonce: theirs, peerId: peerSelf(1).peerId },
    }),
  )

describe('the peer port of a cluster with a secret', () => {
  test('lets in who proves that he knows it, and proves it back', async () => {
    await using scene = await hostileScene({ prover })
    scene.send(proofMessage(proofBy(scene, prover, await greet(scene))))
    await scene.victim
    expect(kindsIn(scene.received())).toEqual(['extended 0', 'extended 1'])
  })

  test.each([
    ['offers no proof', {}],
    ['offers a short nonce', { nonce: nonce.subarray(1) }],
    ['offers a nonce of another kind', { nonce: 7 }],
  ])('refuses who %s, and says nothing but its handshakes', async (_, shoal) => {
    await using scene = await hostileScene({ prover })
    await greet(scene, shoal)
    expect([await scene.outcome(), scene.refused]).toEqual(['closed', 'PEER_UNPROVEN'])
    expect(kindsIn(scene.received())).toEqual(['extended 0'])
  })

  test.each<[string, (scene: HostileScene, theirs: Uint8Array) => Uint8Array]>([
    ['of another secret', (scene, theirs) => proofBy(scene, stranger, theirs)],
    ['for the other side', (scene, theirs) => proofBy(scene, prover, theirs, 'accepter')],
    ['of another connection', (scene) => proofBy(scene, prover, Buffer.alloc(32, 9))],
    ['that is cut', (scene, theirs) => proofBy(scene, prover, theirs).subarray(1)],
    ['that is empty', () => new Uint8Array(0)],
  ])('refuses a proof %s, and proves nothing to whoever sent it', async (_, proof) => {
    await using scene = await hostileScene({ prover })
    scene.send(proofMessage(proof(scene, await greet(scene))))
    expect([await scene.outcome(), scene.refused]).toEqual(['closed', 'PEER_UNPROVEN'])
    expect(kindsIn(scene.received())).toEqual(['extended 0'])
  })

  test('refuses who never proves anything, within the time of the handshakes', async () => {
    await using scene = await hostileScene({ prover })
    await greet(scene)
    await scene.clock.advance(swarmLimits.handshakeTimeoutMs)
    expect([await scene.outcome(), scene.refused]).toEqual(['closed', 'PEER_UNPROVEN'])
  })

  test.each([
    ['has', message(4, uint32(0))],
    ['wants', message(6, uint32(0, 0, 16_384))],
    ['shows interest', message(2)],
  ])('believes nobody who %s something before he has proven himself', async (_, early) => {
    await using scene = await hostileScene({ prover })
    const theirs = await greet(scene)
    scene.send(early, proofMessage(proofBy(scene, prover, theirs)))
    expect([await scene.outcome(), scene.refused]).toEqual(['closed', 'PEER_UNPROVEN'])
  })

  test('opens no further swarm to who has not proven himself, and asks for no second proof', async () => {
    const other = blobFixture(700_000, seededRandom(2))
    const open = (lane: number) => encodeLaneMessage({ kind: 'open', lane, header: other.header })
    await using scene = await hostileScene({ prover, shared: [other] })
    const theirs = await greet(scene, { nonce, lanes: 1 })
    scene.send(open(2))
    await scene.settle()
    expect([kindsIn(scene.received()), scene.lanes.length]).toEqual([['extended 0'], 0])
    scene.send(proofMessage(proofBy(scene, prover, theirs)))
    await scene.victim
    scene.send(open(4))
    for (let turn = 0; turn < 5; turn += 1) await scene.settle()
    expect(kindsIn(scene.received())).toEqual(['extended 0', 'extended 1', 'extended 4'])
    expect(scene.lanes).toHaveLength(1)
  })

  test('takes no client of others, also where such are let in', async () => {
    await using scene = await hostileScene({ prover, foreignPeers: true })
    scene.send(handshakeBytes(FOREIGN_NAME, { reserved: '0000000000000004' }))
    expect(await scene.outcome()).toBe('closed')
  })
})

describe('a member that dials', () => {
  /** Somebody who listens, and answers the extension handshake as `answer` says, given what the dialler sent. */
  async function dialled(answer: (sent: Buffer) => readonly Uint8Array[]): Promise<string | undefined> {
    const clock = fakeClock()
    const network = memoryNetwork()
    const blob = blobFixture(1_000_000)
    const swarmId = swarmIdOf(blob.header.digest)
    const sent: Uint8Array[] = []
    const listener = await network.host('10.6.6.6').listen({ host: '10.6.6.6', port: 0 }, (channel) => {
      channel.write(handshakeBytes(swarmId))
      const queue = [0, 1]
      channel.read({
        onBytes: (chunk) => {
          sent.push(Uint8Array.from(chunk))
          const so = Buffer.concat(sent)
          if (messagesIn(so).length > (queue[0] ?? 99)) {
            queue.shift()
            for (const part of answer(so)) channel.write(part)
          }
        },
        onClose: () => undefined,
      })
    })
    const dialling = dialPeer(
      { clock, logger: silentLogger(), transport: network.host('10.0.0.2') },
      { address: listener.address, swarmId, header: blob.header, self: peerSelf(2), prover },
    ).then(
      (connection) => {
        connection.close()
        return 'connected'
      },
      (err: unknown) => codeOf(err),
    )
    for (let turn = 0; turn < 20; turn += 1) await clock.advance(0)
    await clock.advance(swarmLimits.handshakeTimeoutMs)
    await listener.close()
    return dialling
  }

  const { header } = blobFixture(1_000_000)

  test('is not taken in by its own nonce and its own proof', async () => {
    const outcome = await dialled((sent) => {
      const proof = messagesIn(sent).find((one) => one[0] === 20 && one[1] === PROOF)
      return proof === undefined
        ? [extendedBytes(header, { nonce: nonceIn(sent) ?? nonce })]
        : [message(20, proof.subarray(1))]
    })
    expect(outcome).toBe('PEER_UNPROVEN')
  })

  test('waits no longer than the handshakes may take for the proof of the other side', async () => {
    const outcome = await dialled((sent) => (messagesIn(sent).length > 1 ? [] : [extendedBytes(header, { nonce })]))
    expect(outcome).toBe('PEER_UNPROVEN')
  })

  test('refuses who has no secret at all', async () => {
    const outcome = await dialled((sent) => (messagesIn(sent).length > 1 ? [] : [extendedBytes(header)]))
    expect(outcome).toBe('PEER_UNPROVEN')
  })
})

describe('services with secrets', () => {
  test('let in at their peer ports only who proves that he knows it', async () => {
    const size = { agents: 1, origins: 1, trackers: 1 }
    await using shoal = await startTopology({
      ...size,
      processes: [],
      overrides: [...secretOverrides(), 'proxy.anonymous=write'],
    })
    const { digest, path } = await pushBlobOf(shoal, 'team/private', 3_000_000)
    const pulled = await fetch(shoal.url('agent-1', 'registry') + path)
    expect([pulled.status, (await pulled.arrayBuffer()).byteLength]).toEqual([200, 3_000_000])
    const clock = systemClock()
    const header = { digest, length: 3_000_000, pieceLength: new PieceMap(3_000_000).pieceLength }
    const knock = (id: string, by: PeerProver | undefined) => {
      const { hostname: host, port } = new URL(shoal.url(id, 'peer'))
      return dialPeer(
        { clock, logger: silentLogger(), transport: tcpTransport({ clock }) },
        { address: { host, port: Number(port) }, swarmId: swarmIdOf(digest), header, self: peerSelf(2), prover: by },
      )
    }
    for (const id of ['origin-1', 'agent-1']) {
      ;(await knock(id, proverOf(everySecret.node))).close()
      await expect(knock(id, stranger)).rejects.toMatchObject({ code: 'PEER_CLOSED' })
      const metrics = `${shoal.url(id, 'ops')}/metrics`
      const text = await (await fetch(metrics)).text()
      expect(text).toContain('shoal_swarm_unproven_peers_total{direction="accepted"} 1')
    }
  })
})

describe('a swarm', () => {
  const blob = swarmBlob(5, 9_000_000)
  const unprovenAt = (node: LabNode, direction: string) =>
    node.metrics.value('shoal_swarm_unproven_peers_total', { direction })

  test('of members shares a blob as without a secret', async () => {
    await using lab = swarmLab([blob])
    const origin = await lab.origin({ prover })
    const first = await lab.agent({ prover })
    const second = await lab.agent({ prover })
    await lab.run(first.pull(blob))
    expect(Buffer.compare(await lab.run(second.pull(blob)), blob.bytes)).toBe(0)
    expect(second.received.peer).toBeGreaterThan(0)
    expect(unprovenAt(origin, 'accepted')).toBe(0)
  })

  test.each([
    ['without the secret', undefined],
    ['with another secret', stranger],
  ])('gives nothing to a node %s, and counts it', async (_, own) => {
    await using lab = swarmLab([blob])
    const origin = await lab.origin({ prover })
    const outsider = await lab.agent({ prover: own })
    await lab.run(outsider.pull(blob))
    expect(origin.sentToPeers).toBe(0)
    expect(unprovenAt(origin, 'accepted')).toBeGreaterThan(0)
  })

  test('takes nothing from a node without the secret', async () => {
    await using lab = swarmLab([blob])
    const outsider = await lab.origin()
    const member = await lab.agent({ prover })
    await lab.run(member.pull(blob))
    expect(outsider.sentToPeers).toBe(0)
    expect(unprovenAt(member, 'dialled')).toBeGreaterThan(0)
  })
})
