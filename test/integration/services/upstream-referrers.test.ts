import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { answer, reset } from '../../kit/http-faults.ts'
import { descriptorOf, type FixtureManifest, imageFixture, manifestFixture } from '../../kit/image-fixture.ts'
import { passThroughLab } from '../../kit/pass-through-lab.ts'
import type { RegistryAnswer, RegistryClient } from '../../kit/registry-client.ts'
import { upstreamLab } from '../../kit/upstream-lab.ts'

const IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const image = imageFixture(seededRandom(63), [1000])
const subject = descriptorOf(image.manifest, image.manifest.mediaType)
const config = descriptorOf(image.config, 'application/vnd.oci.image.config.v1+json')
const layers = [descriptorOf(image.layers[0]!, 'application/vnd.oci.image.layer.v1.tar')]

const artifact = (artifactType: string) =>
  manifestFixture(IMAGE, { config, layers, subject, artifactType, annotations: { of: artifactType } })
const [signature, bill] = [artifact('test/signature'), artifact('test/bill')]

const put = (client: RegistryClient, name: string, reference: string, { bytes, mediaType }: FixtureManifest) =>
  client.send('PUT', `/v2/${name}/manifests/${reference}`, { body: bytes, headers: { 'content-type': mediaType } })

/** Pushes the image and what refers to it. */
async function pushAll(client: RegistryClient, name: string) {
  await pushImage(client, name, image, ['v1'])
  for (const each of [signature, bill]) expect((await put(client, name, each.digest, each)).status).toBe(201)
}

const listed = (got: RegistryAnswer) =>
  (got.json() as { manifests: readonly { digest: string }[] }).manifests.map(({ digest }) => digest).toSorted()
const both = [signature.digest, bill.digest].toSorted()
const pathOf = (name: string) => `/v2/${name}/referrers/${image.manifest.digest}`
const fallback = image.manifest.digest.replace(':', '-')

test('referrers of an upstream are those that it lists, and those of its fallback tag where it lists none; in an outage the last ones', async () => {
  await using lab = await upstreamLab({ agents: 2 })
  await pushAll(lab.upstream, 'team/app')
  const ask = (client: RegistryClient, query = '') => client.send('GET', `${pathOf('team/app')}?ns=${lab.host}${query}`)

  const all = await ask(lab.agent)
  expect([listed(all), all.headers['content-type'], all.headers['warning']]).toEqual([both, INDEX, undefined])
  expect(lab.asked()).toEqual([`GET ${pathOf('team/app')}`])
  const ofType = await ask(lab.agent, '&artifactType=test/bill')
  expect([listed(ofType), ofType.headers['oci-filters-applied']]).toEqual([[bill.digest], 'artifactType'])
  expect(new Set(lab.asked())).toEqual(new Set([`GET ${pathOf('team/app')}`]))
  const none = await lab.agent.send('GET', `/v2/team/none/referrers/${image.manifest.digest}?ns=${lab.host}`)
  expect([none.status, listed(none)]).toEqual([200, []])

  // One that lists nothing, as docker's registry 2 does not: a tag says what there is.
  const index = manifestFixture(INDEX, {
    manifests: [{ ...descriptorOf(signature, IMAGE), artifactType: 'test/signature' }],
  })
  await pushAll(lab.upstream, 'team/old')
  expect((await put(lab.upstream, 'team/old', fallback, index)).status).toBe(201)
  lab.front.faults.next({ path: /\/team\/old\/referrers\//, times: Number.POSITIVE_INFINITY }, answer(404))
  const old = (client: RegistryClient) => client.send('GET', `${pathOf('team/old')}?ns=${lab.host}`)
  expect(listed(await old(lab.agent))).toEqual([signature.digest])

  lab.front.faults.next({ times: Number.POSITIVE_INFINITY }, reset())
  for (const client of [lab.agent, lab.second]) {
    const stale = await ask(client)
    expect([stale.status, listed(stale)]).toEqual([200, both])
    expect(stale.headers['warning']).toMatch(/^299 - "the registry does not answer/)
    expect([listed(await old(client)), (await old(client)).headers['warning']]).toEqual([
      [signature.digest],
      expect.stringMatching(/^299 /),
    ])
  }
})

test('referrers at a registry that decides itself who reads are shown to who may, by what it says to him, and to nobody else', async () => {
  await using lab = await passThroughLab({ users: { alice: /^private\//, bob: /^bob\// } })
  await pushAll(lab.registry.behind, 'private/app')
  const alice = await lab.registry.tokenOf('alice', 'private/app')
  const got = await lab.ask(alice, 'GET', pathOf('private/app'))
  expect([got.status, listed(got)]).toEqual([200, both])
  for (const shown of [undefined, await lab.registry.tokenOf('bob', 'private/app')]) {
    for (const path of [pathOf('private/app'), pathOf('private/nobody')]) {
      const refused = await lab.ask(shown, 'GET', path)
      expect([refused.status, refused.body.includes(signature.digest)]).toEqual([401, false])
    }
  }
  await lab.registry.kill()
  expect((await lab.ask(alice, 'GET', pathOf('private/app'))).body.includes(signature.digest)).toBe(false)
})
