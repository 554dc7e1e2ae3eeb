import { describe, expect, test } from '@jest/globals'
import type { CachePod } from '../../../../services/controller/names/rules/cache-pod.ts'
import { type JudgeInput, judge, type NamesRule, newMemory } from '../../../../services/controller/names/rules/judge.ts'
import { zoneLabel, zoneName } from '../../../../services/controller/names/rules/names-of.ts'

const BASE = 'c1.p2p.test'
const rule: NamesRule = {
  ...{ base: BASE, perZone: true, most: 2, kinds: ['node'], zones: [] },
  ...{ settleMs: 10_000, replaceMs: 60_000 },
}

const pod = (address: string, given: Partial<CachePod> = {}): CachePod => ({
  ...{ pod: `caches/${address}`, address, node: `node-${address}`, zone: 'a', kind: 'node' },
  ...{ ready: true, leaving: false, drained: false, cordoned: false },
  ...given,
})

const look = (pods: readonly CachePod[], given: Partial<JudgeInput> = {}, memory = newMemory()) =>
  judge({ pods, found: [], answers: () => true, loadOf: () => undefined, nowMs: 0, ...given }, rule, memory)

const whys = (pods: readonly CachePod[], given: Partial<JudgeInput> = {}) =>
  Object.fromEntries(
    look(pods, given).verdicts.map(({ pod: { address = '' }, why }): [string, string | undefined] => [address, why]),
  )

describe('a pod is left out', () => {
  test.each([
    ['kind', { kind: 'virtual' }],
    ['leaving', { leaving: true }],
    ['drained', { drained: true }],
    ['cordoned', { cordoned: true }],
    ['readiness', { ready: false }],
  ] as const)('for its %s', (why, given) => {
    expect(whys([pod('1'), pod('2', given)])).toEqual({ '1': undefined, '2': why })
  })

  test('when its data port does not answer the controller, though it says that it is ready', () => {
    expect(whys([pod('1'), pod('2')], { answers: (address) => address === '1' })).toEqual({
      '1': undefined,
      '2': 'probe',
    })
  })

  test('when a tracker has drained or banned it', () => {
    const loadOf = (address: string) => (address === '2' ? ({ bytesPerSecond: 0, mark: 'banned' } as const) : undefined)
    expect(whys([pod('1'), pod('2')], { loadOf })).toEqual({ '1': undefined, '2': 'banned' })
  })

  test('of a zone that is not asked for', () => {
    const { verdicts } = judge(
      { pods: [pod('1'), pod('2', { zone: 'b' })], found: [], answers: () => true, loadOf: () => undefined, nowMs: 0 },
      { ...rule, zones: ['a'] },
      newMemory(),
    )
    expect(verdicts.map(({ why }) => why)).toEqual([undefined, 'zone'])
  })
})

describe('a name', () => {
  test('of a zone has caches of that zone, and those of all zones when it has none', () => {
    const pods = [pod('1'), pod('2', { zone: 'b' }), pod('3', { zone: 'c', ready: false })]
    const { wanted } = look(pods)
    expect(Object.fromEntries(wanted)).toEqual({
      [BASE]: ['1', '2'],
      [`a.${BASE}`]: ['1'],
      [`b.${BASE}`]: ['2'],
      [`c.${BASE}`]: ['1', '2'],
    })
  })

  test('of a zone that has gone is kept while records of it are there', () => {
    const found = [{ name: `gone.${BASE}`, address: '9', ttl: 10, own: true }]
    expect(look([pod('1')], { found }).wanted.get(`gone.${BASE}`)).toEqual(['1'])
  })

  test('takes a new cache when it has been good for a while, or when nobody else is there', () => {
    const memory = newMemory()
    const found = [BASE, `a.${BASE}`].map((name) => ({ name, address: '1', ttl: 10, own: true }))
    const at = (nowMs: number, pods: readonly CachePod[]) => look(pods, { found, nowMs }, memory)
    expect(at(0, [pod('1')]).wanted.get(BASE)).toEqual(['1'])
    expect(at(1_000, [pod('1'), pod('2')]).wanted.get(BASE)).toEqual(['1'])
    expect(at(1_000, [pod('1'), pod('2')]).verdicts.map(({ why }) => why)).toEqual([undefined, 'settling'])
    expect(at(5_000, [pod('1'), pod('2', { ready: false })]).wanted.get(BASE)).toEqual(['1'])
    expect(at(12_000, [pod('1'), pod('2')]).wanted.get(BASE)).toEqual(['1'])
    expect(at(22_000, [pod('1'), pod('2')]).wanted.get(BASE)).toEqual(['1', '2'])
    expect(at(30_000, [pod('1', { ready: false }), pod('3')]).wanted.get(BASE)).toEqual(['3'])
  })

  test('of an address that nobody has is to be left, and of one that is silent too', () => {
    const { standing } = look([pod('1'), pod('2'), pod('3'), pod('4', { drained: true })], {
      answers: (address) => (address === '2' ? false : address === '3' ? undefined : true),
    })
    expect(['1', '2', '3', '4', '5'].map(standing)).toEqual(['good', 'dead', 'unknown', 'bad', 'bad'])
  })

  test('has a label for every zone, and no two have the same', () => {
    expect(zoneName(BASE, 'cn-beijing-a')).toBe(`cn-beijing-a.${BASE}`)
    const odd = ['Zone_1', 'zone_1', 'zone-1', 'x'.repeat(70), '北京']
    const labels = odd.map(zoneLabel)
    expect(new Set(labels).size).toBe(odd.length)
    for (const label of labels) expect(label).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
  })
})
