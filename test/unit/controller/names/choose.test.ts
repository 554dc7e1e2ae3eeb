import { describe, expect, test } from '@jest/globals'
import { choose, type Eligible } from '../../../../services/controller/names/rules/choose.ts'

const MIB = 1024 * 1024

const cache = (address: string, given: Partial<Eligible> = {}): Eligible => ({
  ...{ address, host: `host-of-${address}`, zone: 'a', load: 0 },
  ...given,
})

const many = (count: number, zone: string, host?: string) =>
  Array.from({ length: count }, (_, i) => cache(`${zone}-${i}`, { zone, ...(host !== undefined && { host }) }))

const zonesOf = (addresses: readonly string[]) => addresses.map((address) => address.split('-')[0]).sort()

const settled = { members: new Set<string>(), most: 4, mayReplace: true }

describe('the caches of a name', () => {
  test('are at most so many, spread over zones and hosts, and those that send least', () => {
    const zones = choose([...many(9, 'a'), ...many(2, 'b')], settled)
    expect(zonesOf(zones.addresses)).toEqual(['a', 'a', 'b', 'b'])
    const hosts = choose([...many(5, 'a', 'one'), cache('a-x'), cache('a-y')], { ...settled, most: 3 })
    expect(hosts.addresses).toEqual(expect.arrayContaining(['a-x', 'a-y']))
    const loaded = many(6, 'a').map((one, i) => ({ ...one, load: (6 - i) * 100 * MIB }))
    expect(choose(loaded, { ...settled, most: 2 }).addresses).toEqual(['a-4', 'a-5'])
  })

  test('stay while they may be named, whatever comes besides', () => {
    const first = choose(many(8, 'a'), settled).addresses
    const members = new Set(first)
    const later = [...many(8, 'a'), ...many(8, 'a').map(({ address }) => cache(`new-${address}`))]
    expect(choose(later, { ...settled, members })).toEqual({ addresses: first, replaced: false })
    expect(choose(later.toReversed(), { ...settled, members }).addresses).toEqual(first)
    const without = later.filter(({ address }) => address !== first[0])
    expect(choose(without, { ...settled, members }).addresses).toEqual(expect.arrayContaining(first.slice(1)))
  })

  test('give way one at a time, to what is much better, and never back', () => {
    const all = [...many(8, 'a'), ...many(8, 'b')]
    let members = new Set(['a-0', 'a-1', 'a-2', 'a-3'])
    const steps: string[][] = []
    for (let step = 0; step < 5; step += 1) {
      const choice = choose(all, { ...settled, members })
      members = new Set(choice.addresses)
      steps.push(zonesOf(choice.addresses) as string[])
      if (!choice.replaced) break
    }
    expect(steps).toEqual([
      ['a', 'a', 'a', 'b'],
      ['a', 'a', 'b', 'b'],
      ['a', 'a', 'b', 'b'],
    ])
    const asked = { ...settled, members: new Set(['a-0', 'a-1', 'a-2', 'a-3']), mayReplace: false }
    expect(zonesOf(choose(all, asked).addresses)).toEqual(['a', 'a', 'a', 'a'])
  })

  test('give way to one that sends much less, not to one that sends a little less', () => {
    const withLoads = (...loads: number[]) => loads.map((load, i) => cache(`a-${i}`, { load: load * MIB }))
    const one = { most: 1, members: new Set(['a-0']), mayReplace: true }
    expect(choose(withLoads(500, 10), one)).toEqual({ addresses: ['a-1'], replaced: true })
    expect(choose(withLoads(500, 300), one).addresses).toEqual(['a-0'])
    expect(choose(withLoads(60, 0), one).addresses).toEqual(['a-0'])
  })

  test('are fewer when there are too many, those first whom the others miss least', () => {
    const members = new Set(['a-0', 'a-1', 'a-2', 'b-0'])
    const { addresses } = choose([...many(3, 'a'), ...many(1, 'b')], { members, most: 2, mayReplace: false })
    expect(zonesOf(addresses)).toEqual(['a', 'b'])
  })
})
