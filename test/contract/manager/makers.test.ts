import { expect, test } from '@jest/globals'
import { systemRandom } from '../../../lib/base/index.ts'
import type { Caller } from '../../../services/manager/people/caller.ts'
import { tokenList } from '../../../services/manager/people/tokens.ts'
import { eachManagerDatabase, type OpenDatabase } from '../../kit/manager/databases.ts'
import { code, HOUR_MS, PASSWORD, peopleOf, place, root } from '../../kit/manager/people-lab.ts'

const inviting = [{ resource: 'users', action: 'write' } as const, { resource: '*', action: 'read' } as const]

/** Ada, who has a session, and tokens that make tokens. */
async function makersOf(open: OpenDatabase) {
  const it = await peopleOf(open)
  await it.create('ada', ['admin'])
  const ada = await it.calling('ada')
  const make = async (caller: Caller, name: string, lives = HOUR_MS) => {
    const init = { name, grants: inviting, expiresAtMs: it.clock.now() + lives }
    const { token, kept } = await it.tokens.create(caller, caller.user!, init)
    return { token, kept, caller: (await it.tokens.find(token))! }
  }
  const names = async () => (await it.tokens.of(ada.user!)).map(({ name }) => name).toSorted()
  return { ...it, ada, make, names }
}

eachManagerDatabase((open) => {
  test('with a token end all that it has made, and what they have made, and no others', async () => {
    await using it = await makersOf(open)
    const first = await it.make(it.ada, 'first')
    const child = await it.make(first.caller, 'child')
    const grandchild = await it.make(child.caller, 'grandchild')
    const other = await it.make(it.ada, 'other')
    await it.make(other.caller, 'ofOther')
    expect(child.kept).toMatchObject({ madeBy: 'first' })
    expect(first.kept).not.toHaveProperty('madeBy')
    const rows = await it.tokens.of(it.ada.user!)
    expect(rows.find(({ name }) => name === 'grandchild')).toMatchObject({ madeBy: 'child' })
    await it.tokens.revoke(it.ada, first.kept.id, it.ada.user)
    await expect(it.names()).resolves.toEqual(['ofOther', 'other'])
    await expect(it.tokens.find(grandchild.token)).resolves.toBeUndefined()
    await expect(it.tokens.find(other.token)).resolves.toBeDefined()
  })

  test('a token that is revoked while it makes another one leaves none', async () => {
    await using it = await makersOf(open)
    const { kept, caller } = await it.make(it.ada, 'first')
    const init = { name: 'late', grants: inviting, expiresAtMs: it.clock.now() + 1 }
    await it.tokens.revoke(it.ada, kept.id, it.ada.user)
    await expect(it.tokens.create(caller, caller.user!, init)).rejects.toEqual(code('UNAUTHORIZED'))
    const next = await it.make(it.ada, 'next')
    await Promise.allSettled([
      it.tokens.revoke(it.ada, next.kept.id, it.ada.user),
      it.tokens.create(next.caller, next.caller.user!, init),
    ])
    await expect(it.names()).resolves.toEqual([])
  })

  test('what a token makes has no more rights than the token, whatever its user may do', async () => {
    await using it = await makersOf(open)
    const { caller } = await it.make(it.ada, 'first')
    const grants = [{ resource: 'jobs', action: 'write' }] as const
    const init = { name: 'more', grants: [...grants], expiresAtMs: it.clock.now() + 1 }
    await expect(it.tokens.create(caller, caller.user!, init)).rejects.toEqual(code('RIGHTS_EXCEEDED'))
  })

  test.each(['token', 'user'])(
    'an invitation counts no more when the %s that made it is gone, whoever has that name since',
    async (of) => {
      await using it = await makersOf(open)
      const { kept, caller } = await it.make(it.ada, 'ci')
      const { path } = await it.links.invites.make(of === 'token' ? caller : it.ada, ['reader'])
      // A clock that is behind makes no other one of them who was there before.
      it.clock.stall(-1)
      await it.tokens.revoke(root, kept.id)
      if (of === 'user') {
        // Links of who is removed are removed, too; this one was made while that happened.
        await it.create('boss', ['admin'])
        const links = await it.database.read.selectFrom('links').selectAll().execute()
        await it.users.remove(root, 'ada')
        await it.database.keep((tx) => tx.insertInto('links').values(links).execute())
        await it.create('ada', ['admin'])
      }
      const again = await it.calling('ada')
      await it.make(again, 'ci')
      const taken = it.comingIn.byLink({ link: path.split('#')[1] ?? '', name: 'eve', password: PASSWORD }, place, {})
      await expect(taken).rejects.toEqual(code('LINK_UNKNOWN'))
    },
  )

  test.each(['token', 'user'])('an invitation counts, also where clocks say that its %s came later', async (of) => {
    await using it = await makersOf(open)
    const { caller } = await it.make(it.ada, 'ci')
    it.clock.stall(-2_000)
    const { path } = await it.links.invites.make(of === 'token' ? caller : it.ada, ['reader'])
    const taken = it.comingIn.byLink({ link: path.split('#')[1] ?? '', name: 'eve', password: PASSWORD }, place, {})
    await expect(taken).resolves.toBeDefined()
  })

  test('tokens that were made by tokens before that was noted end with them, as far as the audit tells of it', async () => {
    await using made = await open({ upTo: '0010-hosts-behind' })
    const atMs = 1_900_000_000_000
    const token = (id: string, name: string, createdAtMs: number) => ({
      ...{ id, userId: 'u', name, hash: id, grants: '[]', createdAtMs, expiresAtMs: atMs * 2, usedAtMs: null },
    })
    const told = (id: string, actor: string, target: string, at: number) => ({
      ...{ id, actor, action: 'token.create', target, atMs: at, detail: null },
    })
    const user = { id: 'u', name: 'ada', password: null, provider: null, subject: null, disabled: 0 }
    await made.database.keep(async (tx) => {
      await tx
        .insertInto('users')
        .values({ ...user, createdAtMs: atMs, signedInAtMs: null })
        .execute()
      const tokens = [
        ...[token('1', 'maker', atMs), token('2', 'child', atMs + 1), token('3', 'own', atMs + 2)],
        ...[token('4', 'later', atMs + 9), token('5', 'orphan', atMs + 3), token('6', 'again', atMs + 4)],
      ]
      await tx.insertInto('tokens').values(tokens).execute()
      const rows = [
        ...[told('1', 'user:ada', 'ada/maker', atMs), told('2', 'token:ada/maker', 'ada/child', atMs + 1)],
        // Two of the same name: the first was revoked, the second is of a session.
        ...[told('3', 'token:ada/maker', 'ada/own', atMs), told('4', 'user:ada', 'ada/own', atMs + 2)],
        // A maker that is gone, and one whose name a later token has.
        ...[told('5', 'token:ada/gone', 'ada/orphan', atMs + 3), told('6', 'token:ada/later', 'ada/again', atMs + 4)],
      ]
      await tx.insertInto('audit').values(rows).execute()
    })
    const database = await made.other()
    const clock = { now: () => atMs }
    const tokens = tokenList({ database, clock, random: systemRandom() }, { longest: HOUR_MS })
    const makers = Object.fromEntries(
      (await tokens.of({ id: 'u', name: 'ada' })).map(({ name, madeBy }) => [name, madeBy]),
    )
    expect(makers).toEqual({ child: 'maker' })
  })
})
