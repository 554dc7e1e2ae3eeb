import { expect, test } from '@jest/globals'
import { z } from 'zod'
import { backendSchema } from '../../../lib/backend/index.ts'
import { errorTable } from '../../../lib/base/index.ts'
import { waitCauses } from '../../../lib/core/index.ts'
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

test('docs/operations.md has a row for each cause of a wait, and some test provokes it', () => {
  const documented = docTable('docs/operations.md', ['cause', 'with whom', 'it waited for', 'what to do'])
  const told = Object.entries(waitCauses).map(([cause, { side, text }]) => [cause, side, text.replace('{from}', 'X')])
  expect(documented.map((row) => [row.cause, row['with whom'], row['it waited for']])).toEqual(told)
  expect(documented.filter((row) => row['what to do'] === '')).toEqual([])
  const tests = [
    'test/unit/swarm/torrent/fetch/why-waits.test.ts',
    'test/unit/swarm/torrent/shared/recorded-trace.test.ts',
    'test/integration/swarm/pull-trace.test.ts',
    'test/unit/agent/pull-log.test.ts',
  ]
  const provoked = new Set(
    tests.flatMap((file) => [...readProjectFile(file).matchAll(/\btest\('(\w+): /g)].map(([, cause]) => cause)),
  )
  expect(Object.keys(waitCauses).filter((cause) => !provoked.has(cause))).toEqual([])
})
