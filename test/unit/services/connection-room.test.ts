import { expect, test } from '@jest/globals'
import { appError, errorTable, openFileLimit, toAppError } from '../../../lib/base/index.ts'
import { connectionRoom, fewOpenFiles } from '../../../lib/service/connection-room.ts'

test.each([
  ['registry', undefined, 10_000],
  ['registry', 1_048_576, 10_000],
  ['http', 20_000, 9616],
  ['http', 1024, 128],
  ['registry', 256, 64],
  ['ops', 1_048_576, 64],
  ['admin', 20_000, 64],
  ['admin', undefined, 64],
  ['admin', 896, 64],
  ['admin', 256, 21],
])('the listener %s of a process with %s files has room for %i connections', (listener, openFiles, room) => {
  expect(connectionRoom(listener, openFiles)).toBe(room)
})

test('listeners for clients share that room, and each keeps a little', () => {
  expect([1, 2, 4].map((sharers) => connectionRoom('registry', 1024, sharers))).toEqual([128, 64, 64])
  expect(connectionRoom('further', 20_000, 4)).toBe(2404)
  expect(connectionRoom('admin', 20_000, 4)).toBe(64)
})

test.each([
  [undefined, undefined],
  [8192, undefined],
  [1024, { openFiles: 1024, advised: 8192 }],
])('a process with %s files is told %p', (openFiles, told) => {
  expect(fewOpenFiles(openFiles)).toEqual(told)
})

test('the limit of this process is known where the system tells it', () => {
  expect(openFileLimit() ?? 1).toBeGreaterThan(0)
})

test('a lack of open files is never called by another name', () => {
  const errors = ['EMFILE', 'ENFILE'].map((code) => Object.assign(new Error('no more files'), { code }))
  for (const code of Object.keys(errorTable) as (keyof typeof errorTable)[]) {
    for (const cause of errors) expect(toAppError(cause, code)).toMatchObject({ code: 'FILES_EXHAUSTED', cause })
  }
  expect(toAppError(appError('STORE_CORRUPT'))).toMatchObject({ code: 'STORE_CORRUPT' })
})
