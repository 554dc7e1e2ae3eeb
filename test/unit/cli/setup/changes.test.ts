import { describe, expect, test } from '@jest/globals'
import { furtherChange, takenBack } from '../../../../services/cli/setup/changes.ts'
import { lineDiff } from '../../../../services/cli/setup/line-diff.ts'

const bytes = (text: string) => Buffer.from(text)
const change = { path: '/f.toml', before: bytes('a = 1\nb = 2\n'), after: bytes('a = 1\nours = 3\nb = 2\n') }

describe('a change is taken back', () => {
  test('to what was there, to the byte', () => {
    expect(takenBack(change, change.after)).toBe(change.before)
    expect(takenBack({ ...change, before: undefined }, change.after)).toBeUndefined()
  })

  test('from a file that is already as it was', () => {
    expect(takenBack(change, change.before)).toBe(change.before)
    expect(takenBack({ ...change, before: undefined }, undefined)).toBeUndefined()
  })

  test('from a file that somebody has changed in other places: our lines go, the others stay', () => {
    expect(takenBack(change, bytes('a = 9\nours = 3\nb = 2\nc = 4\n'))?.toString()).toBe('a = 9\nb = 2\nc = 4\n')
  })

  test.each([
    ['our lines were changed', 'a = 1\nours = 4\nb = 2\n'],
    ['our lines are there twice', 'a = 1\nours = 3\n[t]\nours = 3\n'],
    ['the rest would be broken', 'x = """\nours = 3\n'],
    ['the file is gone', undefined],
  ])('but not when %s', (_what, now) => {
    expect(() => takenBack(change, now === undefined ? undefined : bytes(now))).toThrow(
      expect.objectContaining({ code: 'CHANGED_MEANWHILE', message: expect.stringContaining('/f.toml') }),
    )
  })
})

describe('a further change', () => {
  test('goes back to what was there before the first', () => {
    const second = { ...change, before: change.after, after: bytes('more') }
    expect(furtherChange(change, change.after, second).before).toBe(change.before)
  })

  test('of a file that somebody wrote anew goes back to that', () => {
    const now = bytes('new = 1\n')
    expect(furtherChange(change, now, { ...change, before: now }).before).toBe(now)
  })
})

test('a diff has three lines of context, and says where a file is new or gone', () => {
  const lines = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `${n}\n`)
  expect(lineDiff('/f', lines.join(''), lines.with(4, 'five\n').join(''))).toBe(
    '--- /f\n+++ /f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8',
  )
  expect(lineDiff('/f', undefined, 'a')).toBe(
    '--- /dev/null\n+++ /f\n@@ -0,0 +1,1 @@\n+a\n\\ No newline at end of file',
  )
  expect(lineDiff('/f', 'a\n', undefined)).toBe('--- /f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a')
})
