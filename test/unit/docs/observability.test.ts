import { expect, test } from '@jest/globals'
import { errorTable } from '../../../lib/base/index.ts'
import { waitCauses } from '../../../lib/core/index.ts'
import { serviceFacts } from '../../../lib/service/index.ts'
import { adminApis } from '../../../services/cli/admin/apis.ts'
import { docTable, projectSources, readProjectFile } from '../../kit/doc-table.ts'

const file = 'docs/observability.md'
const rows = docTable(file, ['question', 'metrics', 'shoal', 'traces'])
const metrics = new Map(
  docTable('docs/metrics.md', ['metric', 'type', 'labels', 'services', 'what']).map(({ metric, type, labels }) => [
    metric,
    { type, labels: [...labels.split(', '), ...(type === 'histogram' ? ['le'] : [])] },
  ]),
)
const queries = [
  ...rows.map(({ metrics: query }) => query),
  ...[...readProjectFile(file).matchAll(/^```promql\n([\s\S]*?)^```/gm)].map(([, query = '']) => query),
]
const sources = projectSources('lib', 'services').map(readProjectFile).join('\n')

/** The metric that a name in a query is of; of a histogram there are three. */
const metricOf = (name: string) => metrics.get(name) ?? metrics.get(name.replace(/_(?:bucket|sum|count)$/, ''))

test('there are ten questions, and each has its queries', () => {
  expect(rows).toHaveLength(10)
  expect(rows.filter((row) => [row.metrics, row.shoal, row.traces].includes(''))).toEqual([])
})

test.each(queries)('the query %s asks for metrics and labels that there are', (query) => {
  const named = [...query.matchAll(/\b(shoal_\w+)(?:\{([^}]*)\})?/g)]
  expect(named.length).toBeGreaterThan(0)
  const labels = named.flatMap(([, name = '', selector = '']) => {
    const metric = metricOf(name)
    if (metric === undefined) throw new Error(`there is no metric ${name}`)
    const selected = [...selector.matchAll(/(\w+)(?:=|!=|=~|!~)"/g)].map(([, label = '']) => label)
    expect(selected.filter((label) => !metric.labels.includes(label))).toEqual([])
    return metric.labels
  })
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */))
  expect(grouped.filter((label) => !labels.includes(label))).toEqual([])
})

test.each(rows.map(({ shoal }) => shoal))('%s is a command', (command) => {
  const [program, verb, ...rest] = command.split(' ')
  expect(program).toBe('shoal')
  if (verb === 'explain') return
  const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const api = adminApis.find(({ kind }) => serviceFacts(kind).name === rest[0])
  expect(verb).toBe('admin')
  expect(Object.keys(api?.verbs ?? {}).map(kebab)).toContain(rest[1])
})

test.each(rows.map(({ traces }) => traces))('the search %s asks for spans and attributes that there are', (search) => {
  for (const [, name = ''] of search.matchAll(/\bname = "([^"]*)"/g)) {
    const [, task] = /^task ([\w-]+)$/.exec(name) ?? []
    const [, cause] = /^wait: (\w+)$/.exec(name) ?? []
    const [, operation] = /^backend (read|write)$/.exec(name) ?? []
    if (cause !== undefined) expect(Object.keys(waitCauses)).toContain(cause)
    else if (task !== undefined) expect(sources).toMatch(new RegExp(`const [A-Z_]+ = '${task}'`))
    else if (operation !== undefined)
      expect(sources).toMatch(new RegExp(`'backend ${operation}'|calls\\('${operation}'`))
    else expect(sources).toContain(`'${name}'`)
  }
  for (const [, attribute = ''] of search.matchAll(/\bspan\.([\w.]+)/g)) expect(sources).toContain(`'${attribute}'`)
  for (const [, code = ''] of search.matchAll(/error\.type = "(\w+)"/g)) expect(Object.keys(errorTable)).toContain(code)
})
