import { setImmediate } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { recordingLogger } from '../../../lib/telemetry/index.ts'
import { requireMaker } from '../../../services/manager/jobs/schedules/schedule-maker.ts'
import { scheduleRounds } from '../../../services/manager/jobs/schedules/schedule-rounds.ts'
import { scheduleStore } from '../../../services/manager/jobs/schedules/schedule-store.ts'
import type { Caller } from '../../../services/manager/people/caller.ts'
import { eachManagerDatabase, type OpenDatabase } from '../../kit/manager/databases.ts'
import { HOUR_MS, peopleOf, root } from '../../kit/manager/people-lab.ts'

const DAY_MS = 24 * HOUR_MS
const nightly = { cron: '0 3 * * *', job: { kind: 'preheat', targets: ['team/app:1'] } }
const onPush = { onPush: { repository: 'team/*' }, job: { kind: 'preheat' } }
const giving = [{ resource: 'jobs', action: 'write' } as const]
const image = { repository: 'team/app', digest: `sha256:${'0'.repeat(64)}` }

/** Ada and bob may give jobs; schedules begin what is only written down here. */
async function makersOf(open: OpenDatabase) {
  const it = await peopleOf(open)
  for (const name of ['ada', 'bob']) await it.create(name, ['operator'])
  const schedules = scheduleStore(it)
  const begun: string[] = []
  const rounds = scheduleRounds({
    ...{ schedules, clock: it.clock, database: it.database, logger: recordingLogger() },
    requireMaker: requireMaker(it),
    give: async ({ schedule = '' }) => {
      begun.push(schedule)
      return { id: `job of ${schedule}` } as never
    },
  })
  /** A day later, with a push, too: what has begun by that. */
  const nextDay = async (): Promise<readonly string[]> => {
    begun.length = 0
    await it.clock.advance(DAY_MS)
    const end = new AbortController()
    const working = rounds.work(it.database, end.signal).catch(() => undefined)
    while ((await schedules.due(it.clock.now())).length > 0) await setImmediate()
    end.abort()
    await working
    await rounds.pushed(image)
    return begun.toSorted()
  }
  const set = async (by: Pick<Caller, 'actor' | 'user' | 'tokenId'>) => {
    await schedules.set('nightly', nightly, by)
    await schedules.set('pushed', onPush, by)
  }
  const codes = async () => (await schedules.page({ count: 9, last: undefined })).schedules.map((each) => each.lastCode)
  const make = async (name: string) => {
    const ada = await it.calling('ada')
    const init = { name, grants: giving, expiresAtMs: it.clock.now() + 40 * HOUR_MS }
    const { token, kept } = await it.tokens.create(ada, ada.user!, init)
    return { kept, caller: (await it.tokens.find(token))! }
  }
  return { ...it, schedules, nextDay, set, codes, make }
}
type Makers = Awaited<ReturnType<typeof makersOf>>

const clerk = {
  ...{ name: 'clerk', what: '' },
  grants: [{ resource: 'jobs', action: 'read' } as const, { resource: 'schedules', action: 'write' } as const],
}

eachManagerDatabase((open) => {
  test.each<readonly [string, (it: Makers) => Promise<unknown>]>([
    ['may give no jobs any more', (it) => it.users.change(root, 'ada', { roles: ['reader'] }, () => undefined)],
    ['is disabled', (it) => it.users.change(root, 'ada', { disabled: true }, () => undefined)],
    ['is removed', (it) => it.users.remove(root, 'ada')],
    [
      'is removed, and somebody else has the name',
      async (it) => {
        await it.users.remove(root, 'ada')
        // Its clock may be behind.
        it.clock.stall(-1_000)
        await it.create('ada', ['operator'])
      },
    ],
  ])('a schedule whose maker %s begins nothing and says so, until somebody who may sets it again', async (_, lose) => {
    await using it = await makersOf(open)
    await it.set(await it.calling('ada'))
    await expect(it.nextDay()).resolves.toEqual(['nightly', 'pushed'])
    await expect(it.codes()).resolves.toEqual([undefined, undefined])
    await lose(it)
    await expect(it.nextDay()).resolves.toEqual([])
    await expect(it.codes()).resolves.toEqual(['SCHEDULE_RIGHTS_LOST', 'SCHEDULE_RIGHTS_LOST'])
    await expect(it.nextDay()).resolves.toEqual([])
    await it.set(await it.calling('bob'))
    await expect(it.codes()).resolves.toEqual([undefined, undefined])
    await expect(it.nextDay()).resolves.toEqual(['nightly', 'pushed'])
    await it.schedules.remove('nightly', 'user:bob')
  })

  test('a schedule that a token has set ends with the token; one that the secret of admins has set goes on', async () => {
    await using it = await makersOf(open)
    await it.set((await it.make('ci')).caller)
    await it.schedules.set('admin', nightly, root)
    await expect(it.nextDay()).resolves.toEqual(['admin', 'nightly', 'pushed'])
    await expect(it.nextDay()).resolves.toEqual(['admin'])
    await expect(it.codes()).resolves.toEqual([undefined, 'SCHEDULE_RIGHTS_LOST', 'SCHEDULE_RIGHTS_LOST'])
  })

  test('who gets the right back is asked at the next time as if he had never lost it', async () => {
    await using it = await makersOf(open)
    await it.set(await it.calling('ada'))
    await it.roles.set(root, clerk, () => undefined)
    await it.users.change(root, 'ada', { roles: ['clerk'] }, () => undefined)
    await expect(it.nextDay()).resolves.toEqual([])
    await it.users.change(root, 'ada', { roles: ['operator'] }, () => undefined)
    await expect(it.nextDay()).resolves.toEqual(['nightly', 'pushed'])
    await expect(it.codes()).resolves.toEqual([undefined, undefined])
  })

  test.each<readonly [string, (it: Makers) => Promise<Caller>]>([
    ['user', (it) => it.calling('ada')],
    ['token', async (it) => (await it.make('ci')).caller],
  ])('a %s counts as who has set a schedule, also where clocks say that he came later', async (_, by) => {
    await using it = await makersOf(open)
    const caller = await by(it)
    it.clock.stall(-2_000)
    await it.set(caller)
    await expect(it.nextDay()).resolves.toEqual(['nightly', 'pushed'])
    await expect(it.codes()).resolves.toEqual([undefined, undefined])
  })

  test('a token lends nothing to the schedule of an earlier one of its name, whatever clocks say', async () => {
    await using it = await makersOf(open)
    const { kept, caller } = await it.make('ci')
    await it.set(caller)
    await it.tokens.revoke(root, kept.id)
    it.clock.stall(-1_000)
    await it.make('ci')
    await expect(it.nextDay()).resolves.toEqual([])
  })

  test('of a schedule of before, its time and the name in it tell who has set it', async () => {
    await using it = await makersOf(open)
    await it.make('ci')
    await it.set({ actor: 'user:ada' })
    await it.schedules.set('token', nightly, { actor: 'token:ada/ci' })
    await expect(it.nextDay()).resolves.toEqual(['nightly', 'pushed', 'token'])
    await it.users.remove(root, 'ada')
    it.clock.stall(1)
    await it.create('ada', ['operator'])
    await it.make('ci')
    await expect(it.nextDay()).resolves.toEqual([])
  })
})
