import { describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../../lib/core/index.ts'
import type { Job, Part } from '../../../../services/manager/jobs/model.ts'
import { MAX_PARTS, partsOfContent, planParts } from '../../../../services/manager/jobs/plan-parts.ts'

const digest = digestOf(Buffer.from('an image'))
const layer = digestOf(Buffer.from('a layer'))
const two = { clusters: ['a', 'b'], ownNames: [], hasCredentials: false }
const manifest = 'https://harbor.example/v2/p/r/manifests/1.0'

describe('a job', () => {
  test.each([
    {
      what: 'a preheat of an image',
      spec: { kind: 'preheat', targets: ['team/app:1'] },
      steps: ['a content', 'b content'],
    },
    { what: 'a preheat of a URL', spec: { kind: 'preheat', urls: ['https://x.example/f'] }, steps: ['a url', 'b url'] },
    { what: 'a question', spec: { kind: 'query', targets: [digest] }, steps: ['a fleet', 'b fleet'] },
    {
      what: 'a distribution',
      spec: { kind: 'distribution', targets: ['team/app:1'] },
      steps: ['a content', 'b content'],
    },
    { what: 'a look', spec: { kind: 'gc' }, steps: ['a gc', 'b gc'] },
    { what: 'a backfill', spec: { kind: 'backfill', targets: ['team/app:1'] }, steps: ['a backfill', 'b backfill'] },
  ] as const)('$what begins with $steps', ({ spec, steps }) => {
    expect(planParts(spec, two).map(({ cluster, step }) => `${cluster} ${step}`)).toEqual(steps)
  })

  test('with credentials asks the registry once, for all clusters', () => {
    const parts = planParts({ kind: 'preheat', targets: [manifest] }, { ...two, hasCredentials: true })
    expect(parts).toEqual([
      { cluster: '', step: 'resolve', spec: { target: 'harbor.example/p/r:1.0', url: manifest, clusters: ['a', 'b'] } },
    ])
  })

  test.each([
    ['a blob of no repository', { kind: 'preheat', targets: [digest] }, {}],
    ['a backfill of a digest', { kind: 'backfill', targets: [`team/app@${digest}`] }, {}],
    ['a URL with credentials', { kind: 'preheat', urls: ['https://x.example/f'] }, { hasCredentials: true }],
    [
      'too many parts',
      { kind: 'query', targets: Array(11).fill(digest) },
      { clusters: Array(MAX_PARTS / 10).fill('a') },
    ],
    [
      'too many images with credentials',
      { kind: 'preheat', targets: Array(11).fill(manifest) },
      { clusters: Array(MAX_PARTS / 10).fill('a'), hasCredentials: true },
    ],
  ] as const)('is refused for %s', (_what, spec, more) => {
    expect(() => planParts(spec, { ...two, ...more })).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  })
})

describe('what follows', () => {
  const content = { digest, repository: 'team/app', items: [{ digest }, { digest: layer }] }
  const after = (spec: Job['spec'], step: Part['step'] = 'content') =>
    partsOfContent({ spec } as Job, { cluster: 'a', n: 3, step } as Part, content)
  const target = `team/app@${digest}`

  test('an image is an order of hosts, or work of origins', () => {
    expect(after({ kind: 'preheat', scope: 'agents' })).toEqual([
      { cluster: 'a', step: 'fleet', spec: { order: 'preload', target, contentOf: 3 } },
    ])
    expect(after({ kind: 'preheat' })).toEqual([{ cluster: 'a', step: 'origins', spec: { target, contentOf: 3 } }])
  })

  test('a URL that was brought to its origin is nothing more, unless all are to have it', () => {
    expect(after({ kind: 'preheat' }, 'url')).toEqual([])
    expect(after({ kind: 'preheat', scope: 'all_origins' }, 'url')).toMatchObject([{ step: 'origins' }])
  })

  test('a distribution is a question for each blob', () => {
    expect(after({ kind: 'distribution' }).map(({ spec }) => spec)).toEqual([
      { order: 'query', target: digest, contentOf: 3 },
      { order: 'query', target: layer, contentOf: 3 },
    ])
  })
})
