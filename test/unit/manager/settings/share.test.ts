import { describe, expect, test } from '@jest/globals'
import { nobody, type Share, shareOf } from '../../../../services/manager/settings/share.ts'

const fleet = (count: number, zones = 4) =>
  Array.from({ length: count }, (_, i) => ({
    cluster: i % 2 === 0 ? 'near' : 'far',
    host: `h${i}`,
    zone: `z${i % zones}`,
  }))
const init = { hosts: fleet(40), former: nobody, salt: 'r' }
const named = ({ hosts }: Share) => Object.values(hosts).flat()

describe('the hosts of a step', () => {
  test('are as many as it says, spread over clusters and zones', () => {
    const share = shareOf({ hosts: 8 }, init)
    expect(share.hosts['near']).toHaveLength(4)
    const zones = named(share).map((host) => fleet(40).find((each) => each.host === host)?.zone)
    expect(zones.toSorted()).toEqual(['z0', 'z0', 'z1', 'z1', 'z2', 'z2', 'z3', 'z3'])
  })

  test('are a share of those that are there, at least one', () => {
    expect(named(shareOf({ percent: 25 }, init))).toHaveLength(10)
    expect(named(shareOf({ percent: 0.1 }, init))).toHaveLength(1)
  })

  test('have those of the step before among them, also when these are away', () => {
    const former = shareOf({ hosts: 3 }, init)
    const rest = init.hosts.filter(({ host }) => !named(former).includes(host))
    expect(named(shareOf({ percent: 50 }, { ...init, hosts: rest, former }))).toEqual(
      expect.arrayContaining([...named(former)]),
    )
  })

  test('are the same at each look, and others for another roll-out', () => {
    expect(shareOf({ hosts: 5 }, init)).toEqual(shareOf({ hosts: 5 }, init))
    expect(shareOf({ hosts: 5 }, { ...init, salt: 's' })).not.toEqual(shareOf({ hosts: 5 }, init))
  })

  test('of a large fleet are told as a share, beside those that were named before', () => {
    const hosts = fleet(10_000)
    const former = shareOf({ hosts: 2 }, { ...init, hosts })
    const share = shareOf({ percent: 10 }, { ...init, hosts, former })
    expect(share).toEqual({ hosts: former.hosts, percent: 10 })
    expect(shareOf({ percent: 50 }, { ...init, hosts, former: share })).toEqual({ hosts: former.hosts, percent: 50 })
  })

  test('are everybody in the end', () => {
    expect(shareOf({ percent: 100 }, init)).toEqual({ hosts: {}, percent: 100 })
  })
})
