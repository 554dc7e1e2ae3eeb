import { describe, expect, test } from '@jest/globals'
import { registryProxyStates as apiStates, managerApi } from '../../../../lib/api/index.ts'
import { ruleActions as apiActions } from '../../../../lib/identity/index.ts'
import { minuteText, momentOf } from '../../../../services/manager/console/src/pure/minutes.ts'
import {
  changesOf,
  emptyRegistryUser,
  fieldsOfUser,
  lackOfUser,
  newUserOf,
  type RegistryUserFields,
  standingOf,
} from '../../../../services/manager/console/src/pure/registry-user-form.ts'
import {
  type RegistryUser,
  registryProxyStates,
  ruleActions,
} from '../../../../services/manager/console/src/state/registry-users.ts'

const moment = 1_796_000_040_000
const filled: RegistryUserFields = {
  ...{ name: ' ann ', kind: 'token', everywhere: false, clusters: ['ams'], note: ' hers ' },
  ...{ ends: true, until: minuteText(moment) },
  grants: [
    { repositories: 'team/*, lib/base\nteam/*', actions: ['pull', 'push'] },
    { repositories: ' ', actions: [] },
  ],
}
/** Everywhere, and without an end. */
const bob: RegistryUser = {
  ...{ name: 'bob', kind: 'user', disabled: false, note: 'hers', createdAtMs: 1, rotatedAtMs: 2 },
  grants: [{ repositories: ['team/*', 'lib/base'], actions: ['pull', 'push'] }],
}
const ann: RegistryUser = { ...bob, name: 'ann', clusters: ['ams'], expiresAtMs: moment + 7_123 }
const makes = (body: unknown) => managerApi.createRegistryUser.body.safeParse(body).error?.message
const changes = (body: unknown) => managerApi.changeRegistryUser.body.safeParse(body).error?.message

describe('the form of a user of registries', () => {
  test('knows the actions and the states that the API has', () => {
    expect(ruleActions).toEqual(apiActions)
    expect(registryProxyStates).toEqual(apiStates)
  })

  test('says what the API takes', () => {
    expect(newUserOf(filled)).toEqual({
      ...{ name: 'ann', kind: 'token', clusters: ['ams'], expiresAtMs: moment, note: 'hers' },
      grants: [{ repositories: ['team/*', 'lib/base'], actions: ['pull', 'push'] }],
    })
    expect(makes(newUserOf(filled))).toBeUndefined()
    const plain = newUserOf({ ...emptyRegistryUser, name: 'ci', grants: [{ repositories: '*', actions: ['pull'] }] })
    expect(plain).toEqual({ name: 'ci', kind: 'user', grants: [{ repositories: ['*'], actions: ['pull'] }] })
    expect(makes(plain)).toBeUndefined()
  })

  test('changes nothing when it is opened and saved', () => {
    expect(changesOf(ann, fieldsOfUser(ann))).toEqual({})
    expect(changesOf(bob, fieldsOfUser(bob))).toEqual({})
  })

  test.each<[string, Partial<RegistryUserFields>, object]>([
    ['all clusters', { everywhere: true }, { clusters: null }],
    ['another cluster', { clusters: ['fra'] }, { clusters: ['fra'] }],
    ['no end', { ends: false }, { expiresAtMs: null }],
    ['another end', { until: minuteText(moment + 60_000) }, { expiresAtMs: moment + 60_000 }],
    ['no note', { note: ' ' }, { note: '' }],
    [
      'one action less',
      { grants: [{ repositories: 'team/* lib/base', actions: ['pull'] }] },
      { grants: [{ repositories: ['team/*', 'lib/base'], actions: ['pull'] }] },
    ],
    ['nothing any more', { grants: [] }, { grants: [] }],
  ])('says %s, and nothing else', (_what, fields, body) => {
    const said = changesOf(ann, { ...fieldsOfUser(ann), ...fields })
    expect(said).toEqual(body)
    expect(changes(said)).toBeUndefined()
  })

  test('says which field lacks something', () => {
    const lack = (more: Partial<RegistryUserFields>) => lackOfUser({ ...filled, ...more })
    expect(lack({})).toBeUndefined()
    expect(lack({ name: ' ' })).toBe('name')
    expect(lack({ grants: [{ repositories: '', actions: ['pull'] }] })).toBe('grants')
    expect(lack({ grants: [{ repositories: 'team/*', actions: [] }] })).toBe('grants')
    expect(lack({ clusters: [] })).toBe('clusters')
    expect(lack({ clusters: [], everywhere: true })).toBeUndefined()
    expect(lack({ until: '' })).toBe('until')
    expect(lack({ until: '', ends: false })).toBeUndefined()
  })
})

describe('a user of registries', () => {
  test('counts until it is disabled or over', () => {
    expect(standingOf(ann, moment)).toBe('active')
    expect(standingOf(ann, moment + 7_123)).toBe('over')
    expect(standingOf(bob, 2 ** 50)).toBe('active')
    expect(standingOf({ ...bob, disabled: true }, 0)).toBe('disabled')
  })
})

describe('a field for a minute', () => {
  test.each([0, moment, 4_102_444_740_000])('has %d as it was', (atMs) => expect(momentOf(minuteText(atMs))).toBe(atMs))
  test.each(['', '2026', '2026-13-01T00:00', 'tomorrow'])('says no moment with "%s"', (text) =>
    expect(momentOf(text)).toBeUndefined(),
  )
})
