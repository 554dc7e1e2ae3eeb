import { expect, test } from '@jest/globals'
import { codeOf } from '../../../lib/base/index.ts'
import type { Caller } from '../../../services/manager/people/caller.ts'
import { callingUserOf } from '../../../services/manager/people/sessions.ts'
import { eachManagerDatabase } from '../../kit/manager/databases.ts'
import { code, HOUR_MS, PASSWORD, peopleOf, place, root } from '../../kit/manager/people-lab.ts'

const page = { count: 10, last: undefined }
const adaThere = { provider: 'corp', subject: '42', name: 'ada' }

eachManagerDatabase((open) => {
  test('a user is found again with his roles, page by page by name', async () => {
    await using it = await peopleOf(open)
    for (const name of ['carl', 'ada', 'bob']) await it.create(name, ['reader', 'operator', 'reader'])
    const first = await it.users.page({ count: 2, last: undefined })
    expect(first).toMatchObject({
      users: [{ name: 'ada', roles: ['operator', 'reader'] }, { name: 'bob' }],
      next: 'bob',
    })
    await expect(it.users.page({ count: 2, last: first.next })).resolves.toEqual({
      users: [expect.objectContaining({ name: 'carl', disabled: false, hasPassword: true })],
    })
    await expect(it.create('ada', [])).rejects.toEqual(code('NAME_TAKEN'))
    await expect(it.create('dora', ['pilot'])).rejects.toEqual(code('ROLE_UNKNOWN'))
    await expect(it.users.get('dora')).resolves.toBeUndefined()
  })

  test('nobody gives more than he has, nor touches who has more', async () => {
    await using it = await peopleOf(open)
    const own = [
      { resource: 'users', action: 'write' },
      { resource: 'roles', action: 'write' },
    ] as const
    await it.roles.set(root, { name: 'clerk', what: '', grants: [...own] }, () => undefined)
    await it.create('clerk', ['clerk'])
    await it.create('boss', ['admin'])
    const clerk = await it.calling('clerk')
    const refused = code('RIGHTS_EXCEEDED')
    const everything = [{ resource: '*', action: '*' }] as const
    await expect(it.users.create(clerk, { name: 'eve', roles: ['admin'] })).rejects.toEqual(refused)
    await expect(it.users.change(clerk, 'clerk', { roles: ['admin'] }, () => undefined)).rejects.toEqual(refused)
    await expect(it.users.change(clerk, 'boss', { disabled: true }, () => undefined)).rejects.toEqual(refused)
    await expect(it.users.setPassword(clerk, 'boss', 'x')).rejects.toEqual(refused)
    await expect(it.users.endSessions(clerk, 'boss')).rejects.toEqual(refused)
    await expect(it.users.remove(clerk, 'boss')).rejects.toEqual(refused)
    await expect(it.links.invites.make(clerk, ['operator'])).rejects.toEqual(refused)
    await expect(
      it.roles.set(clerk, { name: 'clerk', what: '', grants: [...everything] }, () => undefined),
    ).rejects.toEqual(refused)
    await expect(
      it.tokens.create(clerk, clerk.user!, { name: 't', grants: [...everything], expiresAtMs: it.clock.now() + 1 }),
    ).rejects.toEqual(refused)
    await expect(it.users.create(clerk, { name: 'eve', roles: ['clerk'] })).resolves.toMatchObject({ name: 'eve' })
  })

  test('the last admin stays, also when two are taken at once', async () => {
    await using it = await peopleOf(open)
    for (const name of ['ada', 'bob']) await it.create(name, ['admin'])
    const taken = await Promise.allSettled([
      it.users.change(root, 'ada', { disabled: true }, () => undefined),
      it.users.remove(root, 'bob'),
    ])
    expect(taken.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const { users } = await it.users.page(page)
    const [left] = users.filter(({ roles, disabled }) => roles.includes('admin') && !disabled)
    await expect(it.users.change(root, left!.name, { roles: ['reader'] }, () => undefined)).rejects.toEqual(
      code('LAST_ADMIN'),
    )
    await expect(it.users.remove(root, left!.name)).rejects.toEqual(code('LAST_ADMIN'))
  })

  test('a session ends without a use, at its end, at a sign-out, and with its user', async () => {
    await using it = await peopleOf(open)
    await it.create('ada', ['reader'])
    const signedIn = async () => (await it.comingIn.byPassword({ name: 'ada', password: PASSWORD }, place, {})).value
    const found = async (value: string) => (await it.sessions.find(value))?.actor
    const used = await signedIn()
    for (let i = 0; i < 19; i += 1) {
      it.clock.stall(HOUR_MS / 2)
      await expect(found(used)).resolves.toBe('user:ada')
    }
    it.clock.stall(HOUR_MS / 2)
    await expect(found(used)).resolves.toBeUndefined()
    const unused = await signedIn()
    it.clock.stall(HOUR_MS)
    await expect(found(unused)).resolves.toBeUndefined()
    const [left, kept] = [await signedIn(), await signedIn()]
    const caller = (await it.sessions.find(left))!
    await expect(it.sessions.of(caller.user!.id, caller.sessionId!)).resolves.toHaveLength(2)
    await it.sessions.end(caller, caller.user!, caller.sessionId!)
    await expect(found(left)).resolves.toBeUndefined()
    await expect(found(kept)).resolves.toBe('user:ada')
    await it.users.change(root, 'ada', { disabled: true }, () => undefined)
    await expect(found(kept)).resolves.toBeUndefined()
    await expect(signedIn()).rejects.toEqual(code('SIGN_IN_FAILED'))
    await it.sessions.sweep()
    const rows = await it.database.read.selectFrom('sessions').selectAll().execute()
    expect(rows).toEqual([])
  })

  test('a token gives what it was given and its user still has, until its end', async () => {
    await using it = await peopleOf(open)
    await it.create('ada', ['operator'])
    const ada = await it.calling('ada')
    const grants = [
      { resource: 'jobs', action: 'write' },
      { resource: 'audit', action: 'read' },
    ] as const
    const expiresAtMs = it.clock.now() + HOUR_MS
    const { token, kept } = await it.tokens.create(ada, ada.user!, { name: 'ci', grants: [...grants], expiresAtMs })
    const may = async () =>
      (await it.tokens.find(token))?.grants.map((each) => `${each.resource}.${each.action}`).toSorted()
    expect(token).toMatch(/^shoal_pat_[\w-]{43}$/)
    await expect(may()).resolves.toEqual(['audit.read', 'jobs.read', 'jobs.write'])
    await it.users.change(root, 'ada', { roles: ['reader'] }, () => undefined)
    await expect(may()).resolves.toEqual(['jobs.read'])
    const again = it.tokens.create(ada, ada.user!, { name: 'ci', grants: [], expiresAtMs })
    await expect(again).rejects.toEqual(code('NAME_TAKEN'))
    const never = it.tokens.create(ada, ada.user!, {
      name: 'long',
      grants: [],
      expiresAtMs: expiresAtMs + 100 * HOUR_MS,
    })
    await expect(never).rejects.toEqual(code('BODY_INVALID'))
    await expect(it.tokens.page(page)).resolves.toMatchObject({ tokens: [{ id: kept.id, usedAtMs: it.clock.now() }] })
    it.clock.stall(HOUR_MS)
    await expect(may()).resolves.toBeUndefined()
    await it.tokens.sweep()
    await expect(it.tokens.of(ada.user!)).resolves.toEqual([])
  })

  test('a token makes none that lives longer than itself', async () => {
    await using it = await peopleOf(open)
    await it.create('ada', ['reader'])
    const ada = await it.calling('ada')
    const grants = [{ resource: 'jobs', action: 'read' }] as const
    const expiresAtMs = it.clock.now() + HOUR_MS
    const make = (caller: Caller, name: string, until: number) =>
      it.tokens.create(caller, caller.user!, { name, grants: [...grants], expiresAtMs: until })
    const shown = (await it.tokens.find((await make(ada, 'one', expiresAtMs)).token))!
    await expect(make(shown, 'two', expiresAtMs + 1)).rejects.toEqual(code('RIGHTS_EXCEEDED'))
    await expect(make(shown, 'two', expiresAtMs)).resolves.toMatchObject({ kept: { expiresAtMs } })
  })

  test('an invitation to a role that is gone meanwhile makes no user, and is not used up by that', async () => {
    await using it = await peopleOf(open)
    const grants = [{ resource: 'jobs', action: 'read' }] as const
    const role = { name: 'watcher', what: '', grants: [...grants] }
    await it.roles.set(root, role, () => undefined)
    const { path } = await it.links.invites.make(root, ['watcher'])
    await it.roles.remove(root, 'watcher')
    const shown = { link: path.slice(path.indexOf('#') + 1), name: 'ada', password: PASSWORD }
    await expect(it.comingIn.byLink(shown, place, {})).rejects.toEqual(code('ROLE_UNKNOWN'))
    await expect(it.users.get('ada')).resolves.toBeUndefined()
    await it.roles.set(root, role, () => undefined)
    const { value } = await it.comingIn.byLink(shown, place, {})
    await expect(it.sessions.find(value)).resolves.toMatchObject({ grants })
  })

  test('whoever signs in by a provider stands in the audit as who he is here, whatever he is called there', async () => {
    await using it = await peopleOf(open)
    await it.create('boss', ['admin'])
    const provided = { provider: 'corp', subject: '42', name: 'eve', roles: ['reader'] }
    await it.comingIn.byProvider(provided, place)
    await it.comingIn.byProvider({ ...provided, name: 'boss' }, place)
    const rows = await it.database.read
      .selectFrom('audit')
      .select(['actor', 'target'])
      .where('action', '=', 'session.open')
      .execute()
    expect(rows).toEqual(Array.from({ length: 2 }, () => ({ actor: 'user:eve', target: 'eve' })))
  })

  test('a token that is revoked, or whose user is disabled, gives nothing at once', async () => {
    await using it = await peopleOf(open)
    await it.create('ada', ['operator'])
    const ada = await it.calling('ada')
    const make = (name: string) =>
      it.tokens.create(ada, ada.user!, { name, grants: [], expiresAtMs: it.clock.now() + HOUR_MS })
    const [one, other] = [await make('one'), await make('other')]
    await it.create('bob', [])
    const bob = await it.calling('bob')
    await expect(it.tokens.revoke(bob, one.kept.id, bob.user)).rejects.toEqual(code('NOT_FOUND'))
    await it.tokens.revoke(ada, one.kept.id, ada.user)
    await expect(it.tokens.find(one.token)).resolves.toBeUndefined()
    await it.users.change(root, 'ada', { disabled: true }, () => undefined)
    await expect(it.tokens.find(other.token)).resolves.toBeUndefined()
  })

  test('nothing that is shown once is in the database', async () => {
    await using it = await peopleOf(open)
    await it.create('ada', ['admin'])
    const { value } = await it.comingIn.byPassword({ name: 'ada', password: PASSWORD }, place, {})
    const ada = (await it.sessions.find(value))!
    const { token } = await it.tokens.create(ada, ada.user!, {
      name: 'ci',
      grants: [],
      expiresAtMs: it.clock.now() + 1,
    })
    const { path } = await it.links.invites.make(ada, ['reader'])
    const stored: unknown[] = []
    for (const table of ['users', 'roles', 'userRoles', 'sessions', 'tokens', 'links', 'audit'] as const)
      stored.push(await it.database.read.selectFrom(table).selectAll().execute())
    const text = JSON.stringify(stored)
    expect(text).toContain('ada')
    for (const secret of [PASSWORD, value, token, token.slice('shoal_pat_'.length), path.split('#')[1] ?? '?'])
      expect(text).not.toContain(secret)
  })

  test('the first admin comes by a link that counts once, and only while there is none', async () => {
    await using it = await peopleOf(open)
    const shown = async () => ({ link: (await it.links.forFirstAdmin())?.split('#')[1] ?? '', password: PASSWORD })
    const [one, late, other] = [await shown(), await shown(), await shown()]
    const tries = await Promise.allSettled([
      it.comingIn.byLink({ ...one, name: 'ada' }, place, {}),
      it.comingIn.byLink({ ...one, name: 'eve' }, place, {}),
    ])
    expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await expect(it.comingIn.byLink({ ...other, name: 'mallory' }, place, {})).rejects.toEqual(code('LINK_UNKNOWN'))
    await expect(it.links.forFirstAdmin()).resolves.toBeUndefined()
    const { users } = await it.users.page(page)
    expect(users).toEqual([expect.objectContaining({ roles: ['admin'] })])
    it.clock.stall(25 * HOUR_MS)
    await expect(it.comingIn.byLink({ ...late, name: 'carl' }, place, {})).rejects.toEqual(code('LINK_UNKNOWN'))
  })

  test('an invitation gives its roles, and ends with who made it', async () => {
    await using it = await peopleOf(open)
    await it.create('boss', ['admin'])
    await it.create('ada', ['admin'])
    const ada = await it.calling('ada')
    const invited = async () => (await it.links.invites.make(ada, ['reader'])).path.split('#')[1] ?? ''
    const [used, left] = [await invited(), await invited()]
    const taken = it.comingIn.byLink({ link: used, name: 'ada', password: PASSWORD }, place, {})
    await expect(taken).rejects.toEqual(code('NAME_TAKEN'))
    const { value } = await it.comingIn.byLink({ link: used, name: 'bob', password: PASSWORD }, place, {})
    await expect(it.sessions.find(value)).resolves.toMatchObject({ user: { name: 'bob', roles: ['reader'] } })
    await it.users.change(root, 'ada', { disabled: true }, () => undefined)
    const late = it.comingIn.byLink({ link: left, name: 'eve', password: PASSWORD }, place, {})
    await expect(late).rejects.toEqual(code('LINK_UNKNOWN'))
  })

  test('a link for the first admin is void for good once there was an admin, however he came', async () => {
    await using it = await peopleOf(open)
    const link = async () => (await it.links.forFirstAdmin())?.split('#')[1] ?? ''
    const opened = (shown: string) => it.comingIn.byLink({ link: shown, name: 'eve', password: PASSWORD }, place, {})
    const provided = { provider: 'corp', subject: '42', name: 'ada' }
    const [unused, other] = [await link(), await link()]
    await it.comingIn.byProvider({ ...provided, roles: ['admin'] }, place)
    // What the provider says takes the last admin away.
    await it.comingIn.byProvider({ ...provided, roles: ['reader'] }, place)
    await expect(opened(unused)).rejects.toEqual(code('LINK_UNKNOWN'))
    await it.comingIn.byProvider({ ...provided, roles: ['admin'] }, place)
    await it.database.keep((tx) => tx.updateTable('users').set({ disabled: 1 }).execute())
    const later = await link()
    await it.users.change(root, 'ada', { disabled: false }, () => undefined)
    await it.database.keep((tx) => tx.updateTable('users').set({ disabled: 1 }).execute())
    for (const each of [unused, other, later]) await expect(opened(each)).rejects.toEqual(code('LINK_UNKNOWN'))
    await expect(opened(await link())).resolves.toBeDefined()
  })

  test('whom a provider knows has no password, and gets none from others', async () => {
    await using it = await peopleOf(open)
    const provided = { provider: 'corp', subject: '42', name: 'ada', roles: ['reader'] }
    await it.comingIn.byProvider(provided, place)
    await expect(it.comingIn.byProvider({ ...provided, roles: [] }, place)).rejects.toEqual(code('SIGN_IN_FAILED'))
    await it.roles.set(
      root,
      { name: 'clerk', what: '', grants: [{ resource: 'users', action: 'write' }] },
      () => undefined,
    )
    await it.create('carl', ['clerk'])
    const hash = await it.passwords.hash(PASSWORD, {})
    const set = it.users.setPassword(await it.calling('carl'), 'ada', hash)
    await expect(set).rejects.toEqual(code('PASSWORD_ELSEWHERE'))
    await expect(it.users.get('ada')).resolves.toMatchObject({ hasPassword: false })
    // One that an earlier version has set counts no more.
    await it.database.keep((tx) => tx.updateTable('users').set({ password: hash }).where('name', '=', 'ada').execute())
    const tried = it.comingIn.byPassword({ name: 'ada', password: PASSWORD }, place, {})
    await expect(tried).rejects.toEqual(code('SIGN_IN_FAILED'))
  })

  test.each<readonly [string, (it: Awaited<ReturnType<typeof peopleOf>>, token: string) => Promise<unknown>]>([
    ['has lost the role', (it) => it.users.change(root, 'ada', { roles: ['operator'] }, () => undefined)],
    ['may invite nobody any more', (it) => it.roles.set(root, { name: 'host', what: '', grants: [] }, () => undefined)],
    ['was signed out by a provider', (it) => it.comingIn.byProvider({ ...adaThere, roles: [] }, place).catch(() => 0)],
    ['has revoked the token', (it, token) => it.tokens.revoke(root, token)],
    ['let the token end', async (it) => it.clock.stall(2 * HOUR_MS)],
  ])('an invitation counts no more when its maker %s', async (_, lose) => {
    await using it = await peopleOf(open)
    const grants = [{ resource: 'users', action: 'write' } as const, { resource: '*', action: 'read' } as const]
    await it.roles.set(root, { name: 'host', what: '', grants }, () => undefined)
    await it.comingIn.byProvider({ ...adaThere, roles: ['host'] }, place)
    const user = (await it.database.read.selectFrom('users').selectAll().where('name', '=', 'ada').executeTakeFirst())!
    const ada: Caller = { actor: 'user:ada', kind: 'user', ...(await callingUserOf(it.database.read, user)) }
    const expiresAtMs = it.clock.now() + HOUR_MS
    const { kept, token } = await it.tokens.create(ada, ada.user!, { name: 'ci', grants, expiresAtMs })
    const byToken = (await it.tokens.find(token))!
    const invited = async (caller: Caller) => (await it.links.invites.make(caller, ['reader'])).path.split('#')[1] ?? ''
    const taken = (link: string, name: string) => it.comingIn.byLink({ link, name, password: PASSWORD }, place, {})
    await expect(taken(await invited(byToken), 'bob')).resolves.toBeDefined()
    const [left, own, ofRoot] = [await invited(byToken), await invited(ada), await invited(root)]
    await lose(it, kept.id)
    await expect(taken(left, 'eve')).rejects.toEqual(code('LINK_UNKNOWN'))
    const { grants: now } = await callingUserOf(it.database.read, user)
    const ownCounts = now.some(({ resource, action }) => resource === 'users' && action === 'write')
    const tried = taken(own, 'carl').catch(codeOf)
    await expect(tried).resolves.toEqual(
      ownCounts ? expect.objectContaining({ value: expect.any(String) }) : 'LINK_UNKNOWN',
    )
    await expect(taken(ofRoot, 'dora')).resolves.toBeDefined()
  })

  test('a link that signs a user in is his, and needs no password', async () => {
    await using it = await peopleOf(open)
    await it.create('ada', ['admin'])
    const ada = await it.calling('ada')
    const link = (await it.links.forUser('admin', ada.user!)).split('#')[1] ?? ''
    const more = it.comingIn.byLink({ link, name: 'eve', password: PASSWORD }, place, {})
    await expect(more).rejects.toEqual(code('BODY_INVALID'))
    const { value } = await it.comingIn.byLink({ link }, place, {})
    await expect(it.sessions.find(value)).resolves.toMatchObject({ actor: 'user:ada' })
    await expect(it.comingIn.byLink({ link }, place, {})).rejects.toEqual(code('LINK_UNKNOWN'))
  })

  test('a role that somebody has stays, and one that is changed counts at once', async () => {
    await using it = await peopleOf(open)
    const role = { name: 'warmer', what: 'preheats', grants: [{ resource: 'jobs', action: 'write' }] as const }
    await it.roles.set(root, { ...role, grants: [...role.grants] }, (before) => expect(before).toBeUndefined())
    await it.create('ada', ['warmer'])
    const ada = await it.calling('ada')
    expect(ada.grants).toEqual([
      { resource: 'jobs', action: 'read' },
      { resource: 'jobs', action: 'write' },
    ])
    await expect(it.roles.remove(root, 'warmer')).rejects.toEqual(code('ROLE_USED'))
    await expect(it.roles.remove(root, 'admin')).rejects.toEqual(code('ROLE_FIXED'))
    await it.roles.set(root, { name: 'warmer', what: '', grants: [] }, (before) =>
      expect(before?.what).toBe('preheats'),
    )
    await expect(
      callingUserOf(it.database.read, { id: ada.user!.id, name: 'ada', password: null }),
    ).resolves.toMatchObject({ grants: [] })
    await it.users.change(root, 'ada', { roles: [] }, () => undefined)
    await it.roles.remove(root, 'warmer')
    expect((await it.roles.all()).map(({ name }) => name)).toEqual(['admin', 'operator', 'reader'])
  })

  test('a user who is removed leaves no session, token or role', async () => {
    await using it = await peopleOf(open)
    await it.create('ada', ['operator'])
    const ada = await it.calling('ada')
    const { token } = await it.tokens.create(ada, ada.user!, {
      name: 'ci',
      grants: [],
      expiresAtMs: it.clock.now() + HOUR_MS,
    })
    await it.users.remove(root, 'ada')
    await expect(it.tokens.find(token)).resolves.toBeUndefined()
    for (const table of ['users', 'userRoles', 'sessions', 'tokens'] as const)
      await expect(it.database.read.selectFrom(table).selectAll().execute()).resolves.toEqual([])
    await expect(it.users.remove(root, 'ada')).rejects.toEqual(code('USER_UNKNOWN'))
  })
})
