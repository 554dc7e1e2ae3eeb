import { expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { recordingMetrics } from '../../../lib/telemetry/index.ts'
import { databaseSchema, managerDatabase } from '../../../services/manager/database/index.ts'
import { quiet } from '../../kit/manager/databases.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const entry = { actor: 'user:ada', action: 'user.create', target: 'grace' }

test('changes are counted: those that are done, that a rule refused, and that the database or a fault has lost', async () => {
  await using folder = await tempFolder('changes')
  const metrics = recordingMetrics()
  const database = managerDatabase({ ...quiet(), metrics }, { folder: folder.path, database: databaseSchema.parse({}) })
  await database.start()
  const counted = () =>
    Object.fromEntries(
      ['done', 'refused', 'failed'].map((outcome) => [
        outcome,
        metrics.value('shoal_manager_changes_total', { outcome }),
      ]),
    )
  const failing = (err: Error) => expect(database.change(entry, () => Promise.reject(err))).rejects.toBe(err)

  await database.change(entry, async () => undefined)
  await database.keep(async () => undefined)
  expect(counted()).toEqual({ done: 1, refused: 0, failed: 0 })
  await failing(appError('NAME_TAKEN'))
  await failing(appError('LEASE_LOST'))
  expect(counted()).toEqual({ done: 1, refused: 2, failed: 0 })
  await failing(appError('DATABASE_FULL'))
  await failing(new Error('a fault'))
  // What is busy is tried ten times, and is one change.
  await failing(appError('DATABASE_BUSY'))
  expect(counted()).toEqual({ done: 1, refused: 2, failed: 3 })
  await database.stop()
})
