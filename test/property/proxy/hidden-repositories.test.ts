import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { type ProxyStack, startProxyStack } from '../../integration/proxy/proxy-stack.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { basic, bearer, passwordFile, tokenFor } from '../../kit/registry-access.ts'
import { type RegistryAnswer, registryClient } from '../../kit/registry-client.ts'
import { everySecret } from '../../kit/secrets.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'

/** Nobody who may not pull from a repository learns whether it is there: in no byte and in no header. */

const THERE = 'hidden/there'
const ABSENT = 'hidden/empty'
const image = imageFixture(seededRandom(3))
const { manifest, config, layers } = image
const { read, push, service } = everySecret

let folder: TempFolder
let stack: ProxyStack
let callers: readonly object[]

beforeAll(async () => {
  folder = await tempFolder('hidden')
  const users = await passwordFile(folder.path, { ann: 'of ann', bob: 'of bob' })
  const rules = [
    { who: ['user:ann'], repositories: ['team/*'], actions: ['pull', 'push', 'delete', 'catalog'] },
    { who: ['anonymous'], repositories: ['public/*'], actions: ['pull'] },
  ]
  stack = await startProxyStack({ secrets: { read, push, service }, registry: { access: { rules, users } } })
  const client = registryClient(stack.url)
  await pushImage(registryClient(stack.url, { headers: bearer(push) }), THERE, image, ['1.0'])
  const scopes = [`repository:${THERE}:pull,push`, `repository:${ABSENT}:pull,push`, 'registry:catalog:*']
  const ann = basic('ann', 'of ann')
  callers = [
    {},
    basic('', ''),
    basic('ann', 'wrong'),
    bearer('wrong'),
    ann,
    basic('bob', 'of bob'),
    bearer(await tokenFor(client, scopes, ann)),
    bearer(await tokenFor(client, scopes)),
  ]
})
afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const digests = [manifest.digest, config.digest, layers[0]!.digest, `sha256:${'0'.repeat(64)}`, 'sha256:short', '']
const references = ['1.0', 'other', '.bad', ...digests]
const paths = [
  ...references.map((reference) => `/v2/NAME/manifests/${reference}`),
  ...digests.flatMap((digest) => [`/v2/NAME/blobs/${digest}`, `/v2/NAME/referrers/${digest}`]),
  '/v2/NAME/tags/list',
  '/v2/NAME/blobs/uploads/',
  '/v2/NAME/blobs/uploads/some',
  '/v2/NAME/nothing',
  '/v2/team/mine/blobs/uploads/',
]
const queries = [
  '',
  'n=1',
  'n=x',
  'last=a',
  'ns=registry.test',
  'ns=docker.io',
  'artifactType=a/b',
  `digest=${layers[0]!.digest}`,
  `mount=${layers[0]!.digest}&from=NAME`,
  `mount=${manifest.digest}&from=NAME`,
]
const headers = [
  {},
  { range: 'bytes=0-9' },
  { 'if-none-match': `"${manifest.digest}"` },
  { accept: manifest.mediaType },
]
const request = fc.record({
  caller: fc.nat(7),
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'),
  path: fc.constantFrom(...paths),
  query: fc.constantFrom(...queries),
  more: fc.constantFrom(...headers),
  body: fc.constantFrom('', '{}', Buffer.from(manifest.bytes).toString('utf8')),
})

/** What differs between any two answers: the time, and the signed names of new uploads. */
function comparable({ status, headers: all, body }: RegistryAnswer, name: string) {
  const { location, 'docker-upload-uuid': uuid, ...others } = all
  const rest = { ...others, date: 'now' }
  const text = JSON.stringify({
    status,
    rest,
    location: location?.replace(/uploads\/.*/, 'uploads/'),
    body: body.toString('latin1'),
  })
  return `${text.replaceAll(name, 'NAME').replaceAll(encodeURIComponent(name), 'NAME')} ${uuid === undefined}`
}

test('a repository that is hidden answers as one that is not there', async () => {
  let hidden = 0
  await fc.assert(
    fc.asyncProperty(request, async ({ caller, method, path, query, more, body }) => {
      const ask = async (name: string) => {
        const client = registryClient(stack.url, { headers: { ...callers[caller], ...more, 'x-request-id': 'same' } })
        const target = `${path}?${query}`.replaceAll('NAME', name)
        const answer = await client.send(method, target, method === 'GET' || method === 'HEAD' ? {} : { body })
        return { answer, seen: comparable(answer, name) }
      }
      const [there, absent] = [await ask(THERE), await ask(ABSENT)]
      expect(there.seen).toBe(absent.seen)
      expect(there.answer.body.includes(Buffer.from(manifest.bytes))).toBe(false)
      if (there.answer.status === 404) hidden += 1
    }),
    { numRuns: 300 },
  )
  // The caller who may read sees that it is there, so the comparison is one of something.
  const reader = registryClient(stack.url, { headers: bearer(read) })
  expect((await reader.send('GET', `/v2/${THERE}/manifests/1.0`)).body.equals(manifest.bytes)).toBe(true)
  expect(hidden).toBeGreaterThan(10)
})
