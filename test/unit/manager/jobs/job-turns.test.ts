import { expect, test } from '@jest/globals'
import type { OpenJob } from '../../../../services/manager/jobs/job-ledger.ts'
import { jobTurns } from '../../../../services/manager/jobs/job-turns.ts'

const job = (id: string, more: Partial<OpenJob> = {}): OpenJob => ({
  ...{ id, kind: 'query', state: 'waiting', createdAtMs: 0, untilMs: 100, cancelAtMs: null },
  ...{ left: 'work', beat: null },
  ...more,
})
const ids = (jobs: readonly OpenJob[]) => jobs.map(({ id }) => id).join(' ')

test('jobs come in their order, so many at once; the others make it crowded', () => {
  const turns = jobTurns(2)
  const open = [job('a'), job('b'), job('c')]
  expect([ids(turns.take(open, 0)), turns.crowded()]).toEqual(['a b', true])
  expect(ids(turns.take(open, 0))).toBe('')
  turns.leave('a', 'ended')
  expect([ids(turns.take(open.slice(1), 0)), turns.crowded()]).toEqual(['c', false])
})

test('what was stuck comes behind all others, the first one first', () => {
  const turns = jobTurns(2)
  const open = ['a', 'b', 'c', 'd', 'e'].map((id) => job(id))
  turns.take(open, 0)
  turns.leave('b', 'silent')
  turns.leave('a', 'silent')
  expect(ids(turns.take(open, 0))).toBe('c d')
  turns.leave('c', 'silent')
  turns.leave('d', 'ended')
  expect(ids(turns.take([...open.slice(0, 3), job('e')], 0))).toBe('e b')
})

test('what was begun and got no answer any more comes in turn with what has not begun', () => {
  const turns = jobTurns(2)
  const resolves = job('bb', { left: 'resolve' })
  const open = [job('a'), job('b'), resolves, ...['c', 'd', 'e', 'f'].map((id) => job(id))]
  expect(ids(turns.take(open, 0))).toBe('a b')
  turns.leave('a', 'stuck')
  turns.leave('b', 'stuck')
  expect(ids(turns.take(open, 0))).toBe('a c')
  // It has been begun, although it got no answer since it came again.
  turns.leave('a', 'silent')
  expect(ids(turns.take(open, 0))).toBe('b')
  turns.leave('b', 'stuck')
  expect(ids(turns.take(open, 0))).toBe('d')
  turns.leave('c', 'silent')
  expect(ids(turns.take(open, 0))).toBe('a')
  turns.leave('d', 'ended')
  expect(ids(turns.take([job('a'), job('b'), job('c')], 0))).toBe('c')
  turns.leave('a', 'ended')
  expect(ids(turns.take([job('b'), job('c')], 0))).toBe('b')
})

test('what waits for registries alone has no place and makes nobody wait; when it fails there, it ends', () => {
  const turns = jobTurns(1)
  const open = [job('a', { left: 'resolve' }), job('b', { left: 'nothing' }), job('c')]
  expect([ids(turns.take(open, 0)), turns.crowded()]).toEqual(['b c', false])
  turns.leave('c', 'ended')
  expect(ids(turns.take([job('a'), job('d')], 0))).toBe('a')
  expect(ids(turns.take([job('a'), job('e', { left: 'resolve', cancelAtMs: 1 })], 1))).toBe('e')
})

test('what is to end needs no place of those', () => {
  const turns = jobTurns(1)
  const open = [job('a'), job('b', { cancelAtMs: 1 }), job('c', { untilMs: 9 }), job('d')]
  expect([ids(turns.take(open, 10)), turns.crowded()]).toEqual(['a b c', true])
  turns.leave('a', 'silent')
  expect(ids(turns.take([job('a', { cancelAtMs: 11 }), job('d')], 11))).toBe('d a')
})
