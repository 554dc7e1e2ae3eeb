import { describe, expect, test } from '@jest/globals'
import { background, deferred } from '../../../lib/base/index.ts'

describe('background', () => {
  test('reports what fails by its name', async () => {
    const failures: unknown[] = []
    const tasks = background((name, err) => failures.push([name, err]))
    tasks.run('sweep', () => Promise.reject(new Error('broom')))
    await new Promise((resolve) => setImmediate(resolve))
    expect(failures).toEqual([['sweep', expect.objectContaining({ message: 'broom' })]])
    expect(tasks.size).toBe(0)
  })

  test('stop aborts what runs, waits for it, and does not call the abort a failure', async () => {
    const failures: unknown[] = []
    const tasks = background((name) => failures.push(name))
    const cleaned = deferred()
    let over = false
    tasks.run('watch', async (signal) => {
      await new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true })).catch(() => undefined)
      await cleaned.promise
      over = true
      throw new Error('cut')
    })
    const stopped = tasks.stop()
    cleaned.resolve()
    await stopped
    expect({ over, failures, size: tasks.size }).toEqual({ over: true, failures: [], size: 0 })
  })

  test('starts nothing once stopped', async () => {
    const tasks = background(() => undefined)
    await tasks.stop()
    tasks.run('late', () => Promise.reject(new Error('must not run')))
    expect(tasks.size).toBe(0)
  })
})
