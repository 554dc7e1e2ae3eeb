import { expect, test } from '@jest/globals'
import { z } from 'zod'
import { backendSchema } from '../../../lib/backend/index.ts'
import { errorTable } from '../../../lib/base/index.ts'
import { exitCodes } from '../../../services/cli/exit-codes.ts'
import { docTable, readProjectFile } from '../../kit/doc-table.ts'

const text = readProjectFile('docs/operations.md')

test('docs/operations.md says of every error of a store what to do', () => {
  const documented = docTable('docs/operations.md', ['code', 'what happened', 'what to do'])
  const ofStores = Object.keys(errorTable).filter((code) => /^(BACKEND|NAMESPACE)_/.test(code))
  expect(documented.map(({ code }) => code).toSorted()).toEqual(ofStores.toSorted())
  expect(documented.filter((row) => row['what to do'] === '')).toEqual([])
})

test('docs/operations.md says of every driver how to set it up', () => {
  const { oneOf = [] } = z.toJSONSchema(backendSchema, { io: 'input' })
  const drivers = oneOf.map(({ properties }) => Object(properties?.['driver']).const as string)
  expect(drivers).toContain('file')
  const [, stores = ''] = /^## Stores\n([\s\S]*?)^## /m.exec(text) ?? []
  const [, moving = ''] = /^## Moving to another store\n([\s\S]*?)^## /m.exec(text) ?? []
  expect(drivers.filter((driver) => !`${stores}${moving}`.includes(`river \`${driver}\``))).toEqual([])
})

test('docs/operations.md names metrics that there are', () => {
  const metrics = new Set(
    docTable('docs/metrics.md', ['metric', 'type', 'labels', 'services', 'what']).map((row) => row.metric),
  )
  const named = [...text.matchAll(/\bshoal_\w+/g)].map(([name]) => name)
  expect(named.filter((name) => !metrics.has(name))).toEqual([])
})

test('docs/operations.md has a row for each exit code of a tool', () => {
  const documented = docTable('docs/operations.md', ['exit code', 'name', 'what it says'])
  expect(documented.map((row) => [row.name, Number(row['exit code'])])).toEqual(Object.entries(exitCodes))
})
