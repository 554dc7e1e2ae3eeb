import { describe, expect, test } from '@jest/globals'
import { abortable, appError, deferred } from '../../../lib/base/index.ts'
import type { Task } from '../../../lib/journal/index.ts'
import { copyOf, journalLab } from '../../kit/journal-lab.ts'

const groupOf = ({ key }: Pick<Task, 'key'>) => key.slice(0, 1)
const forever = (signal: AbortSignal) => abortable(deferred().promise, signal)
const broken = () => Promise.reject(appError('BLOB_UNKNOWN'))

describe('groups of tasks', () => {
  test('one that is slow keeps no other one from running', async () => {
    const lab = journalLab({ groupOf })
    await lab.journal.start()
    for (const key of ['s1', 's2', 's3', 's4']) {
      lab.behave(key, forever)
      await lab.journal.add(copyOf(key))
    }
    for (const key of ['q1', 'q2', 'q3']) await lab.journal.add(copyOf(key))
    await lab.clock.advance(10)
    expect(lab.runs).toEqual(['s1', 's2', 'q1', 'q2', 'q3'])
    await lab.journal.close()
  })

  test('tasks in the background wait for all others that are due, also after a restart, until they are added as one of those', async () => {
    const lab = journalLab({ concurrency: 1 })
    await lab.journal.open()
    for (const key of ['b1', 'b2', 'b3']) await lab.journal.add({ ...copyOf(key), background: true })
    await lab.journal.close()
    await lab.journal.open()
    await lab.journal.add(copyOf('a1'))
    await lab.journal.add({ ...copyOf('a1'), background: true })
    await lab.journal.add(copyOf('b3'))
    await lab.journal.close()
    await lab.journal.start()
    await lab.clock.advance(10)
    expect(lab.runs.slice(0, 2).sort()).toEqual(['a1', 'b3'])
    expect(lab.runs.slice(2).sort()).toEqual(['b1', 'b2'])
  })

  test('a task in the background that waits for its turn is begun when it is added as one that does not', async () => {
    const lab = journalLab({ concurrency: 1 })
    await lab.journal.start()
    const end = deferred()
    lab.behave('a', () => end.promise)
    await lab.journal.add(copyOf('a'))
    for (const key of ['b1', 'b2']) await lab.journal.add({ ...copyOf(key), background: true })
    await lab.journal.add(copyOf('b2'))
    end.resolve()
    await lab.clock.advance(10)
    expect(lab.runs).toEqual(['a', 'b2', 'b1'])
  })
})

describe('dead tasks with a bound of their own', () => {
  test('take no room from others, and those that last ran the longest ago are told of and removed', async () => {
    const forgotten: string[] = []
    const onForgotten = ({ key }: Task) => void forgotten.push(key)
    const lab = journalLab({ maxTasks: 2, dead: { most: 3, onForgotten } })
    await lab.journal.start()
    for (const key of ['e', 'd', 'c', 'b', 'a']) {
      lab.behave(key, broken)
      await lab.journal.add(copyOf(key))
      await lab.clock.advance(1_000)
    }
    expect(forgotten).toEqual(['e', 'd'])
    expect(lab.journal.counts()).toMatchObject({ dead: 3, waiting: 0 })
    expect(
      lab.journal
        .list({ state: 'dead' })
        .tasks.map(({ key }) => key)
        .sort(),
    ).toEqual(['a', 'b', 'c'])
    for (const key of ['x', 'y']) {
      lab.behave(key, forever)
      await lab.journal.add(copyOf(key))
    }
    await expect(lab.journal.add(copyOf('z'))).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
    await lab.journal.close()
  })

  test('without a bound they are all kept, and count', async () => {
    const lab = journalLab({ maxTasks: 2 })
    await lab.journal.start()
    for (const key of ['a', 'b']) {
      lab.behave(key, broken)
      await lab.journal.add(copyOf(key))
      await lab.clock.advance(1_000)
    }
    await expect(lab.journal.add(copyOf('c'))).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  })
})
