import { describe, expect, test } from '@jest/globals'
import { Suppliers } from '../../../../../lib/swarm/torrent/fetch/suppliers.ts'
import { scriptedPeer } from '../../../../kit/scripted-peer.ts'

const LATER_MS = 10_000

function setUp(names: readonly string[]) {
  const suppliers = new Suppliers({ self: 'self', pieces: 2 })
  for (const name of names) suppliers.add(scriptedPeer(name, { pieces: 2 }).connection, 0)
  const peer = (name: string) => {
    const found = suppliers.get(name)
    if (found === undefined) throw new Error(`no peer ${name}`)
    return found
  }
  const giveAtRate = (name: string, bytesPerSecond: number) => {
    peer(name).rate.begin(0)
    peer(name).rate.add(bytesPerSecond, 1_000)
  }
  return { suppliers, peer, giveAtRate }
}

describe('a piece that an agent has', () => {
  test('is served while it gives, or was busy once', () => {
    const { suppliers, peer } = setUp(['a'])
    expect(suppliers.served(LATER_MS).has(1)).toBe(true)
    peer('a').rejections = 4
    expect(suppliers.served(LATER_MS).has(1)).toBe(true)
  })

  test('is not served by one that was late and gave nothing since', () => {
    const { suppliers, peer } = setUp(['a'])
    peer('a').misses = 1
    expect(suppliers.served(LATER_MS).has(1)).toBe(false)
    peer('a').misses = 0
    expect(suppliers.served(LATER_MS).has(1)).toBe(true)
  })

  test('is not served by one that only rejects', () => {
    const { suppliers, peer } = setUp(['a'])
    peer('a').rejections = 8
    expect(suppliers.served(LATER_MS).has(1)).toBe(false)
  })

  test('is served when another one can be counted on', () => {
    const { suppliers, peer } = setUp(['a', 'b'])
    peer('a').misses = 1
    expect(suppliers.served(LATER_MS).has(1)).toBe(true)
  })
})

test('the rate of the agents leaves out who cannot be counted on, and waits for the others', () => {
  const { suppliers, peer, giveAtRate } = setUp(['a', 'silent', 'rejecting'])
  giveAtRate('a', 1_000)
  expect(suppliers.agentRate).toBeUndefined()
  peer('silent').misses = 1
  peer('rejecting').rejections = 8
  expect(suppliers.agentRate).toBe(1_000)
})
