import { expect, test } from '@jest/globals'
import { oncePerTurn } from '../../../lib/base/index.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('work is done once for a turn, never within the call, and again when it is asked for again', async () => {
  let times = 0
  const soon = oncePerTurn(() => {
    times += 1
  })
  for (let i = 0; i < 3; i += 1) soon.ask()
  expect(times).toBe(0)
  await turn()
  expect(times).toBe(1)
  soon.ask()
  await turn()
  expect(times).toBe(2)
})

test('work is not done after a stop, even when it was asked for before', async () => {
  let times = 0
  const soon = oncePerTurn(() => {
    times += 1
  })
  soon.ask()
  soon.stop()
  soon.ask()
  await turn()
  expect(times).toBe(0)
})
