import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { newPeerId } from '../../../../lib/core/index.ts'
import { allowedPeers } from '../../../../lib/swarm/engine/allowed-peers.ts'
import { banList } from '../../../../lib/swarm/engine/ban-list.ts'
import type { PeerHello } from '../../../../lib/swarm/peer/index.ts'

describe('allowed peers', () => {
  test.each([
    ['10.1.2.3', true],
    ['11.0.0.1', false],
    ['::ffff:10.1.2.3', true],
    ['fd00::5', true],
    ['fe80::1', false],
    ['peer.example', false],
  ])('%s against a list: %s', (host, expected) => {
    expect(allowedPeers(['10.0.0.0/8', 'fd00::/8'])(host)).toBe(expected)
  })

  test('are everybody without a list', () => {
    expect(allowedPeers(undefined)('8.8.8.8')).toBe(true)
  })

  test.each(['10.0.0.0', '10.0.0.0/33', 'nowhere/8', 'fd00::/129', '10.0.0.0/x'])('%s is no network', (cidr) => {
    expect(() => allowedPeers([cidr])).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})

describe('bans', () => {
  const random = seededRandom(1)
  const hello = (init: Partial<PeerHello> = {}): PeerHello => ({
    foreign: false,
    peerId: newPeerId(random),
    address: { host: '10.0.0.1', port: 5000 },
    listenPort: 6000,
    role: 'agent',
    blockLength: 1,
    direction: 'accepted',
    ...init,
  })

  test('hold for the id at its host, not for whoever else uses it, nor for neighbours', () => {
    const bans = banList(fakeClock(), { maxBans: 10, banMs: 1_000 })
    const liar = hello()
    bans.add(liar)
    expect(bans.has({ peerId: liar.peerId, host: '10.0.0.1', port: 1 })).toBe(true)
    expect(bans.has({ peerId: liar.peerId, host: '10.9.9.9', port: 1 })).toBe(false)
    expect(bans.has({ peerId: newPeerId(random), host: '10.0.0.1', port: 5000 })).toBe(false)
  })

  test('do not hold for the address that a liar named as its own', () => {
    const bans = banList(fakeClock(), { maxBans: 10, banMs: 1_000 })
    bans.add(hello({ listenPort: 6000 }))
    expect(bans.has({ peerId: newPeerId(random), host: '10.0.0.1', port: 6000 })).toBe(false)
  })

  test('of a dialled peer hold for the address that was dialled', () => {
    const bans = banList(fakeClock(), { maxBans: 10, banMs: 1_000 })
    bans.add(hello({ direction: 'dialled', listenPort: undefined }))
    expect(bans.has({ peerId: newPeerId(random), host: '10.0.0.1', port: 5000 })).toBe(true)
  })

  test('end after a while, since hashes can be wrong, too', async () => {
    const clock = fakeClock()
    const bans = banList(clock, { maxBans: 10, banMs: 1_000 })
    const liar = hello()
    bans.add(liar)
    await clock.advance(999)
    expect(bans.has({ peerId: liar.peerId, host: '10.0.0.1', port: 1 })).toBe(true)
    await clock.advance(1)
    expect(bans.has({ peerId: liar.peerId, host: '10.0.0.1', port: 1 })).toBe(false)
  })

  test('are bounded: the oldest is forgotten', () => {
    const bans = banList(fakeClock(), { maxBans: 2, banMs: 1_000 })
    const liars = [1, 2, 3].map((port) => hello({ direction: 'dialled', address: { host: '10.0.0.1', port } }))
    for (const liar of liars) bans.add(liar)
    const banned = liars.map(({ peerId }, index) => bans.has({ peerId, host: '10.0.0.1', port: index + 1 }))
    expect(banned).toEqual([false, true, true])
  })
})
