import { describe, expect, test } from '@jest/globals'
import { deferred } from '../../../../lib/base/index.ts'
import { succession } from '../../../../services/agent/rights/succession.ts'

/** Things that write down what becomes of them. */
function things() {
  const said: string[] = []
  const thing = (name: string, start: () => Promise<void> = () => Promise.resolve()) => ({
    name,
    async start() {
      said.push(`start ${name}`)
      await start()
    },
    async stop() {
      said.push(`stop ${name}`)
    },
  })
  return { said, thing }
}

const unheard = (err: unknown) => {
  throw err
}

describe('what is replaced while it is in use', () => {
  test('is kept by whoever began with it, and stopped when the last of them has ended', async () => {
    const { said, thing } = things()
    const all = succession(thing('first'))
    await all.start()
    const [one, two] = [deferred(), deferred()]
    const using = [one, two].map((until) =>
      all.during(async (it) => {
        await until.promise
        return it.name
      }),
    )
    all.replace(thing('second'), unheard)
    expect(await all.during(async (it) => it.name)).toBe('second')
    one.resolve()
    expect(await using[0]).toBe('first')
    expect(said).toEqual(['start first', 'start second'])
    two.resolve()
    expect(await using[1]).toBe('first')
    expect(said).toEqual(['start first', 'start second', 'stop first'])
  })

  test('is stopped at once when nobody uses it, also after one that failed', async () => {
    const { said, thing } = things()
    const all = succession(thing('first'))
    await all.start()
    await expect(all.during(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    all.replace(thing('second'), unheard)
    expect(said).toEqual(['start first', 'start second', 'stop first'])
  })

  test('is stopped with all others, also while it is in use', async () => {
    const { said, thing } = things()
    const all = succession(thing('first'))
    await all.start()
    const until = deferred()
    const using = all.during(() => until.promise)
    all.replace(thing('second'), unheard)
    await all.stop()
    expect(said.toSorted()).toEqual(['start first', 'start second', 'stop first', 'stop second'])
    until.resolve()
    await using
    expect(said.length).toBe(4)
  })
})

test('who comes before the next one has started waits for it; of one that does not start somebody hears', async () => {
  const { thing } = things()
  const all = succession(thing('first'))
  await all.start()
  const until = deferred()
  const heard: unknown[] = []
  all.replace(
    thing('second', () => until.promise),
    (err) => heard.push(err),
  )
  const seen: string[] = []
  const using = all.during(async (it) => void seen.push(it.name))
  await Promise.resolve()
  expect(seen).toEqual([])
  until.reject(new Error('no such file'))
  await using
  expect([seen, heard]).toEqual([['second'], [expect.objectContaining({ message: 'no such file' })]])
})

test('one that is replaced before the start is never started', async () => {
  const { said, thing } = things()
  const all = succession(thing('first'))
  all.replace(thing('second'), unheard)
  await all.start()
  expect(said).toEqual(['stop first', 'start second'])
})
