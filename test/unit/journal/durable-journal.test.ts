import { describe, expect, test } from '@jest/globals'
import { appError, deferred } from '../../../lib/base/index.ts'
import { baseMs, copyOf, journalLab, maxMs } from '../../kit/journal-lab.ts'

const outage = () => Promise.reject(appError('BACKEND_UNAVAILABLE'))
const numbers = ({ journal }: ReturnType<typeof journalLab>) => {
  const { waiting, running, dead } = journal.counts()
  return { waiting, running, dead }
}

describe('a task', () => {
  test('is run once it is added, and removed when it is done', async () => {
    const lab = journalLab()
    await lab.journal.start()
    const done = deferred()
    lab.behave('a', () => done.promise)
    const task = await lab.journal.add(copyOf('a'))
    expect(task).toMatchObject({ kind: 'copy', key: 'a', payload: { of: 'a' }, attempts: 0, lastError: undefined })
    await lab.clock.advance(0)
    expect(lab.journal.get(task.id)).toMatchObject({ state: 'running' })
    expect(numbers(lab)).toEqual({ waiting: 0, running: 1, dead: 0 })
    done.resolve()
    await lab.clock.advance(0)
    expect(lab.journal.get(task.id)).toBeUndefined()
    expect(lab.journal.list()).toEqual({ tasks: [], next: undefined })
    expect(lab.runs).toEqual(['a'])
  })

  test('that its executor postpones runs again at that time, also after a restart, and has not failed', async () => {
    const lab = journalLab()
    await lab.journal.start()
    lab.behave('a', async (_, postpone) => postpone(lab.clock.now() + 60_000))
    const { id } = await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    expect(lab.journal.get(id)).toMatchObject({ state: 'waiting', attempts: 0, lastError: undefined })
    await lab.journal.close()
    lab.behave('a', async () => undefined)
    await lab.journal.start()
    await lab.clock.advance(59_000)
    expect(lab.runs).toEqual(['a'])
    await lab.clock.advance(1_000)
    expect(lab.runs).toEqual(['a', 'a'])
    expect(lab.journal.find('copy', 'a')).toBeUndefined()
  })

  test('waits for its delay, and not for longer after a restart', async () => {
    const lab = journalLab()
    await lab.journal.start()
    await lab.journal.add(copyOf('a', 60_000))
    await lab.clock.advance(30_000)
    await lab.journal.close()
    await lab.clock.advance(29_000)
    await lab.journal.start()
    await lab.clock.advance(900)
    expect(lab.runs).toEqual([])
    await lab.clock.advance(100)
    expect(lab.runs).toEqual(['a'])
  })

  test('is one for its kind and key, however often and at one time it is added', async () => {
    const lab = journalLab()
    await lab.journal.open()
    const tasks = await Promise.all([copyOf('a'), copyOf('a', 5000), copyOf('a')].map((each) => lab.journal.add(each)))
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(1)
    expect(lab.journal.list().tasks).toEqual([tasks[0]])
    expect(lab.held).toEqual(['a'])
  })

  test('that is added while it runs is run again to a good end after that', async () => {
    const lab = journalLab()
    await lab.journal.start()
    const first = deferred()
    lab.behave('a', () => first.promise)
    await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    await lab.journal.add(copyOf('a'))
    expect(lab.runs).toEqual(['a'])
    first.resolve()
    await lab.clock.advance(0)
    expect(lab.runs).toEqual(['a', 'a'])
    expect(lab.journal.list().tasks).toEqual([])
    expect(lab.held).toEqual([])
  })

  test('that fails is tried again after waits that grow, and is dead after so many tries', async () => {
    const lab = journalLab()
    await lab.journal.start()
    lab.behave('a', outage)
    const { id } = await lab.journal.add(copyOf('a'))
    for (const [attempts, longestMs] of [
      [1, baseMs],
      [2, 2 * baseMs],
    ] as const) {
      await lab.clock.advance((lab.journal.get(id)?.dueAtMs ?? 0) - lab.clock.now())
      expect(lab.journal.get(id)).toMatchObject({ state: 'waiting', attempts, lastError: 'BACKEND_UNAVAILABLE' })
      expect((lab.journal.get(id)?.dueAtMs ?? 0) - lab.clock.now()).toBeLessThanOrEqual(longestMs)
    }
    await lab.clock.advance(2 * baseMs)
    expect(lab.journal.get(id)).toMatchObject({ state: 'dead', attempts: 3, lastError: 'BACKEND_UNAVAILABLE' })
    await lab.clock.advance(24 * 60 * maxMs)
    expect(lab.runs).toHaveLength(3)
    expect(lab.held).toEqual(['a'])
    expect(lab.logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  test('whose failure is final is dead at once, one that fails in an unknown way is not', async () => {
    const lab = journalLab()
    await lab.journal.start()
    lab.behave('final', () => Promise.reject(appError('BACKEND_DENIED')))
    lab.behave('strange', () => Promise.reject(new TypeError('no such thing')))
    const final = await lab.journal.add(copyOf('final'))
    const strange = await lab.journal.add(copyOf('strange'))
    await lab.clock.advance(0)
    expect(lab.journal.get(final.id)).toMatchObject({ state: 'dead', attempts: 1, lastError: 'BACKEND_DENIED' })
    expect(lab.journal.get(strange.id)).toMatchObject({ state: 'waiting', attempts: 1, lastError: 'UNKNOWN' })
  })

  test('of a kind without an executor is dead, and kept', async () => {
    const lab = journalLab()
    await lab.journal.start()
    const { id } = await lab.journal.add({ ...copyOf('a'), kind: 'paint' })
    await lab.clock.advance(0)
    expect(lab.journal.get(id)).toMatchObject({ state: 'dead', lastError: 'CONFIG_INVALID' })
  })
})

describe('a dead task', () => {
  const withDead = async () => {
    const lab = journalLab()
    await lab.journal.start()
    lab.behave('a', () => Promise.reject(appError('BACKEND_DENIED')))
    const { id } = await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    lab.behave('a', () => Promise.resolve())
    return { ...lab, id }
  }

  test('is there after a restart, and is not run', async () => {
    const lab = await withDead()
    await lab.journal.close()
    await lab.journal.start()
    await lab.clock.advance(maxMs)
    expect(lab.journal.list({ state: 'dead' }).tasks).toMatchObject([{ id: lab.id, lastError: 'BACKEND_DENIED' }])
    expect(lab.runs).toEqual(['a'])
    expect(lab.held).toEqual(['a'])
  })

  test('runs on request, with all its tries', async () => {
    const lab = await withDead()
    await expect(lab.journal.retry(lab.id)).resolves.toMatchObject({ state: 'waiting', attempts: 0 })
    await lab.clock.advance(0)
    expect(lab.runs).toEqual(['a', 'a'])
    expect(lab.journal.get(lab.id)).toBeUndefined()
    await expect(lab.journal.retry(lab.id)).rejects.toMatchObject({ code: 'TASK_UNKNOWN' })
  })

  test('runs when it is added again', async () => {
    const lab = await withDead()
    await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    expect(lab.journal.get(lab.id)).toBeUndefined()
    expect(lab.held).toEqual([])
  })

  test('can be deleted, one that is not dead cannot', async () => {
    const lab = await withDead()
    const alive = await lab.journal.add(copyOf('b', 5000))
    await expect(lab.journal.delete(alive.id)).rejects.toMatchObject({ code: 'TASK_NOT_DEAD' })
    await lab.journal.delete(lab.id)
    await expect(lab.journal.delete(lab.id)).rejects.toMatchObject({ code: 'TASK_UNKNOWN' })
    expect(lab.held).toEqual(['b'])
    await lab.journal.close()
    await lab.journal.open()
    expect(lab.journal.list().tasks.map(({ key }) => key)).toEqual(['b'])
  })
})

describe('a journal', () => {
  test('runs no more tasks at one time than it may, and all of them in the end', async () => {
    const lab = journalLab({ concurrency: 2 })
    await lab.journal.start()
    const gates = ['a', 'b', 'c', 'd', 'e'].map((key) => {
      const gate = deferred()
      lab.behave(key, () => gate.promise)
      return { key, gate }
    })
    await Promise.all(gates.map(({ key }) => lab.journal.add(copyOf(key))))
    let finished = 0
    for (const { gate } of gates) {
      await lab.clock.advance(0)
      expect(lab.runs).toHaveLength(Math.min(5, finished + 2))
      gate.resolve()
      finished += 1
    }
    await lab.clock.advance(0)
    expect(lab.runs.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(numbers(lab)).toEqual({ waiting: 0, running: 0, dead: 0 })
  })

  test('runs nothing between its opening and its start, and takes tasks meanwhile', async () => {
    const lab = journalLab()
    await expect(lab.journal.add(copyOf('a'))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await lab.journal.open()
    await lab.journal.add(copyOf('a'))
    await lab.clock.advance(maxMs)
    expect(lab.runs).toEqual([])
    await lab.journal.start()
    await lab.clock.advance(0)
    expect(lab.runs).toEqual(['a'])
  })

  test('that stops aborts what runs, which counts as no try and runs after the next start', async () => {
    const lab = journalLab()
    await lab.journal.start()
    lab.behave(
      'a',
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(appError('ABORTED')))
        }),
    )
    const { id } = await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    await lab.journal.stop()
    expect(lab.journal.get(id)).toMatchObject({ state: 'waiting', attempts: 0, lastError: undefined })
    expect(lab.held).toEqual(['a'])
    await lab.journal.close()
    await lab.journal.close()
    expect(lab.held).toEqual([])
    expect(lab.clock.pending).toBe(0)
    lab.behave('a', () => Promise.resolve())
    await lab.journal.start()
    await lab.clock.advance(0)
    expect(lab.runs).toEqual(['a', 'a'])
    expect(lab.journal.counts()).toMatchObject({ waiting: 0, running: 0 })
    await lab.journal.close()
  })

  test('holds what its tasks need before any of them is durable, and of those it finds before it is open', async () => {
    const lab = journalLab()
    const write = lab.storage.write.bind(lab.storage)
    const heldAtWrite: string[][] = []
    lab.storage.write = (...args) => {
      heldAtWrite.push([...lab.held])
      return write(...args)
    }
    await lab.journal.open()
    await lab.journal.add(copyOf('a'))
    expect(heldAtWrite).toEqual([['a']])
    await lab.journal.close()
    expect(lab.held).toEqual([])
    await lab.journal.open()
    expect(lab.held).toEqual(['a'])
  })

  test('lists by state, page by page', async () => {
    const lab = journalLab()
    await lab.journal.open()
    const added = await Promise.all(['a', 'b', 'c'].map((key) => lab.journal.add(copyOf(key))))
    const ids = added.map(({ id }) => id).toSorted()
    const first = lab.journal.list({ limit: 2 })
    expect(first.tasks.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    const second = lab.journal.list({ limit: 2, ...(first.next === undefined ? {} : { after: first.next }) })
    expect([second.tasks.map(({ id }) => id), second.next]).toEqual([ids.slice(2), undefined])
    expect(lab.journal.list({ state: 'dead' })).toEqual({ tasks: [], next: undefined })
  })

  test('takes no more tasks than it may hold', async () => {
    const lab = journalLab({ maxTasks: 2 })
    await lab.journal.open()
    const results = await Promise.allSettled(['a', 'b', 'c'].map((key) => lab.journal.add(copyOf(key))))
    expect(results.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: { code: 'JOURNAL_FULL' } }])
    await expect(lab.journal.add(copyOf('a'))).resolves.toMatchObject({ key: 'a' })
    expect(lab.held).toHaveLength(2)
  })

  test('tells how old its oldest task is, and how its tries went', async () => {
    const lab = journalLab()
    await lab.journal.start()
    lab.behave('a', outage)
    await lab.journal.add(copyOf('a'))
    await lab.journal.add(copyOf('b'))
    await lab.clock.advance(20_000)
    expect(lab.journal.counts()).toEqual({ waiting: 0, running: 0, dead: 1, unreadable: 0, oldestMs: 20_000 })
    expect(lab.metrics.value('shoal_journal_tasks', { state: 'dead' })).toBe(1)
    expect(lab.metrics.value('shoal_journal_oldest_seconds')).toBe(20)
    expect(lab.metrics.value('shoal_journal_runs_total', { kind: 'copy', outcome: 'failed' })).toBe(2)
    expect(lab.metrics.value('shoal_journal_runs_total', { kind: 'copy', outcome: 'dead' })).toBe(1)
    expect(lab.metrics.value('shoal_journal_runs_total', { kind: 'copy', outcome: 'done' })).toBe(1)
    await lab.journal.close()
  })

  test.each([
    ['no JSON', 'task/00112233445566778899aabbccddeeff', '{"v":1,"kind'],
    ['of another version', 'task/00112233445566778899aabbccddeeff', '{"v":2}'],
    [
      'under the id of another task',
      'task/00112233445566778899aabbccddeeff',
      '{"v":1,"kind":"copy","key":"x","isDead":false,"attempts":0,"dueAtMs":0,"createdAtMs":0}',
    ],
    ['under a strange key', 'zebra', 'stripes'],
  ])('sets a record aside that is %s, says so, and goes on with the others', async (_, key, text) => {
    const lab = journalLab()
    await lab.storage.start()
    await lab.storage.write([{ key, value: Buffer.from(text) }], { sync: true })
    await lab.journal.start()
    await lab.journal.add(copyOf('a'))
    await lab.clock.advance(0)
    expect(lab.runs).toEqual(['a'])
    expect(lab.journal.counts()).toMatchObject({ waiting: 0, unreadable: 1 })
    await lab.journal.close()
    await lab.journal.start()
    expect(lab.journal.counts()).toMatchObject({ waiting: 0, unreadable: 1 })
    expect(lab.logger.lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { record: key } }])
    const kept: string[] = []
    for await (const record of lab.storage.records()) kept.push(`${record.key} ${Buffer.from(record.value).toString()}`)
    expect(kept).toEqual([`unreadable/${key} ${text}`])
    await lab.journal.close()
  })
})
