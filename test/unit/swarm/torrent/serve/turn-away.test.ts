import { expect, test } from '@jest/globals'
import { background, fakeClock, seededRandom } from '../../../../../lib/base/index.ts'
import { swarmLimits } from '../../../../../lib/swarm/index.ts'
import type { PeerConnection, PeerEvents } from '../../../../../lib/swarm/peer/index.ts'
import { turnAway } from '../../../../../lib/swarm/torrent/serve/turn-away.ts'
import { scriptedPeer } from '../../../../kit/scripted-peer.ts'

function leaving() {
  const clock = fakeClock()
  const tasks = background(() => undefined)
  const connections = { open: 0, links: 0, halfOpen: 0, leaving: 0 }
  const limits = { ...swarmLimits, maxTurnedAway: 2 }
  const send = (name: string) => {
    const log: string[] = []
    let events: PeerEvents | undefined
    const connection: PeerConnection = {
      ...scriptedPeer(name, { pieces: 1 }).connection,
      attach: (given) => {
        events = given
      },
      sendBusy: () => void log.push('busy'),
      close: (err) => void log.push(err?.code ?? 'close'),
    }
    turnAway({ clock, random: seededRandom(1), limits, connections }, connection, { others: [], tasks })
    return { log, hangUp: () => events?.onClose(undefined) }
  }
  return { clock, tasks, connections, send }
}

test('gives only so many at one time a moment to read why', async () => {
  const { clock, connections, send } = leaving()
  const [first, second, third] = [send('a'), send('b'), send('c')]
  expect([first.log, second.log, third.log]).toEqual([['busy'], ['busy'], ['PEER_LIMIT']])
  await clock.advance(swarmLimits.turnAwayMs)
  expect([first.log, connections.leaving]).toEqual([['busy', 'PEER_LIMIT'], 0])
})

test('is over as soon as the peer hangs up, or its torrent stops', async () => {
  const { clock, tasks, connections, send } = leaving()
  const { hangUp } = send('a')
  send('b')
  hangUp()
  await clock.advance(0)
  expect(connections.leaving).toBe(1)
  await tasks.stop()
  expect([connections.leaving, clock.pending]).toEqual([0, 0])
})
