import { describe, expect, test } from '@jest/globals'
import type { AnnouncingPeer } from '../../../lib/api/index.ts'
import { digestOf, parseRepository, peerIdOf, swarmIdOf } from '../../../lib/core/index.ts'
import { trackerLab } from '../../kit/tracker-lab.ts'

const digest = digestOf(Buffer.from('of many networks'))
const swarmId = swarmIdOf(digest)
const blob = { swarmId, digest, repository: parseRepository('team/x') } as const
const download = { ...blob, event: 'started' as const, leftBytes: 9, wantPeers: 50, reports: [] }

const peer = (key: string, given: Partial<AnnouncingPeer> = {}): AnnouncingPeer => ({
  ...{ peerId: peerIdOf(key), key, port: 65_002, role: 'agent', ...given },
})

const origin = (given: Partial<AnnouncingPeer> = {}) =>
  peer('origin', { role: 'origin', port: 64_002, network: 'control', ...given })
const atBalancer = { addresses: { user: { host: '10.2.0.2', port: 7002 } } }

type Lab = ReturnType<typeof trackerLab>

/** The addresses of those who are named to an agent of the network. */
function namedIn(lab: Lab, network: string | undefined, host = '10.2.0.99') {
  const asker = peer(`asker in ${network}`, network === undefined ? {} : { network })
  const { torrents } = lab.announcements.batch(host, { peer: asker, torrents: [download] })
  return torrents[0]?.peers.map((each) => `${each.host}:${each.port}`)
}

describe('an origin behind a balancer', () => {
  test.each([
    ['user', ['10.2.0.2:7002']],
    ['control', ['10.1.0.5:64002']],
    [undefined, ['10.1.0.5:64002']],
    ['another', []],
    ['toString', []],
  ])('is named to an agent of the network %s at %j', (network, addresses) => {
    const lab = trackerLab()
    lab.announcements.batch('10.1.0.5', { peer: origin(atBalancer), torrents: [{ ...download, leftBytes: 0 }] })
    expect(namedIn(lab, network)).toEqual(addresses)
  })

  test('is told to those who wait for what it begins to bring, as its first word is', () => {
    const lab = trackerLab()
    lab.announcements.batch('10.1.0.5', { peer: origin(atBalancer), torrents: [download] })
    const info = { ...origin(), host: '10.1.0.5', complete: false }
    expect(lab.announcements.addressed(info, 'user')).toMatchObject({ host: '10.2.0.2', port: 7002 })
    expect(lab.announcements.addressed(info, 'another')).toBeUndefined()
  })

  test('that says not in which network it is, is named at its own address where it has no other', () => {
    const lab = trackerLab()
    const nowhere = peer('origin', { role: 'origin', port: 64_002, ...atBalancer })
    lab.announcements.batch('10.1.0.5', { peer: nowhere, torrents: [{ ...download, leftBytes: 0 }] })
    expect([namedIn(lab, 'another'), namedIn(lab, 'user')]).toEqual([
      ['10.1.0.5:64002'],
      expect.arrayContaining(['10.2.0.2:7002']),
    ])
  })
})

test('agents of different networks are not named to each other', () => {
  const lab = trackerLab()
  for (const [i, network] of ['user', 'user', 'another'].entries())
    lab.announcements.batch(`10.2.0.${i}`, { peer: peer(`agent ${i}`, { network }), torrents: [download] })
  expect(namedIn(lab, 'user')?.toSorted()).toEqual(['10.2.0.0:65002', '10.2.0.1:65002'])
  expect(namedIn(lab, 'another')).toEqual(['10.2.0.2:65002'])
})
