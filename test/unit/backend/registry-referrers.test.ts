import { describe, expect, test } from '@jest/globals'
import { registryReferrers } from '../../../lib/backend/registry/registry-referrers.ts'
import type { RegistryRequest, RegistrySession } from '../../../lib/backend/registry/registry-session.ts'
import { appError, fakeClock } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { plainGovernor } from '../../kit/plain-governor.ts'

const INDEX = 'application/vnd.oci.image.index.v1+json'
const digest = (text: string) => digestOf(Buffer.from(text))
const subject = digest('subject')
const entry = (name: string, more: object = {}) => ({ mediaType: 'a/b', digest: digest(name), size: 2, ...more })

interface Said {
  readonly manifests?: unknown
  readonly type?: string
  readonly link?: string
}

/** The referrers at a registry that says this, in turn; undefined: 404. */
function referrersOf(...answers: readonly (Said | Error | undefined)[]) {
  const asked: string[] = []
  const find = async ({ at }: RegistryRequest) => {
    const said = answers[Math.min(asked.length, answers.length - 1)]
    asked.push(at)
    if (said === undefined) return undefined
    if (!('manifests' in said)) throw said
    const headers = { 'content-type': said.type ?? INDEX, ...(said.link !== undefined && { link: said.link }) }
    const json = async () => ({ schemaVersion: 2, manifests: said.manifests })
    return { status: 200, url: 'https://registry.test/v2/x', headers, json, discard: async () => undefined } as never
  }
  const parts = { session: { find } as RegistrySession, governor: plainGovernor({ attempts: 1 }), clock: fakeClock() }
  return { asked, list: () => registryReferrers(parts).list('team/app', subject) }
}

test('a list is read whole, whatever its pages, and nothing but what it says of each', async () => {
  const more = { artifactType: 'x/y', annotations: { a: 'b' }, platform: { os: 'linux' } }
  const { asked, list } = referrersOf(
    { manifests: [entry('1', more)], link: `</v2/team/app/referrers/${subject}?last=1>; rel="next"` },
    { manifests: [entry('2'), entry('1')] },
  )
  const { platform: _, ...known } = entry('1', more) as ReturnType<typeof entry> & { platform?: object }
  expect((await list())?.toSorted((a, b) => a.size - b.size)).toEqual(expect.arrayContaining([entry('2'), entry('1')]))
  expect(asked).toEqual([
    `team/app/referrers/${subject}`,
    `https://registry.test/v2/team/app/referrers/${subject}?last=1`,
  ])
  const { list: first } = referrersOf({ manifests: [entry('1', more)], type: `${INDEX}; charset=utf-8` })
  expect(await first()).toEqual([known])
})

test.each<[string, Said | Error | undefined]>([
  ['answers 404', undefined],
  ['answers 405', appError('BACKEND_READ_ONLY')],
  ['shows a page for people', { manifests: [], type: 'text/html' }],
])('a registry lists no referrers that %s', async (_, said) => {
  expect(await referrersOf(said).list()).toBeUndefined()
})

describe('a list is refused', () => {
  test.each<[string, unknown]>([
    ['is none', {}],
    ['has an entry that is none', [null]],
    ['has a digest that is none', [entry('1', { digest: 'sha256:1' })]],
    ['has a size that is none', [entry('1', { size: -1 })]],
    ['has a media type that is none', [entry('1', { mediaType: 'a'.repeat(256) })]],
  ])('that %s', async (_, manifests) => {
    await expect(referrersOf({ manifests }).list()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('that has too many entries, bytes or pages', async () => {
    const many = Array.from({ length: 5001 }, (_, i) => entry(`${i}`))
    await expect(referrersOf({ manifests: many }).list()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const large = many.slice(0, 100).map((each) => ({ ...each, annotations: { a: 'a'.repeat(45_000) } }))
    await expect(referrersOf({ manifests: large }).list()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const endless = referrersOf({ manifests: [], link: '</v2/team/app/referrers/x?last=1>; rel="next"' })
    await expect(endless.list()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(endless.asked).toHaveLength(20)
  })
})

test.each<[string, object]>([
  ['too long', { annotations: { a: 'a'.repeat(50_000) } }],
  ['no texts', { annotations: { a: 1 } }],
  ['too many', { annotations: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`${i}`, ''])) }],
  ['a type that is none', { artifactType: 7 }],
])('what an entry says of a referrer is left out when it is %s', async (_, more) => {
  expect(await referrersOf({ manifests: [entry('1', more)] }).list()).toEqual([entry('1')])
})
