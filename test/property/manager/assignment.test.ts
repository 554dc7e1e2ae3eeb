import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { assign, type Candidate } from '../../../services/manager/clusters/assignment.ts'
import { compileScopes } from '../../../services/manager/clusters/scopes.ts'

const octet = fc.integer({ min: 0, max: 3 })
const address = fc.tuple(octet, octet).map(([a, b]) => `10.0.${a}.${b}`)
const cidr = fc.tuple(address, fc.constantFrom(8, 24, 30, 32)).map(([net, bits]) => `${net}/${bits}`)
const zone = fc.constantFrom('a', 'b', 'a-1')
const cluster = fc.record({
  cidrs: fc.array(cidr, { maxLength: 3 }),
  zones: fc.array(fc.constantFrom('a', 'b', 'a*'), { maxLength: 2 }),
  hosts: fc.array(fc.constantFrom('^n', '1$', 'x'), { maxLength: 2 }),
  isDefault: fc.boolean(),
  isAway: fc.boolean(),
})
const clusters = fc.array(cluster, { maxLength: 6 }).map((all) =>
  all.map(
    ({ isDefault, isAway, ...scopes }, i): Candidate => ({
      ...{ name: `c${i}`, isDefault, scopes: compileScopes(scopes) },
      ...(isAway && { away: 'it is away' }),
    }),
  ),
)
const asker = fc.record({ address, zone, host: fc.constantFrom('n1', 'm2', 'x1') })

test('the order in which clusters are known changes nothing; who is away is never named; points never rise down the list', () => {
  fc.assert(
    fc.property(clusters, asker, fc.nat(5), (all, who, shift) => {
      const rotated = [...all.slice(shift), ...all.slice(0, shift)]
      const { fits, passed } = assign(all, who)
      expect(assign(rotated, who)).toEqual({ fits, passed })
      expect(fits.every(({ cluster: { away } }) => away === undefined)).toBe(true)
      const points = fits.map((fit) => fit.points)
      expect(points).toEqual(points.toSorted((a, b) => b - a))
      const named = [...fits.map((fit) => fit.cluster.name), ...passed.map(({ name }) => name)]
      expect(new Set(named).size).toBe(named.length)
      for (const { name, isDefault } of all) if (isDefault) expect(named).toContain(name)
    }),
  )
})
