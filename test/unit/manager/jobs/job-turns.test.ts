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
  turns.leave('a', false)
  expect([ids(turns.take(open.slice(1), 0)), turns.crowded()]).toEqual(['c', false])
})

test('what was stuck comes behind all others, the first one first', () => {
  const turns = jobTurns(2)
  const open = ['a', 'b', 'c', 'd', 'e'].map((id) => job(id))
  turns.take(open, 0)
  turns.leave('b', true)
  turns.leave('a', true)
  expect(ids(turns.take(open, 0))).toBe('c d')
  turns.leave('c', true)
  turns.leave('d', false)
  expect(ids(turns.take([...open.slice(0, 3), job('e')], 0))).toBe('e b')
})

test('what waits for registries alone has no place and makes nobody wait; when it fails there, it ends', () => {
  const turns = jobTurns(1)
  const open = [job('a', { left: 'resolve' }), job('b', { left: 'nothing' }), job('c')]
  expect([ids(turns.take(open, 0)), turns.crowded()]).toEqual(['b c', false])
  turns.leave('c', false)
  expect(ids(turns.take([job('a'), job('d')], 0))).toBe('a')
  expect(ids(turns.take([job('a'), job('e', { left: 'resolve', cancelAtMs: 1 })], 1))).toBe('e')
})

test('what is to end needs no place of those', () => {
  const turns = jobTurns(1)
  const open = [job('a'), job('b', { cancelAtMs: 1 }), job('c', { untilMs: 9 }), job('d')]
  expect([ids(turns.take(open, 10)), turns.crowded()]).toEqual(['a b c', true])
  turns.leave('a', true)
  expect(ids(turns.take([job('a', { cancelAtMs: 11 }), job('d')], 11))).toBe('d a')
})
