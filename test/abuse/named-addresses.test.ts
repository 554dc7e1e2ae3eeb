import { expect, test } from '@jest/globals'
import { newPeerId, type SwarmId } from '../../lib/core/index.ts'
import { reaches } from '../../services/tracker/reach.ts'
import { trackerLab } from '../kit/tracker-lab.ts'

test.each([
  ['10.0.0.1', '10.0.0.2', true],
  ['10.0.0.1', '127.0.0.1', false],
  ['10.0.0.1', '127.8.8.8', false],
  ['10.0.0.1', '::1', false],
  ['10.0.0.1', '169.254.169.254', false],
  ['10.0.0.1', 'fe80::1', false],
  ['10.0.0.1', 'FEBF::1', false],
  ['10.0.0.1', 'fec0::1', true],
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '10.0.0.1', true],
  ['fe80::1', 'fe80::2', true],
  ['fe80::1', '127.0.0.1', false],
])('from %s, %s may be named: %s', (from, to, may) => {
  expect(reaches(from, to)).toBe(may)
})

test('no peer of this machine or of a link is named to one elsewhere, nor counts as somebody to name', () => {
  const { seeds, announcements: made, random } = trackerLab()
  const swarmId = '1'.repeat(40) as SwarmId
  const peerAt = (host: string) =>
    ({ peerId: newPeerId(random), key: 'key k', host, port: 1, role: 'agent', complete: false }) as const
  const from = (host: string) =>
    made.one({ swarmId, event: 'started', entry: peerAt(host), wantPeers: 9 })?.peers.map((each) => each.host)
  from('127.0.0.1')
  from('fe80::5')
  seeds.announce(peerAt('169.254.0.9'), { base: undefined, sequence: 1, remove: [], add: [swarmId] }, 1000)
  expect(made.knowsOthers(swarmId, peerAt('10.0.0.1'))).toBe(false)
  expect(from('10.0.0.1')).toEqual([])
  expect(from('10.0.0.2')).toEqual(['10.0.0.1'])
})
