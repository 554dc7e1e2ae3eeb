import { describe, expect, test } from '@jest/globals'
import { type LiveKind, liveKeys, liveSchemas, trackerAdmin } from '../../../lib/api/index.ts'
import { agentSchema } from '../../../services/agent/config.ts'
import { buildIndexSchema } from '../../../services/build-index/config.ts'
import { originSchema } from '../../../services/origin/config.ts'
import { trackerSchema } from '../../../services/tracker/config.ts'

const members = [{ id: 'one', url: 'http://127.0.0.1:1' }]
const files = {
  agent: { schema: agentSchema, rings: { origins: { members }, trackers: { members }, buildIndexes: { members } } },
  origin: { schema: originSchema, rings: { member: 'one', origins: { members }, trackers: { members } } },
  'build-index': { schema: buildIndexSchema, rings: {} },
  tracker: { schema: trackerSchema, rings: { origins: { members }, buildIndexes: { members } } },
} as const

/** At the bounds that keys have, and beyond them. */
const numbers = [-1, 0, 0.01, 0.1, 0.5, 1, 1.5, 2, 4, 16, 48, 49, 64, 65, 512, 513, 100_000, 100_001, 1e6, 1e6 + 1]
const durations = ['0', '0s', '1ms', '99ms', '100ms', '999ms', '1s', '59s', '1m', '61s', '59m', '1h', '2h', '1d', '25h']
const sizes = ['0B', '1B', '1MiB', '2MiB', '32MiB', '33MiB', '1TB', '0B/s', '1B/s', '20MB/s', 'unlimited', '2 MiB']
const words = ['', 'on', 'off', 'debug', 'loud', 'low', 'normal', 'highest', 'adaptive', 'adaptiv', 'x'.repeat(65)]
const names = ['docker.io', '*', '*.example.com', 'a/*', 'a b']
const lists = [
  ...[[], names, ...names.map((name) => [name])],
  ...names.flatMap((name) => [
    [{ name: 'a', repositories: [name] }],
    [{ name: 'a', repositories: [] }],
    [{ repository: name }],
    [{ repository: name, newest: 0 }],
    [{ repository: name, newest: 1 }],
    [{ repository: name, olderThan: '59m' }],
    [{ repository: name, olderThan: '1h' }],
    [{ registry: name, identity: 'passThrough' }],
    [{ registry: name, identity: 'publicOnly', proofFor: '61m' }],
  ]),
]
const probes: readonly unknown[] = [...numbers, ...durations, ...sizes, ...words, ...lists, true, false, null, {}]

/** Values of other keys with which a value is judged by its own bounds alone. */
const beside: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'announce.minInterval': { 'announce.maxInterval': '1d' },
  'announce.maxInterval': { 'announce.minInterval': '100ms' },
}

type Tree = { [name: string]: unknown }

function put(tree: Tree, [name = '', ...below]: readonly string[], value: unknown): void {
  if (below.length > 0) tree[name] ??= {}
  if (below.length > 0) put(tree[name] as Tree, below, value)
  else tree[name] = value
}

/** What a file says that has these keys. */
function treeOf(values: Readonly<Record<string, unknown>>): Tree {
  const tree: Tree = {}
  for (const [key, value] of Object.entries(values)) put(tree, key.split('.'), value)
  return tree
}

const rows = (Object.keys(liveKeys) as LiveKind[]).flatMap((kind) =>
  [...liveSchemas(kind).keys()].map((key) => [kind, key] as const),
)

describe('a key that changes while a service runs takes what its file takes, and nothing else', () => {
  test.each(rows)('%s: %s', (kind, key) => {
    const { schema, rings } = files[kind]
    const live = liveSchemas(kind).get(key)
    const takes = probes.filter((value) => live?.safeParse(value).success)
    const inFile = probes.filter(
      (value) => schema.safeParse({ ...rings, ...treeOf({ ...beside[key], [key]: value }) }).success,
    )
    expect(takes).toEqual(inFile)
    expect(takes.length).toBeGreaterThan(0)
    expect(takes.length).toBeLessThan(probes.length)
  })
})

describe('a key of trackers takes what an admin may set, and nothing else', () => {
  const milliseconds = numbers
    .filter((number) => Number.isInteger(number) && number >= 0)
    .concat(99, 86_400_000, 86_400_001)
  test.each([
    ['announce.perSecond', 'perSecond', (number: number) => number],
    ['announce.minInterval', 'minIntervalMs', (ms: number) => `${ms}ms`],
    ['announce.maxInterval', 'maxIntervalMs', (ms: number) => `${ms}ms`],
  ] as const)('%s', (key, name, written) => {
    const takes = milliseconds.filter((number) => liveKeys.tracker[key].safeParse(written(number)).success)
    const inAdmin = milliseconds.filter((number) => trackerAdmin.set.body.safeParse({ [name]: number }).success)
    expect(takes).toEqual(inAdmin)
    expect(takes.length).toBeGreaterThan(0)
  })
})
