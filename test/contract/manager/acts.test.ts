import { expect, test } from '@jest/globals'
import { appError, systemClock, systemRandom } from '../../../lib/base/index.ts'
import { recordingLogger } from '../../../lib/telemetry/index.ts'
import { acts } from '../../../services/manager/acts.ts'
import { auditLog } from '../../../services/manager/audit-log.ts'
import type { ManagerDatabase } from '../../../services/manager/database/index.ts'
import { eachManagerDatabase } from '../../kit/manager/databases.ts'

const entry = { actor: 'user:ada', action: 'host.ban', target: 'node-7', detail: { cluster: 'one' } }
const partsOf = (database: Pick<ManagerDatabase, 'change' | 'keep'>) => ({
  ...{ database, clock: systemClock(), random: systemRandom(), logger: recordingLogger() },
})

eachManagerDatabase((open) => {
  test('an act of another service is in the audit before it is done, as one whose outcome is unknown', async () => {
    await using made = await open()
    const other = await made.other()
    const rows = async () => (await auditLog({ database: other }).page({ count: 9, last: undefined })).audit
    const told = await acts(partsOf(made.database))(entry, async () => {
      // Whoever dies here leaves this.
      expect(await rows()).toMatchObject([{ ...entry, outcome: 'unknown' }])
      return 'banned'
    })
    expect(told).toBe('banned')
    const [row, ...more] = await rows()
    expect(row).toMatchObject({ ...entry, outcome: 'done' })
    expect(row).not.toHaveProperty('code')
    expect(more).toEqual([])
  })

  test.each([
    ['nobody has answered', appError('NO_HEALTHY_MEMBER'), { outcome: 'unknown' }],
    ['the caller has left', appError('ABORTED'), { outcome: 'unknown' }],
    ['somebody has said no', appError('MARK_UNKNOWN'), { outcome: 'refused', code: 'MARK_UNKNOWN' }],
  ])('when %s, the row says so', async (_, err, expected) => {
    await using made = await open()
    const acted = acts(partsOf(made.database))(entry, () => Promise.reject(err))
    await expect(acted).rejects.toBe(err)
    const { audit } = await auditLog(made).page({ count: 9, last: undefined })
    expect(audit.map(({ outcome, code }) => ({ outcome, ...(code !== undefined && { code }) }))).toEqual([expected])
  })

  test('what may be done is not refused, whatever whoever is asked next says', async () => {
    await using made = await open()
    const refusal = appError('MARK_UNKNOWN')
    const acted = acts(partsOf(made.database))(entry, async (mayBeDone) => {
      mayBeDone()
      throw refusal
    })
    await expect(acted).rejects.toBe(refusal)
    const { audit } = await auditLog(made).page({ count: 9, last: undefined })
    expect(audit).toMatchObject([{ outcome: 'unknown' }])
    expect(audit[0]).not.toHaveProperty('code')
  })

  test('nothing is done of which the database takes no row', async () => {
    await using made = await open()
    const full = appError('DATABASE_FULL')
    const keep: ManagerDatabase['keep'] = (work) => made.database.keep(work)
    let isDone = false
    const acted = acts(partsOf({ keep, change: () => Promise.reject(full) }))(entry, async () => {
      isDone = true
    })
    await expect(acted).rejects.toBe(full)
    expect(isDone).toBe(false)
  })

  test('what is done is answered as done, also when its outcome could not be noted', async () => {
    await using made = await open()
    const change: ManagerDatabase['change'] = (what, work) => made.database.change(what, work)
    const parts = partsOf({ change, keep: () => Promise.reject(appError('DATABASE_FULL')) })
    await expect(acts(parts)(entry, async () => 'banned')).resolves.toBe('banned')
    const { audit } = await auditLog(made).page({ count: 9, last: undefined })
    expect(audit).toMatchObject([{ ...entry, outcome: 'unknown' }])
    expect(parts.logger.lines).toMatchObject([{ message: 'failed to note what became of an act' }])
  })
})
