import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { copyOf, journalLab, maxMs } from '../../kit/journal-lab.ts'
import { powerLossStorage } from '../../kit/power-loss-storage.ts'

/** A journal over a storage that loses unsynced changes, and the same journal after such a loss. */
function labOnDisk() {
  const disk = powerLossStorage()
  const lab = journalLab({ storage: disk.storage })
  const afterPowerLoss = async () => {
    disk.cutPower()
    const next = journalLab({ storage: disk.storage, clock: lab.clock })
    await next.journal.open()
    return next
  }
  return { ...lab, disk, afterPowerLoss }
}

const denied = () => Promise.reject(appError('BACKEND_DENIED'))

describe('after a power loss', () => {
  test('a task that was acknowledged is there', async () => {
    const lab = labOnDisk()
    await lab.journal.open()
    const task = await lab.journal.add(copyOf('a'))
    const next = await lab.afterPowerLoss()
    expect(next.journal.list().tasks).toEqual([task])
  })

  test('so is one that others were adding at the same time', async () => {
    const lab = labOnDisk()
    await lab.journal.open()
    const adding = [lab.journal.add(copyOf('a')), lab.journal.add(copyOf('a'))]
    const [, second] = adding
    const task = await second
    const next = await lab.afterPowerLoss()
    expect(next.journal.list().tasks).toEqual([task])
  })

  test('a dead task that was asked to be retried waits', async () => {
    const lab = labOnDisk()
    await lab.journal.start()
    lab.behave('a', denied)
    const { id } = await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    await lab.journal.add(copyOf('another, so that all before it is on disk', maxMs))
    expect(lab.journal.get(id)).toMatchObject({ state: 'dead' })
    await lab.journal.stop()
    await lab.journal.retry(id)
    const next = await lab.afterPowerLoss()
    expect(next.journal.get(id)).toMatchObject({ state: 'waiting', attempts: 0 })
  })

  test('a task that was deleted is not there', async () => {
    const lab = labOnDisk()
    await lab.journal.start()
    lab.behave('a', denied)
    const { id } = await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    await lab.journal.delete(id)
    const next = await lab.afterPowerLoss()
    expect(next.journal.list().tasks).toEqual([])
  })

  test('a record that was set aside is nowhere else', async () => {
    const lab = labOnDisk()
    await lab.storage.start()
    await lab.storage.write([{ key: 'task/strange', value: Buffer.from('x') }], { sync: true })
    await lab.journal.open()
    const next = await lab.afterPowerLoss()
    expect(next.journal.counts()).toMatchObject({ unreadable: 1 })
    expect(next.logger.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('a task that was done may be done again, and is then gone', async () => {
    const lab = labOnDisk()
    await lab.journal.start()
    await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    expect(lab.journal.counts().waiting).toBe(0)
    const next = await lab.afterPowerLoss()
    await next.journal.start()
    await next.clock.advance(0)
    expect([lab.runs, next.runs]).toEqual([['a'], ['a']])
    expect(next.journal.list().tasks).toEqual([])
  })
})

describe('while the disk fails', () => {
  test.each(['undone', 'done'] as const)(
    'a task whose write is %s is not acknowledged, and can be added later',
    async (how) => {
      const lab = labOnDisk()
      await lab.journal.open()
      lab.disk.failWrites(how)
      await expect(lab.journal.add(copyOf('a'))).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
      expect(lab.journal.list().tasks).toEqual([])
      expect(lab.held).toEqual([])
      lab.disk.failWrites(false)
      await lab.journal.add(copyOf('a'))
      const next = await lab.afterPowerLoss()
      expect(next.journal.list().tasks).toMatchObject([{ key: 'a' }])
    },
  )

  test('a task whose end cannot be noted is kept and done again', async () => {
    const lab = labOnDisk()
    await lab.journal.start()
    lab.behave('a', async () => lab.disk.failWrites('undone'))
    await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    expect(lab.journal.counts()).toMatchObject({ waiting: 1, running: 0, dead: 0 })
    expect(lab.held).toEqual(['a'])
    lab.behave('a', () => Promise.resolve())
    lab.disk.failWrites(false)
    await lab.clock.advance(maxMs)
    expect(lab.runs).toEqual(['a', 'a'])
    expect(lab.journal.list().tasks).toEqual([])
    await lab.journal.close()
  })
})
