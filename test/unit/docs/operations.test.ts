import { expect, test } from '@jest/globals'
import { z } from 'zod'
import { backendSchema } from '../../../lib/backend/index.ts'
import { errorTable } from '../../../lib/base/index.ts'
import { exitCodes } from '../../../services/cli/exit-codes.ts'
import { docTable, readProjectFile } from '../../kit/doc-table.ts'

const text = readProjectFile('docs/operations.md')

test('docs/operations.md says of every error of a backend what to do', () => {
  const documented = docTable('docs/operations.md', ['code', 'what happened', 'what to do'])
  const ofBackends = Object.keys(errorTable).filter((code) => /^(BACKEND_|NO_BACKEND_)/.test(code))
  expect(documented.map(({ code }) => code).toSorted()).toEqual(ofBackends.toSorted())
  expect(documented.filter((row) => row['what to do'] === '')).toEqual([])
})

test('docs/operations.md says of every driver how to set it up', () => {
  const { oneOf = [] } = z.toJSONSchema(backendSchema, { io: 'input' })
  const drivers = oneOf.map(({ properties }) => Object(properties?.['driver']).const as string)
  expect(drivers).toContain('file')
  const [, stores = ''] = /^## Backends\n([\s\S]*?)^## /m.exec(text) ?? []
  const [, moving = ''] = /^## Moving to another backend\n([\s\S]*?)^## /m.exec(text) ?? []
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
