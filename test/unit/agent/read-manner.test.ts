import type { IncomingMessage } from 'node:http'
import { expect, test } from '@jest/globals'
import { readManner } from '../../../services/agent/fronts/read-manner.ts'

const names = { priorityHeader: 'X-Dragonfly-Priority', prefetchHeader: 'X-Dragonfly-Prefetch' }
const asked = (headers: IncomingMessage['headers']) => ({ headers })

test.each([
  [{}, 'onDemand', false],
  [{ 'x-dragonfly-priority': '6', 'x-dragonfly-prefetch': 'true' }, 'onDemand', true],
  [{ 'x-dragonfly-priority': '3', 'x-dragonfly-prefetch': 'true' }, 'prefetch', true],
  [{ 'x-dragonfly-priority': ' 1 ' }, 'prefetch', false],
  [{ 'x-dragonfly-priority': '0' }, 'onDemand', false],
  [{ 'x-dragonfly-priority': '4', 'x-dragonfly-prefetch': 'FALSE' }, 'onDemand', false],
  [{ 'x-dragonfly-priority': '3, 3', 'x-dragonfly-prefetch': 'yes' }, 'onDemand', false],
  [{ 'x-dragonfly-priority': '-3' }, 'onDemand', false],
] as const)('a client that sends %j reads %s, and has the rest brought: %p', (headers, priority, fills) => {
  expect(readManner({ ...names, fill: false })(asked(headers))).toEqual({ priority, fills })
})

test('what the config says of the rest counts only for clients that say nothing of it', () => {
  const fillsOf = (headers: IncomingMessage['headers']) => readManner({ ...names, fill: true })(asked(headers)).fills
  expect([fillsOf({}), fillsOf({ 'x-dragonfly-prefetch': 'false' })]).toEqual([true, false])
})

test('the headers have the names of the config', () => {
  const manner = readManner({ priorityHeader: 'X-Haste', prefetchHeader: 'X-Rest', fill: false })
  expect(manner(asked({ 'x-haste': '3', 'x-rest': 'true' }))).toEqual({ priority: 'prefetch', fills: true })
  expect(manner(asked({ 'x-dragonfly-priority': '3', 'x-dragonfly-prefetch': 'true' }))).toEqual({
    priority: 'onDemand',
    fills: false,
  })
})
