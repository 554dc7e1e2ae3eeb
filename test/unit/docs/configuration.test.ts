import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { z } from 'zod'
import { backendLimitsSchema, backendSchema } from '../../../lib/backend/index.ts'
import type { ProcessHost } from '../../../lib/base/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import {
  commonKeys,
  defaultPorts,
  guardedKeys,
  runService,
  serviceFacts,
  serviceKinds,
} from '../../../lib/service/index.ts'
import { hostKeys, ruleKeys } from '../../../services/agent/forward/config.ts'
import { doors } from '../../../services/herd/index.ts'
import { fixedPorts } from '../../../services/herd/ports.ts'
import { docTable, readProjectFile } from '../../kit/doc-table.ts'

/** The part of a JSON Schema that the test reads. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly oneOf?: readonly Shape[]
  readonly anyOf?: readonly Shape[]
  readonly const?: unknown
  readonly default?: unknown
  readonly required?: readonly string[]
  readonly additionalProperties?: Shape
}

interface Leaf {
  readonly default: unknown
  readonly isRequired: boolean
}

const shapeOf = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' }) as Shape

/** Keys that are not mappings, by dotted path. */
const leavesOf = ({ properties = {}, required = [] }: Shape, prefix = ''): ReadonlyMap<string, Leaf> =>
  new Map(
    Object.entries(properties).flatMap(([name, shape]) =>
      shape.properties === undefined
        ? [[prefix + name, { default: shape.default, isRequired: required.includes(name) }] as const]
        : [...leavesOf(shape, `${prefix}${name}.`)],
    ),
  )

const schemas = new Map(Object.values(doors).map(({ kind, schema }) => [serviceFacts(kind).name, schema] as const))
const services = [...schemas.keys()]

/** Keys that one section tells for all listeners. */
const ofEveryListener = /(?:^|\.)(?<!^manager\.)(?:insecure|tls|clientCertificates|proxyProtocol\.\w+)$/

const at = (shape: Shape | undefined, ...path: readonly string[]): Shape =>
  path.reduce((inner, name) => inner.properties?.[name] ?? {}, shape ?? {})
const origin = shapeOf(doors.origin.schema)

/** The keys that each heading of the document must list, taken from the schemas. */
const sections: Readonly<Record<string, ReadonlyMap<string, Leaf>>> = {
  'Every service': leavesOf(shapeOf(z.object(commonKeys))),
  'Every listener': new Map([
    ...leavesOf(at(origin, 'ops')),
    ['bind', { default: 'see the service', isRequired: false }],
  ]),
  'Every list of members': leavesOf(at(origin, 'origins', 'members').anyOf?.[0]?.items ?? {}),
  'Every other source of members': leavesOf(at(origin, 'origins', 'members').anyOf?.[1] ?? {}),
  'Every rule of `backends`': new Map([
    ...leavesOf(at(origin, 'backends').items ?? {}),
    ['backend', { default: undefined, isRequired: true }],
  ]),
  'Every rule of `urls.rules`': leavesOf(at(shapeOf(doors.origin.schema), 'urls', 'rules').items ?? {}),
  'Every rule of `upstreams`': leavesOf(at(shapeOf(doors.buildIndex.schema), 'upstreams').items ?? {}),
  'Every entry of `registry.upstreams`': leavesOf(shapeOf(z.strictObject(guardedKeys))),
  'Every listener of `registry.listeners`': new Map(
    [...leavesOf(at(shapeOf(doors.agent.schema), 'registry', 'listeners').items ?? {})].filter(
      ([key]) => !ofEveryListener.test(key),
    ),
  ),
  'Every host of `registry.forward.hosts`': leavesOf(shapeOf(hostKeys)),
  'Every rule of `registry.forward.rules`': leavesOf(shapeOf(ruleKeys)),
  'Every rule of `registry.access`': leavesOf(
    at(shapeOf(doors.proxy.schema), 'registry', 'access', 'rules').items ?? {},
  ),
  'Every issuer of `registry.access.ci`': leavesOf(
    at(shapeOf(doors.proxy.schema), 'registry', 'access', 'ci').items ?? {},
  ),
  'Every remote': leavesOf(at(shapeOf(doors.buildIndex.schema), 'remotes').additionalProperties ?? {}),
  'Every webhook': leavesOf(at(shapeOf(doors.buildIndex.schema), 'webhooks').additionalProperties ?? {}),
  ...Object.fromEntries(
    (shapeOf(backendSchema).oneOf ?? []).map((shape) => [
      `Backend \`${String(at(shape, 'driver').const)}\``,
      new Map([...leavesOf(shape)].filter(([key]) => !key.startsWith('limits.'))),
    ]),
  ),
  'The `limits` of a backend': leavesOf(shapeOf(backendLimitsSchema)),
  ...Object.fromEntries(
    services.map((service) => [
      service,
      new Map(
        [...leavesOf(shapeOf(schemas.get(service)!))].filter(
          ([key]) => !(key.replace(/\..*/, '') in commonKeys) && !ofEveryListener.test(key),
        ),
      ),
    ]),
  ),
}

const rows = docTable('docs/configuration.md', ['key', 'type', 'default', 'what'])

const documentedDefault = (text: string): unknown => {
  if (text === 'none' || text === 'must be given') return undefined
  return text === 'see the service' ? text : parse(text)
}

describe('docs/configuration.md', () => {
  test.each(Object.keys(sections))('%s: its rows are its keys, with their defaults', (heading) => {
    const documented = rows
      .filter((row) => row.heading === heading)
      .map((row): [string, Leaf] => [
        row.key,
        { default: documentedDefault(row.default), isRequired: row.default === 'must be given' },
      ])
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(sections[heading]!))
    expect(documented).toHaveLength(sections[heading]!.size)
  })

  test('every table of keys belongs to a section, and says what each key does', () => {
    expect([...new Set(rows.map(({ heading }) => heading))].toSorted()).toEqual(Object.keys(sections).toSorted())
    expect(rows.filter(({ type, what }) => type === '' || what === '')).toEqual([])
  })

  test('names the flags of a service', async () => {
    let usage = ''
    const host: ProcessHost = {
      env: {},
      onTerminate: () => () => undefined,
      onRejection: () => () => undefined,
      say: () => undefined,
      output: process.stdout,
      show: undefined,
      complain: (text: string) => {
        usage += text
      },
    }
    const door = {
      ...doors.agent,
      make: (): never => {
        throw new Error('no service is made to print the flags')
      },
    }
    expect(await runService(door, ['--help'], host)).toBe(0)
    const documented = docTable('docs/configuration.md', ['flag of a service', 'what']).map(
      (row) => row['flag of a service'],
    )
    expect(documented.toSorted()).toEqual([...new Set(usage.match(/--\w+/g)), '--help'].toSorted())
  })

  test('names the flags of the herd', () => {
    const declared = [...readProjectFile('services/herd/main.ts').matchAll(/\.option\(\s*'(--\w+)/g)].map(
      ([, flag]) => flag,
    )
    const documented = docTable('docs/configuration.md', ['flag of the herd', 'default', 'what'])
    expect(documented.map((row) => row['flag of the herd'])).toEqual(declared)
  })

  test('says which ports a herd has', () => {
    const [, what = ''] =
      /`fixed`: (the ports above, further instances a hundred apart);/.exec(readProjectFile('docs/configuration.md')) ??
      []
    expect(what).not.toBe('')
    for (const kind of serviceKinds) {
      const first = defaultPorts(kind)
      const ports = [0, 1, 2].map((index) => fixedPorts().take(index, first))
      const apart = (by: number) => Object.fromEntries(Object.entries(first).map(([name, port]) => [name, port + by]))
      expect(ports).toEqual([first, apart(100), apart(200)])
    }
    expect(() => fixedPorts().take(6, defaultPorts('agent'))).toThrow('65601')
  })
})

/** Dotted paths of all values that are not mappings, and of empty ones. */
const pathsIn = (value: unknown, prefix = ''): readonly string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, prefix === '' ? key : `${prefix}.${key}`))
    : [prefix]

describe.each(services)('config/%s/base.yaml', (service) => {
  const file = `config/${service}/base.yaml`
  const leaves = leavesOf(shapeOf(schemas.get(service)!))

  test('holds the defaults', async () => {
    const path = join(import.meta.dirname, '..', '..', '..', file)
    expect(await loadConfig(schemas.get(service)!, { file: path })).toEqual(schemas.get(service)!.parse({}))
  })

  test('names every key, those without a default in a comment', () => {
    const optional = [...leaves].flatMap(([key, leaf]) => (leaf.default === undefined ? key.split('.') : []))
    const commented = new RegExp(`^( *)# ( *(?:${optional.join('|')})):`, 'gm')
    const named = pathsIn(parse(readProjectFile(file).replace(commented, '$1$2:')))
    const isInside = (key: string, leaf: string) => key === leaf || key.startsWith(`${leaf}.`)
    expect([...leaves.keys()].filter((leaf) => !named.some((key) => isInside(key, leaf)))).toEqual([])
  })
})

test('what an upgrade says about announces of trackers is what their config takes', () => {
  const [, note = ''] = /\*\*Before an upgrade\*\*(.*?)\n\n/s.exec(readProjectFile('docs/configuration.md')) ?? []
  const said = (pattern: RegExp) => pattern.exec(note)?.[1]
  const isTaken = (announce: Readonly<Record<string, unknown>>) => doors.tracker.schema.safeParse({ announce }).success
  const [least, most] = [said(/below `(\d+)ms`/), said(/above `(\d+)d`/)]
  const mostPerSecond = Number(said(/`perSecond` above `(\d+)`/))
  expect(isTaken({ minInterval: `${least}ms`, maxInterval: `${most}d`, perSecond: mostPerSecond })).toBe(true)
  expect(isTaken({ minInterval: `${Number(least) - 1}ms` })).toBe(false)
  expect(isTaken({ maxInterval: `${Number(most) + 1}d` })).toBe(false)
  expect(isTaken({ perSecond: mostPerSecond + 1 })).toBe(false)
})
