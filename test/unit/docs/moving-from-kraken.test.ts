import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { doors } from '../../../services/herd/index.ts'
import { docTable } from '../../kit/doc-table.ts'

const file = 'docs/moving-from-kraken.md'
const endpoints = docTable(file, ['Kraken', 'method and path', 'here'])
const keys = docTable(file, ['Kraken', 'key', 'here'])
const served = docTable('docs/endpoints.md', ['method', 'path', 'right', 'what']).filter(({ heading }) =>
  heading.endsWith(': kraken listener'),
)

/** `/tags/{tag}/x` and `/tags/:tag/x` are one path, whatever the names of the parameters. */
const shapeOf = (path: string) => path.replace(/\?.*$/, '').replace(/\{[^}]*\}|[:*]\w+/g, '*')
const pathsIn = (text: string) => [...text.matchAll(/`(\/[^`]*)`/g)].map(([, path = '']) => shapeOf(path))
const prefixed = (path: string) => (path === '/list/' ? '/list/*' : path)

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
}
const keysIn = ({ properties = {} }: Shape, above = ''): readonly string[] =>
  Object.entries(properties).flatMap(([name, inner]) => [above + name, ...keysIn(inner, `${above}${name}.`)])
const knownKeys = new Set(
  Object.values(doors).flatMap(({ schema }) => keysIn(z.toJSONSchema(schema, { io: 'input' }) as Shape)),
)

describe('docs/moving-from-kraken.md', () => {
  test.each(served.map(({ heading, path }) => [heading.split(':', 1)[0] ?? '', path]))(
    'has the counterpart of %s %s',
    (service, path) => {
      const rows = endpoints.filter((row) => row.Kraken === service)
      const told = rows.flatMap((row) => pathsIn(row['method and path']))
      // Kraken's own proxies have no readiness.
      expect([...told, ...(service === 'proxy' ? ['/readiness'] : [])]).toContain(prefixed(shapeOf(path)))
    },
  )

  test('says "the same" only of paths that are served', () => {
    const wrong = endpoints
      .filter((row) => row.here.startsWith('the same') && ['agent', 'build-index', 'proxy'].includes(row.Kraken))
      .flatMap((row) => pathsIn(row['method and path']).map((path) => ({ service: row.Kraken, path })))
      .filter(
        ({ service, path }) =>
          !served.some((row) => row.heading === `${service}: kraken listener` && shapeOf(row.path) === path),
      )
    expect(wrong).toEqual([])
  })

  test('names keys of the config that are there', () => {
    const named = keys.flatMap(({ here }) => [...here.matchAll(/`([a-z][\w.]*)`/gi)].map(([, key = '']) => key))
    const elsewhere = ['limits', 'namespace', 'backend', 'repository']
    expect(named.filter((key) => !knownKeys.has(key) && !elsewhere.includes(key))).toEqual([])
  })

  test('gives each endpoint and each key a counterpart, or says why there is none', () => {
    for (const { here } of [...endpoints, ...keys]) expect(here).toMatch(/^(?!none$).+/)
    for (const { here } of [...endpoints, ...keys].filter((row) => row.here.startsWith('none')))
      expect(here).toMatch(/^none(?:, (?:because|as|the same)| yet|: )/)
  })
})
