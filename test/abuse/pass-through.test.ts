import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../lib/base/index.ts'
import { pushImage } from '../contract/registry/running-registry.ts'
import { eventually } from '../kit/eventually.ts'
import { imageFixture } from '../kit/image-fixture.ts'
import { type PassThroughLab, passThroughLab } from '../kit/pass-through-lab.ts'
import type { RegistryAnswer } from '../kit/registry-client.ts'
import { resourceStack } from '../kit/resource-stack.ts'

/**
 * A registry decides itself who may read there, and its images are in the cache. Who may not read them gets no byte, and
 * cannot tell a cached image from one that is nowhere.
 */
const stack = resourceStack()
let lab: PassThroughLab
const cached = imageFixture(seededRandom(71), [4000, 300_000])
const uncached = imageFixture(seededRandom(72), [4000])

/** Of one length, so that answers which name them have one length as well. */
const places = { cached: 'private/cached', uncached: 'private/unseen', nowhere: 'private/nobody' } as const
type Place = keyof typeof places
const imageAt = { cached, uncached, nowhere: uncached } as const

beforeAll(async () => {
  lab = stack.own(await passThroughLab({ users: { alice: /^private\/|^shared\//, bob: /^bob\/|^shared\// } }))
  const { behind, tokenOf } = lab.registry
  await pushImage(behind, places.cached, cached, ['v1'])
  await pushImage(behind, places.uncached, uncached, ['v1'])
  await pushImage(behind, 'bob/app', uncached, ['v1'])
  const alice = await tokenOf('alice', places.cached)
  const before = await askedOthers()
  for (const path of everyPath('cached')) expect((await lab.ask(alice, 'GET', path)).status).toBe(200)
  // Else nothing could be told from these numbers.
  for (const [at, count] of (await askedOthers()).entries()) expect(count).toBeGreaterThan(before[at]!)
})

afterAll(async () => stack[Symbol.asyncDispose]())

const pathsOf = (place: Place) => {
  const { manifest, config, layers } = imageAt[place]
  const at = `/v2/${places[place]}`
  return {
    tag: `${at}/manifests/v1`,
    manifest: `${at}/manifests/${manifest.digest}`,
    config: `${at}/blobs/${config.digest}`,
    layer: `${at}/blobs/${layers.at(-1)!.digest}`,
    tags: `${at}/tags/list`,
    referrers: `${at}/referrers/${manifest.digest}`,
  }
}
type Route = keyof ReturnType<typeof pathsOf>
const everyPath = (place: Place) => Object.values(pathsOf(place))
const routes = Object.keys(pathsOf('cached')) as readonly Route[]

/** What those show who may not read it; each is told apart by the registry only. */
const shownBy: Readonly<Record<string, (repository: string) => Promise<string | undefined>>> = {
  nothing: async () => undefined,
  'a token of another user': (repository) => lab.registry.tokenOf('bob', repository),
  'a token for another repository': () => lab.registry.tokenOf('bob', 'bob/app'),
  'a token that nobody has made': async () => 'Bearer a.b.c',
  'a wrong password': async () => `Basic ${Buffer.from('alice:guessed').toString('base64')}`,
  'the password of another user': async () => `Basic ${Buffer.from('bob:password of bob').toString('base64')}`,
  'what no registry takes': async () => 'Negotiate YWJj',
}

/** Without what every answer has of its own, and with the names of what was asked for taken out. */
function comparable({ status, headers, body }: RegistryAnswer, place: Place): string {
  const rest = Object.entries(headers).filter(([name]) => name !== 'date' && name !== 'x-request-id')
  const { manifest, config, layers } = imageAt[place]
  const names = [places[place], manifest.digest, config.digest, ...layers.map(({ digest }) => digest)]
  const text = JSON.stringify([status, rest, body.toString('latin1')])
  return names.reduce((seen, name) => seen.replaceAll(name, 'NAME').replaceAll(encodeURIComponent(name), 'NAME'), text)
}

const asked: readonly (readonly [string, string, object])[] = [
  ['GET', '', {}],
  ['HEAD', '', {}],
  ['GET', '', { range: 'bytes=0-9' }],
  ['GET', '', { range: 'bytes=900000-' }],
  ['GET', '', { 'if-none-match': '*' }],
  ['GET', '?n=1', {}],
]

/** Requests for tags, manifests, links and blobs; what services ask each other now and then is none of them. */
async function askedOthers(): Promise<readonly number[]> {
  const kinds = [
    ['build-index', '/repositories/'],
    ['origin', '/namespace/'],
    ['tracker', '/namespace/'],
  ] as const
  const counts = kinds.map(async ([kind, routes]) => {
    const ids = Object.values(lab.topology.plan).flatMap((list) => list.map(({ id }) => id))
    const own = ids.filter((id) => id.startsWith(`${kind}-`))
    const each = own.map((id) => lab.topology.counter(id, 'shoal_http_requests_total', `route="${routes}`))
    return (await Promise.all(each)).reduce((sum, count) => sum + count, 0)
  })
  return Promise.all(counts)
}

describe.each(Object.keys(shownBy))('who shows %s', (what) => {
  test.each(routes)(
    'is answered by the registry, the same whether it is cached, only there, or nowhere: %s',
    async (route) => {
      const answersAt = async (place: Place) => {
        const shown = await shownBy[what]!(places[place])
        const sent = asked.map(([method, query, headers]) =>
          lab.ask(shown, method, pathsOf(place)[route] + query, headers),
        )
        return (await Promise.all(sent)).map((answer) => [answer.status, comparable(answer, place)] as const)
      }
      const nowhere = await answersAt('nowhere')
      expect(nowhere.map(([status]) => status)).toEqual(asked.map(() => 401))
      expect(await answersAt('cached')).toEqual(nowhere)
      expect(await answersAt('uncached')).toEqual(nowhere)
    },
  )
})

test('nobody else in the cluster is asked for those who may not read, so there is no time to measure', async () => {
  const shown = await lab.registry.tokenOf('bob', places.cached)
  // What those who may read have begun goes on for a while; what is asked for the others would be asked each time.
  await eventually(async () => {
    const before = await askedOthers()
    for (const path of everyPath('cached')) expect((await lab.ask(shown, 'GET', path)).status).toBe(401)
    expect(await askedOthers()).toEqual(before)
  })
})

test('who may read elsewhere gets nothing of another repository by its digests, cached or not', async () => {
  const shown = await lab.registry.tokenOf('bob', 'bob/app')
  expect((await lab.ask(shown, 'GET', '/v2/bob/app/manifests/v1')).status).toBe(200)
  for (const { digest } of [cached.manifest, cached.config, ...cached.layers]) {
    for (const kind of ['manifests', 'blobs']) {
      const answer = await lab.ask(shown, 'GET', `/v2/bob/app/${kind}/${digest}`)
      expect([kind, answer.status]).toEqual([kind, 404])
    }
  }
})

test('routes that ask nothing of their callers give nothing of such a registry, whatever is shown', async () => {
  const { host, tokenOf } = lab.registry
  const alice = await tokenOf('alice', places.cached)
  for (const shown of [undefined, alice]) {
    for (const { digest } of [cached.manifest, ...cached.layers]) {
      const path = `/namespace/${encodeURIComponent(`${host}/${places.cached}`)}/blobs/${digest}`
      expect((await lab.ask(shown, 'GET', path)).status).toBe(404)
    }
  }
})

test('the challenge is the one of the registry, written anew', async () => {
  const { tokens } = lab.registry
  const answer = await lab.ask(undefined, 'HEAD', pathsOf('cached').tag)
  expect(answer.headers['www-authenticate']).toBe(
    `Bearer realm="${tokens.realm}",service="${tokens.service}",scope="repository:${places.cached}:pull"`,
  )
  const ping = await lab.agent.send('GET', '/v2/')
  expect(ping.status).toBe(401)
  expect(ping.headers['www-authenticate']).toBe(`Bearer realm="${tokens.realm}",service="${tokens.service}"`)
  expect((await lab.ask(await lab.registry.tokenOf('alice', places.cached), 'GET', '/v2/')).status).toBe(200)
})
