import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { issue, newAuthority } from '../../../../lib/certificates/index.ts'
import { controlPlaneSpec } from '../../../../services/controller/accounts/resource/config.ts'
import { certificateTrouble, LEAF_LIFE_MS } from '../../../../services/controller/accounts/rules/certificates.ts'
import { cidrTrouble, ipBlock, isWithin } from '../../../../services/controller/accounts/rules/cidr.ts'
import { conditionsOf, dated, type Verdict } from '../../../../services/controller/accounts/rules/conditions.ts'
import { limitTrouble, needsOf, quotaOf, roomOf } from '../../../../services/controller/accounts/rules/limits.ts'
import { networkPolicies } from '../../../../services/controller/accounts/rules/policies.ts'
import { amountOf } from '../../../../services/controller/accounts/rules/quantity.ts'
import { networkTrouble } from '../../../../services/controller/accounts/rules/trouble.ts'
import { planeSpec } from '../../../kit/accounts/accounts-lab.ts'

const specOf = (more: object = {}) => controlPlaneSpec.parse(planeSpec(more))
const wanted = { buildIndex: 2, tracker: 2, origin: 3 }

test.each([
  ['500m', 0.5],
  ['2', 2],
  ['100Gi', 100 * 2 ** 30],
  ['1G', 1e9],
  ['3k', 3000],
])('the quantity %s is %d', (text, amount) => expect(amountOf(text)).toBe(amount))

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', undefined],
    ['fd00::/8', undefined],
    ['10.0.0.0', /no network/],
    ['10.0.0.0/33', /no network/],
    ['x/8', /no network/],
    ['::/0', undefined],
    ['2001:db8::/32', undefined],
    ['::ffff:10.244.0.0/112', /no network/],
    ['::FFFF:af4:0/112', /no network/],
    ['0:0:0:0:0:ffff:10.244.0.0/112', /no network/],
    ['0000:0:0::ffff:0af4:0/112', /no network/],
    ['::/64', /no network/],
    ['fe80::1%eth0/64', /no network/],
  ])('%s', (text, trouble) => {
    expect(cidrTrouble(text)).toEqual(trouble === undefined ? undefined : expect.stringMatching(trouble))
  })

  test('lie in others, or do not', () => {
    expect(isWithin('10.1.0.0/16', '10.0.0.0/8')).toBe(true)
    expect(isWithin('10.0.0.0/8', '10.1.0.0/16')).toBe(false)
    expect(isWithin('11.0.0.0/8', '10.0.0.0/8')).toBe(false)
    expect(isWithin('fd00::/64', '10.0.0.0/8')).toBe(false)
    expect(ipBlock('10.0.0.0/8', ['10.96.0.0/16', '192.168.0.0/16'])).toEqual({
      cidr: '10.0.0.0/8',
      except: ['10.96.0.0/16'],
    })
    expect(ipBlock('10.96.1.0/24', ['10.96.0.0/16'])).toBeUndefined()
  })

  test.each([
    [{ allowedCidrs: ['10.0.0.0/7'] }, /wider than/],
    [{ allowedCidrs: ['fd00::/31'] }, /wider than \/32/],
    [{ allowedCidrs: ['fd00::/32'] }, undefined],
    [{ allowedCidrs: ['10.96.3.0/24'] }, /network of this cluster/],
    [{ loadBalancer: true }, /open to everybody/],
    [{ loadBalancer: true, allowedCidrs: ['10.0.0.0/8'] }, undefined],
  ])('of an account are refused in words: %j', (network, trouble) => {
    const said = networkTrouble(specOf({ network }), ['10.96.0.0/16'])
    expect(said).toEqual(trouble === undefined ? undefined : expect.stringMatching(trouble))
  })

  test('are the only ones that policies let in, without those of the cluster', () => {
    const policies = networkPolicies(specOf({ network: { allowedCidrs: ['10.0.0.0/8'] } }), {
      ...{
        labels: {},
        namespace: 'x',
        controllerNamespace: 'home',
        clusterNetworks: ['10.96.0.0/16'],
        nameServers: [],
      },
    }) as readonly { metadata: { name: string }; spec: { ingress?: readonly { from: readonly object[] }[] } }[]
    expect(policies[0]?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
    const from = policies.flatMap(({ spec }) => (spec.ingress ?? []).flatMap((rule) => rule.from))
    const block = { ipBlock: { cidr: '10.0.0.0/8', except: ['10.96.0.0/16'] } }
    const home = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'home' } } }
    expect(from).toEqual([{ podSelector: {} }, home, block, block, block])
  })

  test('without allowed networks, nobody outside comes in', () => {
    const policies = networkPolicies(specOf(), {
      ...{ labels: {}, namespace: 'x', controllerNamespace: 'home', clusterNetworks: [], nameServers: [] },
    })
    const clients = JSON.stringify(policies.slice(-3))
    expect(clients).not.toContain('ipBlock')
  })
})

describe('limits', () => {
  test('are what the account asks for, or what it says', () => {
    const spec = specOf({ limits: { cpu: '20' } })
    const needs = needsOf(spec, wanted)
    expect(needs).toEqual({ pods: 7, volumes: 5, cpu: 3.5, memory: 7 * 2 ** 30, storage: 302 * 2 ** 30 })
    expect(quotaOf(spec, { needs, room: roomOf(spec, wanted, []), keptVolumes: { count: 1, bytes: 2 ** 30 } })).toEqual(
      {
        ...{
          pods: '7',
          'requests.cpu': '20',
          'requests.memory': String(7 * 2 ** 30),
          'limits.memory': String(7 * 2 ** 30),
        },
        ...{ 'requests.storage': String(303 * 2 ** 30), persistentvolumeclaims: '6', 'services.loadbalancers': '0' },
      },
    )
  })

  test('leave room for the pods from before, which ask for more than those that follow them', () => {
    const spec = specOf({ limits: { memory: '8Gi' } })
    const before = { component: 'origin', cpu: 2, memory: 4 * 2 ** 30 } as const
    const room = roomOf(spec, wanted, [before])
    expect(room).toEqual({ cpu: 3.5 + 3 * (2 - 0.5), memory: (7 + 3 * 3) * 2 ** 30 })
    const hard = quotaOf(spec, { needs: needsOf(spec, wanted), room, keptVolumes: { count: 0, bytes: 0 } })
    expect(hard).toMatchObject({ 'requests.cpu': '8000m', 'requests.memory': String(16 * 2 ** 30) })
    const later = quotaOf(spec, {
      needs: needsOf(spec, wanted),
      room: roomOf(spec, wanted, []),
      keptVolumes: { count: 0, bytes: 0 },
    })
    expect(later).toMatchObject({ 'requests.cpu': '3500m', 'requests.memory': '8Gi' })
  })

  test('that are too small are told in words', () => {
    const spec = specOf({ limits: { cpu: '3', storage: '1Gi' } })
    expect(limitTrouble(spec, needsOf(spec, wanted))).toMatch(/3.5 CPUs.*limits.cpu is 3; .*limits.storage is 1Gi/)
    expect(limitTrouble(specOf(), needsOf(specOf(), wanted))).toBeUndefined()
  })
})

describe('certificates', () => {
  const nowMs = Date.parse('2026-06-01T00:00:00Z')
  const life = { fromMs: nowMs - 1000, toMs: nowMs + LEAF_LIFE_MS }
  const ca = newAuthority({ name: 'a', ...life })
  const other = newAuthority({ name: 'b', ...life })
  const signer = ({ certificate, key }: typeof ca) => ({
    certificate: new X509Certificate(certificate),
    key: createPrivateKey(key),
  })
  const hosts = ['a.test', '*.a.test', '10.0.0.1', 'fd00::1']
  const leaf = (authority = ca) => issue(signer(authority), { name: 'x', hosts, ...life }).certificate
  const look = (pem: string, more: object = {}) =>
    certificateTrouble(pem, { authority: ca.certificate, hosts, nowMs, ...more })

  test('are kept while they are good, and made anew in time', () => {
    expect(look(leaf())).toBeUndefined()
    expect(look(leaf(), { nowMs: nowMs + (2 / 3) * LEAF_LIFE_MS + 1000 })).toBe('it ends soon')
    expect(look(leaf(other))).toBe('it is of another authority')
    expect(look(leaf(), { hosts: ['a.test'] })).toBe('it names other hosts')
    expect(look('nonsense')).toBe('it cannot be read')
  })
})

describe('conditions', () => {
  const count = (ready: number) => ({
    buildIndex: { ready: 2, wanted: 2 },
    tracker: { ready: 2, wanted: 2 },
    origin: { ready, wanted: 3 },
  })
  const calm: Verdict = { paused: false, leaving: false, trouble: undefined, waits: undefined, counts: count(3) }
  const trouble = { reason: 'CredentialsMissing', message: 'no Secret' } as const
  const brief = (verdict: Partial<Verdict>) =>
    conditionsOf({ ...calm, ...verdict }).map(({ type, status, reason }) => `${type}=${status}:${reason}`)

  test.each<readonly [Partial<Verdict>, readonly string[]]>([
    [{}, ['Ready=True:Serving', 'Progressing=False:Settled', 'Degraded=False:AsExpected']],
    [
      { counts: count(2), waits: 'x' },
      ['Ready=True:Serving', 'Progressing=True:RollingOut', 'Degraded=False:AsExpected'],
    ],
    [
      { counts: count(1) },
      ['Ready=False:ComponentsNotReady', 'Progressing=False:Settled', 'Degraded=False:AsExpected'],
    ],
    [{ trouble }, ['Ready=True:Serving', 'Progressing=False:Blocked', 'Degraded=True:CredentialsMissing']],
    [
      { trouble, counts: undefined },
      ['Ready=False:CredentialsMissing', 'Progressing=False:Blocked', 'Degraded=True:CredentialsMissing'],
    ],
    [
      { waits: 'x', trouble: { reason: 'RolloutStuck', message: 'x' } },
      ['Ready=True:Serving', 'Progressing=True:RollingOut', 'Degraded=True:RolloutStuck'],
    ],
    [{ paused: true }, ['Ready=True:Serving', 'Progressing=False:Paused', 'Degraded=False:AsExpected']],
    [{ leaving: true }, ['Ready=False:Deleting', 'Progressing=True:Deleting', 'Degraded=False:AsExpected']],
  ])('of %j', (verdict, expected) => expect(brief(verdict)).toEqual(expected))

  test('keep the time of their last change', () => {
    const at = (nowMs: number, before: object, verdict: Partial<Verdict>) =>
      dated(conditionsOf({ ...calm, ...verdict }), before as never, { generation: 4, nowMs }) as readonly {
        lastTransitionTime: string
      }[]
    const first = at(0, {}, {})
    const next = at(60_000, { conditions: first }, { waits: 'x' })
    expect(next.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
      ...['1970-01-01T00:00:00Z', '1970-01-01T00:01:00Z', '1970-01-01T00:00:00Z'],
    ])
  })
})
