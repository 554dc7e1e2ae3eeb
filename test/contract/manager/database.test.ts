import { expect, test } from '@jest/globals'
import { auditLog } from '../../../services/manager/audit-log.ts'
import { idAt } from '../../../services/manager/database/index.ts'
import { eachManagerDatabase } from '../../kit/manager/databases.ts'

const entry = { actor: 'user:ada', action: 'user.create', target: 'grace' }
const fault = new Error('it did not work')

eachManagerDatabase((open) => {
  test('a change and its row in the audit are both there after a restart', async () => {
    await using made = await open()
    await made.database.change({ ...entry, detail: { roles: ['reader'] } }, async () => undefined)
    const { audit } = await auditLog(await made.reopened()).page({ count: 10, last: undefined })
    expect(audit).toEqual([
      { ...entry, id: expect.any(String), atMs: expect.any(Number), detail: { roles: ['reader'] } },
    ])
  })

  test('a zero character in a text is a fault of nobody: it is kept as a sign, and found by either', async () => {
    await using made = await open()
    await made.database.change({ ...entry, target: 'a\0b' }, async () => undefined)
    for (const target of ['a\0b', 'a\ufffdb']) {
      const { audit } = await auditLog(made).page({ count: 10, last: undefined }, { target })
      expect(audit).toMatchObject([{ target: 'a\ufffdb' }])
    }
  })

  test('a change that fails leaves neither', async () => {
    await using made = await open()
    const failing = made.database.change(entry, async (tx) => {
      const row = { ...entry, id: 'written-by-hand', atMs: 1, detail: null }
      await tx.insertInto('audit').values(row).execute()
      throw fault
    })
    await expect(failing).rejects.toBe(fault)
    await expect(auditLog(made).page({ count: 10, last: undefined })).resolves.toEqual({ audit: [] })
  })

  test('changes at the same time do not mix', async () => {
    await using made = await open()
    const ends = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        made.database.change({ ...entry, target: `user-${i}` }, async () => {
          if (i % 2 === 1) throw fault
        }),
      ),
    )
    const written = ends.flatMap(({ status }, i) => (status === 'fulfilled' ? [`user-${i}`] : []))
    const { audit } = await auditLog(made).page({ count: 100, last: undefined })
    expect(written).toHaveLength(10)
    expect(audit.map(({ target }) => target).toSorted()).toEqual(written.toSorted())
  })

  test('pages show each row once, the newest first', async () => {
    await using made = await open()
    for (let i = 0; i < 7; i += 1) await made.database.change({ ...entry, target: `user-${i}` }, async () => undefined)
    const seen: string[] = []
    let last: string | undefined
    do {
      const page = await auditLog(made).page({ count: 3, last })
      seen.push(...page.audit.map(({ id }) => id))
      last = page.next
    } while (last !== undefined)
    expect(seen).toHaveLength(7)
    expect(seen).toEqual([...new Set(seen)].toSorted().toReversed())
  })

  test('pages by any choice of filters show what fits all of them, each row once', async () => {
    await using made = await open()
    const rows = Array.from({ length: 36 }, (_, i) => ({
      ...{ id: `${idAt(i)}-row`, atMs: i, detail: null },
      ...{ actor: `user:${i % 2}`, action: `deed.${i % 3}`, target: `target-${i % 4}` },
    }))
    await made.database.keep((tx) => tx.insertInto('audit').values(rows).execute())
    const columns = ['actor', 'action', 'target'] as const
    const choices = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => columns.filter((_, at) => (bits >> at) % 2 === 1))
    for (const chosen of choices) {
      const wanted = { actor: 'user:1', action: 'deed.2', target: 'target-3' }
      const filter = Object.fromEntries(chosen.map((column) => [column, wanted[column]]))
      const seen: string[] = []
      let last: string | undefined
      do {
        const page = await auditLog(made).page({ count: 2, last }, { ...filter, fromMs: 5, untilMs: 35 })
        seen.push(...page.audit.map(({ id }) => id))
        last = page.next
      } while (last !== undefined)
      const fit = rows.filter((row) => chosen.every((column) => row[column] === wanted[column]))
      const within = fit.filter(({ atMs }) => atMs >= 5 && atMs < 35)
      expect([chosen, seen]).toEqual([chosen, within.map(({ id }) => id).toReversed()])
    }
  })

  test('tables of a later version are refused', async () => {
    await using made = await open()
    await made.database.keep(async (tx) => {
      const later = { name: '9999-later', timestamp: new Date(0).toISOString() }
      await tx
        .insertInto('kysely_migration' as 'audit')
        .values(later as never)
        .execute()
    })
    await expect(made.reopened()).rejects.toMatchObject({ code: 'DATABASE_NEWER' })
  })
})
