import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { serviceFacts } from '../../../lib/service/index.ts'
import { adminApis } from '../../../services/cli/admin/apis.ts'
import { doors } from '../../../services/herd/index.ts'
import { docTable, readProjectFile } from '../../kit/doc-table.ts'

const text = readProjectFile('docs/kubernetes.md')
const benchmarks = readProjectFile('docs/benchmarks.md')

test('docs/kubernetes.md has the figures of the benches', () => {
  const rows = docTable('docs/kubernetes.md', ['what costs', 'measured', 'section', 'row'])
  const missing = rows.filter(({ section, row, measured }) => {
    const [, body = ''] = new RegExp(`^## ${section}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(benchmarks) ?? []
    const lines = body.split('\n').filter((line) => line.includes(`| ${row} |`))
    return !lines.some((line) => line.includes(`| ${measured} |`))
  })
  expect(missing).toEqual([])
})

test('docs/kubernetes.md names verbs of shoal admin that there are', () => {
  const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const known = adminApis.flatMap(({ kind, verbs }) =>
    Object.keys(verbs).map((verb) => `shoal admin ${serviceFacts(kind).name} ${kebab(verb)}`),
  )
  const named = [...text.matchAll(/shoal admin (?:[a-z-]+) (?:[a-z-]+)/g)].map(([command]) => command)
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((command) => !known.includes(command))).toEqual([])
})

test('docs/kubernetes.md names metrics that there are', () => {
  const metrics = docTable('docs/metrics.md', ['metric', 'type', 'labels', 'services', 'what']).map(
    ({ metric }) => metric,
  )
  const named = [...text.matchAll(/\bshoal_\w+/g)].map(([name]) => name)
  expect(named.filter((name) => !metrics.includes(name))).toEqual([])
})

test('the controller takes the config that docs/kubernetes.md shows', () => {
  const [, yaml = ''] = /^```yaml\n(controller:[\s\S]*?)^```/m.exec(text) ?? []
  const { controller } = parse(yaml) as { readonly controller: { readonly config: object } }
  expect(doors.controller.schema.safeParse(controller.config).error).toBeUndefined()
})
