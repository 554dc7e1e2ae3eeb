import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { collectGarbage } from '../../../lib/base/index.ts'

test('collects what nobody refers to', async () => {
  let kept: object | undefined = { of: 'no use' }
  const watched = new WeakRef(kept)
  await turn()
  collectGarbage()
  expect(watched.deref()).toBe(kept)
  kept = undefined
  await turn()
  collectGarbage()
  expect(watched.deref()).toBeUndefined()
})
