import { expect, test } from '@jest/globals'
import { Bitset } from '../../../../lib/base/index.ts'
import { blobFixture } from '../../../kit/metainfo-fixture.ts'
import { peerPair, recorder } from '../../../kit/peer-pair.ts'

test('new pieces are told in one event, to an origin always and to an agent only when it lacks them', async () => {
  await using pair = await peerPair({ blob: blobFixture(2_250_000) })
  const { left: agent, right: origin, clock } = pair
  const [atAgent, atOrigin] = [recorder(), recorder()]
  const counts = { agent: 0, origin: 0 }
  const counting = (name: keyof typeof counts, events: typeof atAgent) => ({
    ...events,
    onHave: (pieces: readonly number[] | undefined) => {
      counts[name] += 1
      events.onHave(pieces)
    },
  })
  agent.attach(counting('agent', atAgent))
  origin.attach(counting('origin', atOrigin))
  agent.sendBitfield(Bitset.from(9, Uint8Array.of(0b1100_0000, 0)))
  origin.sendBitfield(Bitset.from(9, Uint8Array.of(0b1000_0000, 0)))
  await atOrigin.until('have set')
  for (const piece of [1, 4, 2]) {
    origin.sendHave(piece)
    agent.sendHave(piece)
  }
  await clock.advance(100)
  // The agent has said that it has piece 1.
  expect(atAgent.log).toEqual(['have set', 'have 2', 'have 4'])
  expect([...agent.remoteHave]).toEqual([0, 2, 4])
  expect(atOrigin.log).toEqual(['have set', 'have 2', 'have 4'])
  expect(counts).toEqual({ agent: 2, origin: 2 })
})
