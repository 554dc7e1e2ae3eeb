import { expect, test } from '@jest/globals'
import { wantsHold } from '../../../services/origin/bring/wants-hold.ts'

const range = { start: 0, end: 9 }

function started() {
  let count = 0
  const take = () => {
    count += 1
    return () => {
      count -= 1
    }
  }
  return { wants: wantsHold({ take }), count: () => count }
}

test('peers hold a blob once, as long as one of them wants something of it at any priority, and are heard', () => {
  const { wants, count } = started()
  const heard: unknown[] = []
  const tell = wants.heard((...told) => heard.push(told))
  expect(count()).toBe(0)
  tell([range], 'onDemand')
  tell([range], 'fill')
  expect(count()).toBe(1)
  tell([], 'onDemand')
  expect(count()).toBe(1)
  tell([], 'fill')
  tell([], 'fill')
  expect(count()).toBe(0)
  expect(heard).toHaveLength(5)
  expect(heard[0]).toEqual([[range], 'onDemand'])
})

test('what they wanted of it holds it no more when it begins to come anew', () => {
  const { wants, count } = started()
  wants.heard(() => undefined)([range], 'onDemand')
  const tell = wants.heard(() => undefined)
  expect(count()).toBe(0)
  tell([range], 'prefetch')
  expect(count()).toBe(1)
  tell([], 'prefetch')
  expect(count()).toBe(0)
})
