import { expect, test } from '@jest/globals'
import { background, fakeClock, seededRandom, wheel } from '../../../../../lib/base/index.ts'
import { newPeerId, type PeerInfo } from '../../../../../lib/core/index.ts'
import { swarmLimits } from '../../../../../lib/swarm/limits.ts'
import { Contacts } from '../../../../../lib/swarm/torrent/meet/contacts.ts'

const random = seededRandom(6)
const peer: PeerInfo = { peerId: newPeerId(random), host: '10.0.0.1', port: 1, role: 'agent', complete: true }

function meeting() {
  const clock = fakeClock()
  const dialled: PeerInfo[] = []
  const connections = { open: 0, links: 0, halfOpen: 0, leaving: 0 }
  const contacts: Contacts = new Contacts(
    { clock, wheel: wheel(clock), random, limits: swarmLimits, connections },
    {
      tasks: background(() => undefined),
      dial(to) {
        dialled.push(to)
        return new Promise(() => undefined)
      },
      avoids: () => false,
      reaches: () => false,
      size: () => 0,
      onConnection: () => undefined,
      onSettled: () => contacts.fill(),
    },
  )
  return { clock, contacts, dialled }
}

test('who is named is dialled soon, without any other event', async () => {
  const { clock, contacts, dialled } = meeting()
  contacts.open()
  contacts.fill()
  contacts.hint([peer])
  await clock.advance(1)
  expect(dialled).toEqual([peer])
})

test('who is named after it was stopped is not dialled', async () => {
  const { clock, contacts, dialled } = meeting()
  contacts.open()
  contacts.stop()
  contacts.hint([peer])
  await clock.advance(60_000)
  expect([dialled, clock.pending]).toEqual([[], 0])
})

test('who is named as an origin is dialled only when a tracker names it so, and in that role', async () => {
  const { clock, contacts, dialled } = meeting()
  const origin: PeerInfo = { ...peer, role: 'origin' }
  contacts.open()
  contacts.hint([origin])
  await clock.advance(60_000)
  expect(dialled).toEqual([])
  const second: PeerInfo = { ...peer, peerId: newPeerId(random), host: '10.0.0.2' }
  contacts.hint([second])
  contacts.offer([{ ...second, role: 'origin' }])
  contacts.fill()
  expect(dialled).toEqual([{ ...second, role: 'origin' }])
})

test('the origin that a tracker says begins to bring the blob is dialled at once, in its role, and is named', async () => {
  const { clock, contacts, dialled } = meeting()
  const origin: PeerInfo = { ...peer, role: 'origin', complete: false }
  contacts.offer([])
  contacts.open()
  contacts.told([origin])
  await clock.advance(1)
  expect(dialled).toEqual([origin])
  expect(contacts.isNamed(origin.peerId)).toBe(true)
  contacts.told([origin])
  await clock.advance(1)
  expect(dialled).toEqual([origin])
})

test('what a tracker says before anybody may be dialled counts as soon as somebody may', () => {
  const { contacts, dialled } = meeting()
  const origin: PeerInfo = { ...peer, role: 'origin', complete: false }
  contacts.told([origin])
  contacts.open()
  contacts.fill()
  expect(dialled).toEqual([origin])
})
