import { expect, test } from '@jest/globals'
import { backUp, type ManagerDatabase, restore as restoreTo } from '../../../services/manager/database/index.ts'
import { inBackups } from '../../../services/manager/database/tables.ts'
import { nextNumber } from '../../../services/manager/jobs/index.ts'
import { pauseRestored } from '../../../services/manager/settings/pause-running.ts'
import { eachManagerDatabase, quiet } from '../../kit/manager/databases.ts'
import { settingsLab } from '../../kit/manager/settings-lab.ts'

const tables = Object.keys(inBackups) as (keyof typeof inBackups)[]
const kept = tables.filter((table) => inBackups[table] !== undefined)

const restore = (
  parts: ReturnType<typeof quiet>,
  init: Parameters<typeof restoreTo>[1],
  lines: AsyncIterable<string>,
) => restoreTo(parts, init, lines, pauseRestored(parts))

async function* linesOf(lines: readonly string[]) {
  for (const line of lines) yield line.replace(/\n$/, '')
}

/** Rows of every kind, more than are read at once. */
async function filled(database: ManagerDatabase): Promise<void> {
  await database.keep(async (tx) => {
    const user = { password: null, provider: null, subject: null, disabled: 0, createdAtMs: 1, signedInAtMs: null }
    for (let i = 0; i < 1203; i += 1) {
      await tx
        .insertInto('users')
        .values({ ...user, id: `u${i}`, name: `n${i}` })
        .execute()
      for (const role of ['a', 'b'].slice(0, (i % 2) + 1))
        await tx
          .insertInto('userRoles')
          .values({ userId: `u${i}`, role })
          .execute()
    }
    await tx
      .insertInto('roles')
      .values({ name: 'a', what: 'ä "quote" \n', grants: '[]', createdAtMs: 2 ** 45 })
      .execute()
    const session = {
      id: 's',
      hash: 'h',
      userId: 'u1',
      createdAtMs: 1,
      usedAtMs: 1,
      expiresAtMs: 2,
      address: '',
      agent: '',
    }
    await tx.insertInto('sessions').values(session).execute()
    for (let i = 0; i < 3; i += 1) await nextNumber(tx, 'jobs')
    await tx.updateTable('settingCounter').set({ value: 7 }).execute()
    await tx.insertInto('settingManager').values({ one: 1, id: 'manager-a' }).execute()
    await tx.updateTable('registryGeneration').set({ value: 3 }).execute()
    await tx.updateTable('relationGeneration').set({ value: 4 }).execute()
    const sent = { signatures: 1, deletes: 0, isPaused: 0, note: '', createdAtMs: 1, changedAtMs: 2 ** 45 }
    await tx
      .insertInto('relations')
      .values({
        ...{ id: 'r', fromId: 'c', toId: 'd', remote: 'd', rules: '[]', urls: null, windows: '[]' },
        ...{ bandwidth: 2 ** 40, concurrency: 4, ...sent },
      })
      .execute()
    const ends = { expiresAtMs: 2 ** 45, createdAtMs: 1, rotatedAtMs: 2 }
    await tx
      .insertInto('registryUsers')
      .values({
        name: 'ann',
        kind: 'user',
        sha256: 'h',
        disabled: 1,
        grants: '[]',
        clusters: '["c"]',
        note: '',
        ...ends,
      })
      .execute()
  })
  await database.change({ actor: 'a', action: 'b.c', target: 'd', detail: { e: [1] } }, async () => undefined)
}

/** A restore changes counters. */
const same = kept.filter((table) => table !== 'counters')

const contentOf = async (database: ManagerDatabase) => {
  const rows = await Promise.all(same.map((table) => database.read.selectFrom(table).selectAll().execute()))
  return rows.map((list) => list.map((row) => JSON.stringify(row)).toSorted())
}

eachManagerDatabase((open) => {
  const backedUp = async () => {
    const made = await open()
    await filled(made.database)
    const lines: string[] = []
    const rows = await backUp(quiet(), made.init, async (line) => void lines.push(line))
    return { made, lines, rows }
  }

  test('what was backed up is restored into an empty database, row by row, without sessions', async () => {
    const { made, lines, rows } = await backedUp()
    await using from = made
    await using to = await open({ closed: true })
    expect(rows).toBe(lines.length - 2)
    await expect(restore(quiet(), to.init, linesOf(lines))).resolves.toBe(rows)
    await to.database.start()
    await expect(contentOf(to.database)).resolves.toEqual(await contentOf(from.database))
    await expect(to.database.read.selectFrom('sessions').selectAll().execute()).resolves.toEqual([])
  })

  test('numbers that were given after the backup are not given again', async () => {
    const { made, lines } = await backedUp()
    await using from = made
    await using to = await open()
    const after = await from.database.keep((tx) => nextNumber(tx, 'jobs'))
    await restore(quiet(), to.init, linesOf(lines))
    const given = await to.database.keep(async (tx) => [await nextNumber(tx, 'jobs'), await nextNumber(tx, 'clusters')])
    expect(Math.min(...given)).toBeGreaterThan(after + 100_000)
  })

  test('a manager that has just been started is empty, one that knows something is not', async () => {
    const { made, lines } = await backedUp()
    await using from = made
    await using to = await open()
    await to.database.keep((tx) =>
      tx.insertInto('leases').values({ name: 'jobs', holder: 'x', term: 1, beat: 1 }).execute(),
    )
    await to.database.keep((tx) => tx.insertInto('settingManager').values({ one: 1, id: 'manager-b' }).execute())
    await expect(restore(quiet(), to.init, linesOf(lines))).resolves.toBeGreaterThan(1203)
    await expect(to.database.read.selectFrom('settingManager').select('id').execute()).resolves.toEqual([
      { id: 'manager-a' },
    ])
    await expect(restore(quiet(), from.init, linesOf(lines))).rejects.toMatchObject({ code: 'DATABASE_NOT_EMPTY' })
  })

  test('what let the first admin in before a backup was restored lets nobody in among its people', async () => {
    const { made, lines } = await backedUp()
    await using from = made
    await using to = await open()
    const times = { createdAtMs: 1, expiresAtMs: 2 ** 45 }
    const link = { id: 'l', hash: 'h', kind: 'admin', userId: null, roles: '["admin"]', createdBy: 'manager', ...times }
    await to.database.keep((tx) => tx.insertInto('links').values(link).execute())
    await restore(quiet(), to.init, linesOf(lines))
    expect(from.driver).toBe(to.driver)
    await expect(to.database.read.selectFrom('links').selectAll().execute()).resolves.toEqual([])
  })

  test('what was being rolled out is paused when it was restored, and what was being taken back goes on', async () => {
    await using from = await open()
    const { set, rollouts } = settingsLab(from)
    const steps = [{ hosts: 1 }, { percent: 100 }]
    const running = await set({ log: 'info' }, { steps })
    const back = await set({ log: 'warn' }, { steps, scope: 'zone:b' })
    await rollouts.act(back.rollout.id, { act: 'rollBack', actor: 'bo', reason: 'it is bad' })
    const lines: string[] = []
    await backUp(quiet(), from.init, async (line) => void lines.push(line))
    await using to = await open({ closed: true })
    await restore(quiet(), to.init, linesOf(lines))
    await to.database.start()
    const restored = settingsLab(to).rollouts
    expect((await restored.rollout(running.rollout.id)).progress).toMatchObject({ state: 'paused', step: 0 })
    expect((await restored.rollout(back.rollout.id)).progress).toMatchObject({ state: 'rollingBack' })
    const { rows } = await restored.events(running.rollout.id, { count: 10, last: undefined })
    expect(rows.at(-1)).toMatchObject({ actor: 'manager', act: 'pause', reason: 'a backup was restored' })
  })

  test('a backup that was cut off or changed restores nothing', async () => {
    const { made, lines } = await backedUp()
    await using from = made
    await using to = await open({ closed: true })
    expect(from.driver).toBe(to.driver)
    const [head = '', ...rest] = lines
    const damaged: readonly (readonly string[])[] = [
      [],
      ['hello\n', ...rest],
      rest,
      lines.slice(0, -1),
      lines.toSpliced(5, 1),
      lines.toSpliced(5, 0, lines[5] ?? ''),
      lines.map((line) => line.replace('"n7"', '"n-seven"')),
      [...lines, '{}\n'],
      [head, '{"table":"kysely_migration","row":{"name":"x","timestamp":"y"}}\n', ...rest],
      [head, '{"table":"users","row":{"nothing":1}}\n', ...rest],
    ]
    for (const file of damaged)
      await expect(restore(quiet(), to.init, linesOf(file))).rejects.toMatchObject({ code: 'BACKUP_INVALID' })
    await to.database.start()
    await using fresh = await open()
    await expect(contentOf(to.database)).resolves.toEqual(await contentOf(fresh.database))
    const later = [head.replace('"0001-audit"', '"0001-audit","9999-later"'), ...rest]
    await expect(restore(quiet(), to.init, linesOf(later))).rejects.toMatchObject({
      code: expect.stringMatching(/DATABASE_N/),
    })
    await expect(restore(quiet(), to.init, linesOf(lines))).resolves.toBeGreaterThan(1203)
  })
})
