import { expect, test } from '@jest/globals'
import type { ManagerDatabase } from '../../../services/manager/database/index.ts'
import { eachManagerDatabase } from '../../kit/manager/databases.ts'

const lease = { name: 'counted', holder: 'x', term: 1, beat: 0 }
const beatOf = async (database: Pick<ManagerDatabase, 'read'>) =>
  (await database.read.selectFrom('leases').selectAll().executeTakeFirstOrThrow()).beat

eachManagerDatabase((open) => {
  test('transactions of two managers are as if they ran one after the other', async () => {
    await using made = await open()
    const other = await made.other()
    await made.database.keep((tx) => tx.insertInto('leases').values(lease).execute())
    const add = (database: ManagerDatabase) =>
      database.keep(async (tx) => {
        const { beat } = await tx.selectFrom('leases').selectAll().executeTakeFirstOrThrow()
        await tx
          .updateTable('leases')
          .set({ beat: beat + 1 })
          .execute()
      })
    // Who has had ten tries is told so: then nothing was added.
    const ends = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => add(i % 2 === 0 ? made.database : other)),
    )
    const added = ends.filter(({ status }) => status === 'fulfilled').length
    for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'DATABASE_BUSY' })
    expect(added).toBeGreaterThan(0)
    await expect(beatOf(made.database)).resolves.toBe(added)
  })

  test('a read within a change sees what was there before, and does not wait for it', async () => {
    await using made = await open()
    await made.database.keep((tx) => tx.insertInto('leases').values(lease).execute())
    const seen = await made.database.keep(async (tx) => {
      await tx.updateTable('leases').set({ beat: 7 }).execute()
      return beatOf(made.database)
    })
    expect(seen).toBe(0)
    await expect(beatOf(made.database)).resolves.toBe(7)
  })

  test('what must be unique is told so, and nothing else is done', async () => {
    await using made = await open()
    const twice = made.database.change({ actor: 'a', action: 'b', target: 'c' }, async (tx) => {
      await tx.insertInto('leases').values(lease).execute()
      await tx.insertInto('leases').values(lease).execute()
    })
    await expect(twice).rejects.toMatchObject({ code: 'NAME_TAKEN' })
    await expect(made.database.read.selectFrom('leases').selectAll().execute()).resolves.toEqual([])
    await expect(made.database.read.selectFrom('audit').selectAll().execute()).resolves.toEqual([])
    expect(made.database.problem()).toBeUndefined()
  })

  test('reads of one moment do not see what is written meanwhile', async () => {
    await using made = await open()
    const other = await made.other()
    await made.database.keep((tx) => tx.insertInto('leases').values(lease).execute())
    const seen = await made.database.snapshot(async (tx) => {
      const before = await beatOf({ read: tx })
      await other.keep((writing) => writing.updateTable('leases').set({ beat: 9 }).execute())
      return [before, await beatOf({ read: tx })]
    })
    expect(seen).toEqual([0, 0])
    await expect(beatOf(made.database)).resolves.toBe(9)
  })

  test('a manager that is stopped says so', async () => {
    await using made = await open()
    await made.database.stop()
    await made.database.stop()
    await expect(made.database.keep(async () => 1)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })
})
