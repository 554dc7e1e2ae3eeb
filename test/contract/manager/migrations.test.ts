import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { backUp, restore } from '../../../services/manager/database/index.ts'
import { migrations } from '../../../services/manager/database/migrations/index.ts'
import { pauseRestored } from '../../../services/manager/settings/pause-running.ts'
import { eachManagerDatabase, type MadeDatabase, quiet } from '../../kit/manager/databases.ts'

/** Backups of every schema that was released, by test/kit/manager/write-schema-fixture.ts. */
const fixtures = join(import.meta.dirname, '..', '..', 'fixtures', 'manager')
const released = readdirSync(fixtures).filter((name) => name.endsWith('.jsonl'))

async function* linesOf(text: string) {
  for (const line of text.split('\n')) if (line !== '') yield line
}

interface Line {
  readonly steps?: readonly string[]
  readonly table?: string
  readonly row?: Readonly<Record<string, unknown>>
}

const parsed = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)

const backedUp = async ({ init }: MadeDatabase): Promise<readonly Line[]> => {
  const lines: string[] = []
  await backUp(quiet(), init, async (line) => void lines.push(line))
  return parsed(lines.join(''))
}

/** What is known of a row after its restore, which passes numbers over and pauses roll-outs. */
function restored(table: string | undefined, row: Readonly<Record<string, unknown>>) {
  if (table === 'counters') return { name: row['name'] }
  return table === 'rollouts' && row['state'] === 'running' ? { ...row, state: 'paused' } : row
}

eachManagerDatabase((open) => {
  describe.each(released)('%s', (name) => {
    const text = readFileSync(join(fixtures, name), 'utf8')

    test('is brought to the present form with all its rows', async () => {
      await using made = await open({ closed: true })
      await restore(quiet(), made.init, linesOf(text), pauseRestored(quiet()))
      const after = await backedUp(made)
      expect(after[0]?.steps).toEqual(Object.keys(migrations))
      for (const { table, row } of parsed(text))
        if (row !== undefined)
          expect(after).toContainEqual({ table, row: expect.objectContaining(restored(table, row)) })
      await made.database.start()
      await expect(made.database.change({ actor: 'a', action: 'b', target: 'c' }, async () => 1)).resolves.toBe(1)
    })

    test('had the steps of today, up to its own', () => {
      const { steps = [] } = parsed(text)[0] ?? {}
      expect(Object.keys(migrations).slice(0, steps.length)).toEqual(steps)
    })
  })

  test('managers that start at once do each step once, and all can write', async () => {
    await using made = await open({ closed: true })
    const all = await Promise.all(Array.from({ length: 4 }, () => made.other()))
    for (const [i, database] of all.entries())
      await database.change({ actor: 'a', action: 'b', target: String(i) }, async () => undefined)
    const rows = await all[0]!.read.selectFrom('audit').selectAll().execute()
    expect(rows).toHaveLength(4)
    const steps = await all[0]!.read
      .selectFrom('kysely_migration' as 'audit')
      .selectAll()
      .execute()
    expect(steps).toHaveLength(Object.keys(migrations).length)
  })
})
