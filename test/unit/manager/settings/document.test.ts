import { describe, expect, test } from '@jest/globals'
import { steeringBodySchema, steeringRules } from '../../../../lib/api/index.ts'
import { documentOf, hostTest, type WantedSlot } from '../../../../services/manager/settings/document.ts'
import { effectiveKeys } from '../../../../services/manager/settings/effective.ts'
import { parseScope } from '../../../../services/manager/settings/scope.ts'
import type { Share } from '../../../../services/manager/settings/share.ts'

const slot = (scope: string, touched: number, values: object, version = touched): WantedSlot => ({
  ...{ scope: parseScope(scope), kind: 'agent', touched, wanted: { version, values: { ...values } } },
})
const coming = (slot_: WantedSlot, values: object, share: Share): WantedSlot => ({
  ...{ ...slot_, touched: 90, coming: { version: 80, values: { ...values }, share, rollout: 'r' } },
})
const host = (id: string, zone = 'a') => ({ kind: 'agent', id, names: [id], zone })
const valuesOf = (slots: readonly WantedSlot[], id: string, cluster = 'near') =>
  steeringRules(documentOf(cluster, slots, 'm')!).of(host(id)).values

describe('the document of a cluster', () => {
  test('is none as long as nothing was set for it', () => {
    expect(documentOf('near', [slot('cluster:far', 1, { log: 'info' })], 'm')).toBeUndefined()
  })

  test('is taken by trackers', () => {
    const slots = [
      slot('all', 9, { log: 'info' }),
      slot('host:one', 3, { 'limits.download': '1MB/s' }),
      coming(slot('zone:a', 5, {}), { log: 'debug' }, { hosts: { near: ['x'] }, percent: 10 }),
    ]
    expect(steeringBodySchema.safeParse(documentOf('near', slots, 'm'))).toMatchObject({ success: true })
  })

  test('has the generation in which something changed last that is for the cluster', () => {
    const slots = [slot('all', 3, {}), slot('zone:b', 5, {}), slot('cluster:far', 9, {})]
    expect(documentOf('near', slots, 'm')?.generation).toBe(5)
  })

  test('lets what is more special win, whichever was set last', () => {
    const slots = [
      slot('all', 40, { log: 'error', 'scrub.rate': '1MB/s', 'registry.fill': true, 'limits.upload': '1MB/s' }),
      slot('cluster:near', 30, { log: 'warn', 'scrub.rate': '2MB/s', 'registry.fill': false }),
      slot('zone:a', 20, { log: 'info', 'scrub.rate': '3MB/s' }),
      slot('host:one', 10, { log: 'debug' }),
    ]
    expect(valuesOf(slots, 'one')).toEqual({
      ...{ log: 'debug', 'scrub.rate': '3MB/s', 'registry.fill': false, 'limits.upload': '1MB/s' },
    })
    expect(valuesOf(slots, 'one', 'far')).toMatchObject({ 'registry.fill': true })
  })

  test('gives the hosts of a step the version that comes, also what it takes away, and the others what was', () => {
    const slots = [
      coming(slot('all', 2, { log: 'info', 'registry.fill': true }), { log: 'debug' }, { hosts: { near: ['one'] } }),
    ]
    expect(valuesOf(slots, 'one')).toEqual({ log: 'debug' })
    expect(valuesOf(slots, 'two')).toEqual({ log: 'info', 'registry.fill': true })
    expect(valuesOf(slots, 'one', 'far')).toEqual({ log: 'info', 'registry.fill': true })
  })

  test('lets a cluster keep its own values while others come for all', () => {
    const slots = [
      coming(slot('all', 2, { log: 'info' }), { log: 'debug' }, { hosts: {}, percent: 100 }),
      slot('cluster:near', 1, { log: 'error' }),
    ]
    expect(valuesOf(slots, 'one')).toEqual({ log: 'error' })
    expect(valuesOf(slots, 'one', 'far')).toEqual({ log: 'debug' })
  })
})

test('each key of a host names the scope and version that it comes from', () => {
  const slots = [
    slot('all', 7, { log: 'info', 'registry.fill': true }),
    coming(slot('zone:a', 5, {}), { log: 'debug' }, { hosts: { near: ['one'] }, percent: 1 }),
  ]
  expect(effectiveKeys('near', slots, host('one'))).toEqual([
    { key: 'log', value: 'debug', scope: 'zone:a', version: 80 },
    { key: 'registry.fill', value: true, scope: 'all', version: 7 },
  ])
})

test('who is in a roll-out is told by the rules of trackers', () => {
  const name = { scope: parseScope('zone:a'), kind: 'agent' }
  const share: Share = { hosts: { near: ['one', 'elsewhere'] }, percent: 30 }
  const { inScope, isMember } = hostTest('near', name, { share, rollout: 'r' })
  const document = documentOf('near', [coming(slot('zone:a', 1, {}), { log: 'debug' }, share)], 'm')!
  const rules = steeringRules(document)
  const hosts = [host('one'), host('elsewhere', 'b'), ...Array.from({ length: 50 }, (_, i) => host(`host-${i}`))]
  expect(hosts.filter(isMember)).toEqual(hosts.filter((each) => rules.of(each).values['log'] === 'debug'))
  expect(hosts.filter(inScope)).toEqual(hosts.filter(({ zone }) => zone === 'a'))
  expect(hosts.filter(isMember).length).toBeLessThan(40)
})
