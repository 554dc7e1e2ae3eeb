import { describe, expect, test } from '@jest/globals'
import { errorTable } from '../../../lib/base/index.ts'
import { docTable, projectSources, readProjectFile } from '../../kit/doc-table.ts'

const rows = docTable('docs/errors.md', ['code', 'status', 'retry', 'what it means', 'what to do'])

describe('docs/errors.md', () => {
  test('has one row for each code, with its status and whether trying again may help', () => {
    const documented = rows.map(({ code, status, retry }) => ({ code, status, retry }))
    const coded = Object.entries(errorTable).map(([code, { status, retryable }]) => ({
      code,
      status: String(status),
      retry: retryable ? 'yes' : 'no',
    }))
    const byCode = (a: { code: string }, b: { code: string }) => (a.code < b.code ? -1 : 1)
    expect(documented.toSorted(byCode)).toEqual(coded.toSorted(byCode))
  })

  test('says for each code what it means and what to do', () => {
    const silent = rows.filter((row) => row['what it means'] === '' || row['what to do'] === '')
    expect(silent).toEqual([])
  })
})

test('every code of the table is used by the program', () => {
  const sources = projectSources('lib', 'services').filter((file) => !/^lib\/base\/\w+-codes\.ts$/.test(file))
  const text = sources.map(readProjectFile).join('\n')
  expect(Object.keys(errorTable).filter((code) => !text.includes(`'${code}'`))).toEqual([])
})
