import { describe, expect, test } from '@jest/globals'
import { Bitset, codeOf } from '../../lib/base/index.ts'
import { swarmIdOf } from '../../lib/core/index.ts'
import { dialPeer } from '../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { fetchBlock } from '../kit/fetch-block.ts'
import { peerSelf, recorder } from '../kit/peer-pair.ts'
import { swarmBlob } from '../kit/swarm-blob.ts'
import { swarmLab } from '../kit/swarm-lab.ts'

/** A member says in the handshake of a peer connection that it is an origin, and no tracker says so. */

const MIB = 1024 * 1024

describe('who calls itself an origin', () => {
  test('is given no more by an origin than any agent', async () => {
    const blob = swarmBlob(1, 4 * MIB)
    await using lab = swarmLab([blob])
    const origin = await lab.origin()
    const ask = async (id: number) => {
      const transport = lab.network.host(`10.6.6.${id}`)
      const self = peerSelf(id, 'origin')
      const components = { clock: lab.clock, logger: silentLogger(), transport }
      const target = { address: origin.engine.address, swarmId: swarmIdOf(blob.digest), header: blob.header, self }
      const connection = await lab.run(dialPeer(components, target))
      const events = recorder()
      connection.attach(events)
      connection.sendBitfield(new Bitset(blob.map.count))
      connection.sendInterested(true)
      await lab.run(events.until('unchoke'))
      const block = { piece: 0, offset: 0, length: 16_384 }
      const outcome = fetchBlock(connection, block, new Uint8Array(block.length)).then(() => 'given', codeOf)
      return lab.run(outcome)
    }
    expect([await ask(66), await ask(67)]).toEqual(['given', 'PEER_REJECTED'])
    expect(origin.metrics.value('shoal_swarm_admission_total', { answer: 'busy' })).toBe(1)
  })

  test('counts as an agent for agents, whoever of them dials', async () => {
    const blob = swarmBlob(2, 8 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin({ uploadBytesPerSecond: MIB })
    const nodes = [
      await lab.agent(),
      await lab.agent({ role: 'origin', announcedAs: 'agent' }),
      await lab.agent({ role: 'origin', announcedAs: 'agent' }),
      await lab.agent(),
    ]
    const pulls = Promise.all(nodes.map((node) => node.pull(blob)))
    await lab.clock.advance(3_000)
    for (const at of [0, 3]) {
      const peers = nodes[at]?.engine.snapshot()[0]?.peers ?? []
      const liars = peers.filter(({ peerId }) => peerId === nodes[1]?.peerId || peerId === nodes[2]?.peerId)
      expect(liars.map(({ role }) => role)).toEqual(['agent', 'agent'])
      expect(peers.filter(({ role }) => role === 'origin')).toHaveLength(1)
    }
    await lab.run(pulls)
  })
})
