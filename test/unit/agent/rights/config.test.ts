import { describe, expect, test } from '@jest/globals'
import { parseRegistryHost } from '../../../../lib/core/index.ts'
import { agentSchema } from '../../../../services/agent/config.ts'
import { identities } from '../../../../services/agent/rights/identities.ts'

const parsed = (upstreams: readonly unknown[], registry: object = {}) =>
  agentSchema.safeParse({
    registry: { upstreams, ...registry },
    ...Object.fromEntries(
      ['origins', 'trackers', 'buildIndexes'].map((ring) => [
        ring,
        { members: [{ id: 'a', url: 'http://127.0.0.1:1' }] },
      ]),
    ),
    secrets: {},
  })

const passing = { registry: 'registry.example.com', identity: 'passThrough' }
const open = { registry: '*', identity: 'publicOnly' }

describe('registry.upstreams', () => {
  test.each([
    ['a pattern', ['*']],
    ['an entry of a mirror', [{ registry: '*.example.com', identity: 'mirror' }]],
    ['what is public of all', [open]],
    ['one registry with passThrough, and others by name', [passing, 'docker.io', '*.example.org', 'localhost:*']],
    ['times and addresses', [{ ...passing, proofFor: '0s', url: 'http://127.0.0.1:5000', wait: '1s' }]],
  ])('takes %s', (_, upstreams) => {
    expect(parsed(upstreams).error?.message).toBeUndefined()
  })

  test.each([
    ['a star with passThrough', [{ ...passing, registry: '*.example.com' }], 'passThrough takes no *'],
    ['passThrough beside any registry', [passing, '*'], 'anybody may run'],
    ['passThrough beside those of a whole top level', [passing, '*.com'], 'anybody may run'],
    ['passThrough beside those with an ending', [passing, '*example.com'], 'anybody may run'],
    ['passThrough beside what is public of all', [passing, open], 'anybody may run'],
    ['an entry behind a pattern that fits', ['*.example.com', passing], 'is never reached'],
    ['a mirror behind one that is guarded', [open, 'docker.io'], 'is never reached'],
    ['a url for many', [{ ...open, url: 'http://127.0.0.1:5000' }], 'only for one registry'],
    ['a proof for too long', [{ ...passing, proofFor: '2h' }], 'at most 1h'],
    ['keys of a guarded one for a mirror', [{ registry: 'docker.io', identity: 'mirror', proofFor: '1m' }], 'proofFor'],
    ['an identity that there is not', [{ registry: 'docker.io', identity: 'mine' }], 'identity'],
    ['no registry', [{ identity: 'publicOnly' }], 'registry'],
  ])('refuses %s', (_, upstreams, message) => {
    expect(parsed(upstreams).error?.message).toContain(message)
  })

  test('refuses passThrough where clients have to show a secret of ours', () => {
    expect(parsed([passing], { anonymous: 'none' }).error?.message).toContain('registry.anonymous cannot be none')
    expect(parsed([passing], { anonymous: 'read' }).success).toBe(true)
  })

  test('the first entry that fits says who may read', () => {
    const entries = parsed([{ ...passing, proofFor: '1m' }, '*.example.com', { ...open, registry: '*.example.org' }])
      .data!
    const { guarded, rules, passThrough } = identities(entries.registry.upstreams)
    const at = (host: string) => guarded(parseRegistryHost(host))?.identity
    expect([at('registry.example.com'), at('other.example.com'), at('a.example.org'), guarded('own')]).toEqual([
      'passThrough',
      undefined,
      'publicOnly',
      undefined,
    ])
    expect(rules.map(({ registry }) => registry)).toEqual(['registry.example.com', '*.example.org'])
    expect(passThrough).toBe(true)
  })
})
