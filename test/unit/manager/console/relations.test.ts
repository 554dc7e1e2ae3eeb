import { describe, expect, test } from '@jest/globals'
import { managerApi } from '../../../../lib/api/index.ts'
import {
  clusterGraph,
  edgeState,
  MAX_PICTURED,
  targetOf,
} from '../../../../services/manager/console/src/pure/cluster-graph.ts'
import {
  changesOfRelation,
  emptyRelation,
  fieldsOfRelation,
  lackOfRelation,
  newRelationOf,
  type RelationFields,
} from '../../../../services/manager/console/src/pure/relation-form.ts'
import type { Relation, SeenRelation } from '../../../../services/manager/console/src/state/relations.ts'

const filled: RelationFields = {
  ...emptyRelation,
  ...{ from: 'ams', to: 'fra', remote: ' fra-2 ', bandwidth: '1.5', concurrency: '8', deletes: true },
  rules: [
    { repository: ' team/* ', tag: 'v*' },
    { repository: '', tag: '*' },
  ],
  ...{ windows: [{ from: '22:00', to: '06:00' }], urls: 'http://a.example:1\nhttp://b.example:1', note: ' by night ' },
}
const kept: Relation = {
  ...{ id: '7c1f', from: 'ams', to: 'fra', remote: 'fra', rules: [{ repository: 'team/*', tag: 'v*' }] },
  ...{ windows: [], bandwidth: 1_000_001, concurrency: 4, signatures: true, deletes: false, isPaused: true },
  ...{ note: '', createdAtMs: 1, changedAtMs: 2 },
}
const makes = (body: unknown) => managerApi.createRelation.body.safeParse(body).error?.message
const changes = (body: unknown) => managerApi.changeRelation.body.safeParse(body).error?.message

describe('the form of a relation', () => {
  test('says what the API takes', () => {
    expect(newRelationOf(filled)).toEqual({
      ...{ from: 'ams', to: 'fra', remote: 'fra-2', rules: [{ repository: 'team/*', tag: 'v*' }] },
      ...{ windows: [{ from: '22:00', to: '06:00' }], bandwidth: 1_572_864, concurrency: 8 },
      ...{ signatures: true, deletes: true, urls: ['http://a.example:1', 'http://b.example:1'], note: 'by night' },
    })
    expect(makes(newRelationOf(filled))).toBeUndefined()
    const plain = newRelationOf({ ...emptyRelation, from: 'ams', to: 'fra' })
    expect(plain).not.toHaveProperty('remote')
    expect(plain).not.toHaveProperty('bandwidth')
    expect(makes(plain)).toBeUndefined()
  })

  test('changes nothing when it is opened and saved', () =>
    expect(changesOfRelation(kept, fieldsOfRelation(kept))).toEqual({}))

  test.each<[string, Partial<RelationFields>, object]>([
    ['no limit', { bandwidth: '' }, { bandwidth: null }],
    ['another limit', { bandwidth: '2' }, { bandwidth: 2_097_152 }],
    ['addresses', { urls: 'http://a.example:1' }, { urls: ['http://a.example:1'] }],
    ['a window', { windows: [{ from: '01:00', to: '02:00' }] }, { windows: [{ from: '01:00', to: '02:00' }] }],
    ['that signatures stay', { signatures: false }, { signatures: false }],
    [
      'a further rule',
      { rules: [...kept.rules, { repository: 'a', tag: '*' }] },
      { rules: [...kept.rules, { repository: 'a', tag: '*' }] },
    ],
  ])('says %s, and nothing else', (_what, fields, body) => {
    const said = changesOfRelation(kept, { ...fieldsOfRelation(kept), ...fields })
    expect(said).toEqual(body)
    expect(changes(said)).toBeUndefined()
  })

  test('takes addresses away again', () => {
    const before = { ...kept, urls: ['http://a.example:1'] }
    expect(changesOfRelation(before, { ...fieldsOfRelation(before), urls: ' ' })).toEqual({ urls: null })
  })

  test('says which field lacks something', () => {
    const lack = (more: Partial<RelationFields>) => lackOfRelation({ ...filled, ...more })
    expect(lack({})).toBeUndefined()
    expect([lack({ from: '' }), lack({ to: '' }), lack({ to: 'ams' })]).toEqual(['clusters', 'clusters', 'clusters'])
    expect([lack({ rules: [] }), lack({ rules: [{ repository: 'a', tag: ' ' }] })]).toEqual(['rules', 'rules'])
    expect(lack({ rules: [{ repository: ' ', tag: 'v1' }] })).toBe('rules')
    expect([
      lack({ windows: [{ from: '', to: '06:00' }] }),
      lack({ windows: [{ from: '06:00', to: '06:00' }] }),
    ]).toEqual(['windows', 'windows'])
    expect([lack({ bandwidth: '0' }), lack({ bandwidth: 'fast' }), lack({ bandwidth: '' })]).toEqual([
      'bandwidth',
      'bandwidth',
      undefined,
    ])
    expect([lack({ concurrency: '' }), lack({ concurrency: '65' }), lack({ concurrency: '1.5' })]).toEqual([
      'concurrency',
      'concurrency',
      'concurrency',
    ])
  })
})

const seen = (from: string, to: string | undefined, more: Partial<SeenRelation> = {}): SeenRelation => ({
  ...{ origin: 'managed', from, remote: 'other', urls: [], rules: [], isPaused: false },
  ...(to !== undefined && { to }),
  ...more,
})

describe('the picture of relations', () => {
  test('has each cluster once, on a circle, and an arrow for each relation that stops before its cluster', () => {
    const graph = clusterGraph([seen('b', 'a'), seen('a', 'b'), seen('a', undefined)])
    expect(graph?.nodes.map(({ name }) => name)).toEqual(['a', 'b', 'other'])
    expect(graph?.edges.map(({ from, to }) => `${from}>${to}`)).toEqual(['b>a', 'a>b', 'a>other'])
    const middle = (graph?.size ?? 0) / 2
    const radii = graph?.nodes.map(({ x, y }) => Math.round(Math.hypot(x - middle, y - middle)))
    expect(new Set(radii).size).toBe(1)
    for (const { to, x2, y2 } of graph?.edges ?? []) {
      const node = graph?.nodes.find(({ name }) => name === to)
      expect(Math.hypot(x2 - (node?.x ?? 0), y2 - (node?.y ?? 0))).toBeGreaterThan(10)
    }
  })

  test('keeps arrows that go to and fro apart', () => {
    const [there, back] = clusterGraph([seen('a', 'b'), seen('b', 'a')])?.edges ?? []
    expect(Math.hypot((there?.x1 ?? 0) - (back?.x2 ?? 0), (there?.y1 ?? 0) - (back?.y2 ?? 0))).toBeGreaterThan(4)
  })

  test('has names at the outside', () => {
    const graph = clusterGraph([seen('a', 'b'), seen('c', 'd')])
    expect(graph?.nodes.map(({ label }) => label.anchor)).toEqual(['middle', 'start', 'middle', 'end'])
  })

  test('is none of more clusters than can be told apart', () => {
    const many = Array.from({ length: MAX_PICTURED }, (_, i) => seen('hub', `c${i}`))
    expect(clusterGraph(many)).toBeUndefined()
    expect(clusterGraph(many.slice(1))?.nodes).toHaveLength(MAX_PICTURED)
  })

  test.each([
    [{ isPaused: true, reachable: false }, 'off'],
    [{ isPaused: false, reachable: true }, 'on'],
    [{ isPaused: false, reachable: false }, 'broken'],
    [{ isPaused: false }, 'unknown'],
  ] as const)('%j is %s', (relation, state) => expect(edgeState(relation)).toBe(state))

  test('calls a remote that has not said who it is by its name in the config', () =>
    expect([targetOf({ remote: 'r' }), targetOf({ remote: 'r', to: 'c' })]).toEqual(['r', 'c']))
})
