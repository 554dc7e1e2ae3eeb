import { describe, expect, test } from '@jest/globals'
import { parseRepository } from '../../../lib/core/index.ts'
import {
  type AccessRule,
  accessFrom,
  accessOfEntries,
  type Decision,
  decide,
  grantedOf,
  grantsFor,
  type Principal,
  type Wanted,
} from '../../../lib/identity/index.ts'

const rules: readonly AccessRule[] = [
  { who: ['anonymous'], repositories: ['public/*'], actions: ['pull'] },
  { who: ['user:ann', 'token:build-*'], repositories: ['team/*'], actions: ['pull', 'push'] },
  { who: ['user:ann'], repositories: ['team/old'], actions: ['delete'] },
  { who: ['user:*'], repositories: ['shared/*'], actions: ['pull', 'catalog'] },
]

const known = (name: string): Principal => ({ name, rights: [], access: accessFrom(grantsFor(rules, name)) })
const secret = (name: string, ...rights: Principal['rights']): Principal => ({ name, rights })
/** Who has a token with these entries. */
const showing = (principal: Principal, ...scopes: string[]): Principal => ({
  ...principal,
  shown: accessOfEntries(grantedOf(scopes, accessFrom(grantsFor(rules, principal.name)))),
})

const callers = {
  stranger: known('anonymous'),
  wrong: secret('anonymous'),
  ann: known('user:ann'),
  bob: known('user:bob'),
  build: known('token:build-7'),
  other: known('token:other'),
  'ann, token of team/a': showing(known('user:ann'), 'repository:team/a:pull,push'),
  'stranger, token of nothing': showing(known('anonymous')),
  'stranger, token of public/a': showing(known('anonymous'), 'repository:public/a:pull'),
  'the secret read': secret('read', 'read'),
  'the secret push': secret('push', 'read', 'write'),
  'the secret adminRead': secret('adminRead', 'inspect'),
} as const

const wantedOf = (text: string): Wanted => {
  const [action = '', name = ''] = text.split(' ')
  return name === '' ? 'catalog' : { repository: parseRepository(name), action: action as 'pull' | 'push' | 'delete' }
}

/** Who wants what, and how that is decided. */
const table: readonly (readonly [keyof typeof callers, string, Decision])[] = [
  ['stranger', 'pull public/a', 'yes'],
  ['stranger', 'push public/a', 'logIn'],
  ['stranger', 'pull team/a', 'logIn'],
  ['stranger', 'catalog', 'logIn'],
  ['wrong', 'pull public/a', 'logIn'],
  ['ann', 'pull public/a', 'yes'],
  ['ann', 'push public/a', 'denied'],
  ['ann', 'push team/a', 'yes'],
  ['ann', 'delete team/a', 'denied'],
  ['ann', 'delete team/old', 'yes'],
  ['ann', 'pull elsewhere/a', 'hidden'],
  ['ann', 'push elsewhere/a', 'hidden'],
  ['ann', 'delete elsewhere/a', 'hidden'],
  ['ann', 'catalog', 'yes'],
  ['bob', 'pull shared/a', 'yes'],
  ['bob', 'pull team/a', 'hidden'],
  ['bob', 'pull team/old', 'hidden'],
  ['build', 'push team/a', 'yes'],
  ['build', 'pull shared/a', 'hidden'],
  ['build', 'catalog', 'denied'],
  ['other', 'push team/a', 'hidden'],
  ['ann, token of team/a', 'push team/a', 'yes'],
  ['ann, token of team/a', 'push team/b', 'askAgain'],
  ['ann, token of team/a', 'catalog', 'askAgain'],
  ['ann, token of team/a', 'pull elsewhere/a', 'hidden'],
  ['stranger, token of nothing', 'pull public/a', 'askAgain'],
  ['stranger, token of nothing', 'pull team/a', 'logIn'],
  ['stranger, token of public/a', 'pull public/a', 'yes'],
  ['the secret read', 'pull team/a', 'yes'],
  ['the secret read', 'catalog', 'yes'],
  ['the secret read', 'push team/a', 'denied'],
  ['the secret push', 'delete elsewhere/a', 'yes'],
  ['the secret adminRead', 'pull team/a', 'denied'],
]

describe('decide', () => {
  test.each(table)('%s, %s: %s', (who, what, decision) => {
    expect(decide(callers[who], wantedOf(what))).toBe(decision)
  })
})

describe('grantedOf', () => {
  const access = accessFrom(grantsFor(rules, 'user:ann'))
  const entry = (name: string, ...actions: string[]) => ({ type: 'repository', name, actions })

  test.each([
    [['repository:team/a:pull,push'], [entry('team/a', 'pull', 'push')]],
    [['repository:team/a:push,pull,delete'], [entry('team/a', 'pull', 'push')]],
    [['repository:team/old:*'], [entry('team/old', 'pull', 'push', 'delete')]],
    [['repository:team/a:pull repository:public/b:pull'], [entry('team/a', 'pull'), entry('public/b', 'pull')]],
    [['repository(plugin):team/a:pull'], [entry('team/a', 'pull')]],
    [['repository:elsewhere/a:pull'], []],
    [['registry:catalog:*'], [{ type: 'registry', name: 'catalog', actions: ['*'] }]],
    [['', ':', 'repository', 'repository:team/a', 'repository:Team/A:pull', 'other:team/a:pull'], []],
    [[`${'x '.repeat(32)}repository:team/a:pull`], []],
  ])('of %j gives %j', (scopes, entries) => {
    expect(grantedOf(scopes, access)).toEqual(entries)
  })
})
