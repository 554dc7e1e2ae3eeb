import { describe, expect, test } from '@jest/globals'
import { docTable, readProjectFile } from '../../kit/doc-table.ts'

interface Package {
  readonly dependencies: Readonly<Record<string, string>>
  readonly overrides: Readonly<Record<string, string>>
}

const { dependencies, overrides } = JSON.parse(readProjectFile('package.json')) as Package
const rows = docTable('docs/security.md', ['package', 'version', 'why', 'what of it faces the network'])

describe('docs/security.md', () => {
  test('lists what runs beside our own code, in the versions of package.json', () => {
    const documented = rows.map((row) => [row.package, row.version])
    expect(documented).toEqual(Object.entries({ ...dependencies, ...overrides }).toSorted())
  })

  test('says of each why it is there, and what of it faces the network', () => {
    expect(rows.filter((row) => row.why === '' || row['what of it faces the network'] === '')).toEqual([])
  })
})
