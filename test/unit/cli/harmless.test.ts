import { expect, test } from '@jest/globals'
import { harmless } from '../../../services/cli/admin/harmless.ts'
import { fields, table } from '../../../services/cli/admin/sheet.ts'

const evil = 'v1\u001b[2J\u009b31m\r\nada  admin\u202e'

test('a cell of a table stays one cell of one line, whatever a service was told', () => {
  const shown = table([{ tag: evil }], [['tag', ({ tag }) => tag]])
  expect(shown.split('\n')).toEqual(['tag', 'v1\ufffd[2J\ufffd31m\ufffd\ufffdada  admin\ufffd'])
  expect(fields({ note: evil }).split('\n')).toHaveLength(1)
})

test('what is printed moves no cursor, and keeps its lines', () => {
  expect(harmless(`one\n\ttwo${evil}`)).toBe('one\n\ttwov1\ufffd[2J\ufffd31m\ufffd\nada  admin\ufffd')
})
