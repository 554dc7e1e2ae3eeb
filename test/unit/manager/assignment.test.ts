import { describe, expect, test } from '@jest/globals'
import { assign, type Candidate } from '../../../services/manager/clusters/assignment.ts'
import { compileScopes, noScopes, type Scopes } from '../../../services/manager/clusters/scopes.ts'

const cluster = (name: string, scopes: Partial<Scopes>, more: Partial<Candidate> = {}): Candidate => ({
  ...{ name, isDefault: false, scopes: compileScopes({ ...noScopes, ...scopes }) },
  ...more,
})

const named = (clusters: readonly Candidate[], asker: object) =>
  assign(clusters, asker).fits.map(({ cluster: { name } }) => name)

describe('a client', () => {
  test('who fits several gets the one with most points first', () => {
    const clusters = [
      cluster('by-zone', { zones: ['a'] }),
      cluster('by-both', { zones: ['a'], cidrs: ['10.0.0.0/8'] }),
      cluster('by-host', { hosts: ['^node-\\d+$'] }),
    ]
    expect(named(clusters, { zone: 'a', address: '10.1.2.3', host: 'node-7' })).toEqual([
      'by-both',
      'by-host',
      'by-zone',
    ])
  })

  test('gets of two networks the narrower one, and of equals the first by name', () => {
    const clusters = [
      cluster('wide', { cidrs: ['10.0.0.0/8'] }),
      cluster('z', { cidrs: ['10.1.0.0/16'] }),
      cluster('a', { cidrs: ['10.1.0.0/16'] }),
    ]
    expect(named(clusters, { address: '10.1.2.3' })).toEqual(['a', 'z', 'wide'])
  })

  test('of IPv4 in a network of IPv6 that holds it gets the narrower one all the same', () => {
    const clusters = [cluster('six', { cidrs: ['::/0'] }), cluster('four', { cidrs: ['10.0.0.0/8'] })]
    expect(named(clusters, { address: '::ffff:10.1.2.3' })[0]).toBe('four')
  })

  test('who fits none gets the default, or nobody', () => {
    const other = cluster('other', { zones: ['b'] })
    expect(named([other, cluster('home', {}, { isDefault: true })], { zone: 'a' })).toEqual(['home'])
    expect(named([other], { zone: 'a' })).toEqual([])
  })

  test('is never sent to a cluster that is away, and is told so', () => {
    const clusters = [
      cluster('near', { zones: ['a'] }, { away: 'none of its trackers answers' }),
      cluster('home', {}, { isDefault: true }),
    ]
    expect(assign(clusters, { zone: 'a' })).toMatchObject({
      fits: [{ points: 1, why: ['it is the default (1)'] }],
      passed: [{ name: 'near', why: 'none of its trackers answers' }],
    })
  })

  test('is told why', () => {
    const one = cluster('one', { cidrs: ['fd00::/8'], zones: ['cn-*'], hosts: ['gpu'] })
    const [fit] = assign([one], { address: 'fd00::7', zone: 'cn-beijing', host: 'big-gpu-1' }).fits
    expect(fit).toMatchObject({
      points: 85,
      why: ['address fd00::7 is in fd00::/8 (30)', 'host big-gpu-1 fits gpu (30)', 'zone cn-beijing fits cn-* (25)'],
    })
  })
})

describe('a scope', () => {
  test.each([
    ['network', { cidrs: ['10.0.0.0'] }],
    ['network', { cidrs: ['10.0.0.0/99'] }],
    ['zone', { zones: ['a*b'] }],
    ['pattern of host names', { hosts: ['(unclosed'] }],
    ['pattern of host names', { hosts: ['a'.repeat(500)] }],
  ])('with a %s that makes no sense is refused: %j', (_, scopes) => {
    expect(() => compileScopes({ ...noScopes, ...scopes })).toThrow(expect.objectContaining({ code: 'SCOPE_INVALID' }))
  })
})
