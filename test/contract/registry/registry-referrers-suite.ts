import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { blobFixture, descriptorOf, type FixtureManifest, manifestFixture } from '../../kit/image-fixture.ts'
import type { RegistryAnswer } from '../../kit/registry-client.ts'
import { clientOf, nameSequence, type RunningRegistry } from './running-registry.ts'

const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const SIGNATURE = 'application/vnd.example.signature'
const CONFIG = 'application/vnd.oci.empty.v1+json'

interface ListedReferrer {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

const listed = (answer: RegistryAnswer) => (answer.json() as { manifests: readonly ListedReferrer[] }).manifests
const digestsIn = (answer: RegistryAnswer) => listed(answer).map(({ digest }) => digest)
const sorted = (manifests: readonly FixtureManifest[]) => manifests.map(({ digest }) => String(digest)).sort()

/**
 * What every registry must do with manifests that have a subject (OCI distribution 1.1, "Listing Referrers"), over real
 * HTTP. `readFrom` gives another front of the same registry, at which the lists are read.
 */
export function registryReferrersSuite<R extends RunningRegistry>(
  name: string,
  make: () => Promise<R>,
  readFrom: (registry: R) => RunningRegistry = (registry) => registry,
): void {
  describe(`${name} as a registry of referrers`, () => {
    let registry: R | undefined
    const writer = clientOf(() => registry)
    const reader = clientOf(() => registry && readFrom(registry))

    beforeAll(async () => {
      registry = await make()
    })
    afterAll(async () => registry?.[Symbol.asyncDispose]())

    const freshName = nameSequence('suite/referrers')
    const put = (repository: string, reference: string, { bytes, mediaType }: FixtureManifest) =>
      writer().send('PUT', `/v2/${repository}/manifests/${reference}`, {
        body: bytes,
        headers: { 'content-type': mediaType },
      })
    const referrers = (repository: string, digest: string, query = '') =>
      reader().send('GET', `/v2/${repository}/referrers/${digest}${query}`)

    /** A repository with a subject, and artifacts that refer to it. */
    const withSubject = async () => {
      const repository = freshName()
      const blob = blobFixture('{}')
      await writer().pushBlob(repository, blob.digest, blob.bytes)
      const config = descriptorOf(blob, CONFIG)
      const image = manifestFixture(OCI_IMAGE, { config, layers: [] })
      await put(repository, 'image', image)
      const subject = descriptorOf(image, OCI_IMAGE)
      const artifact = (nonce: string | number, fields: object = { artifactType: SIGNATURE }) =>
        manifestFixture(OCI_IMAGE, { config, layers: [], subject, annotations: { nonce: String(nonce) }, ...fields })
      return { repository, config, subject, artifact }
    }

    test('an empty index for what nothing refers to, also in a repository that is not there', async () => {
      const zeros = `sha256:${'0'.repeat(64)}`
      const { repository } = await withSubject()
      for (const [where, digest] of [
        [repository, zeros],
        ['nobody/knows', zeros],
      ] as const) {
        const answer = await referrers(where, digest)
        expect([answer.status, answer.headers['content-type']]).toEqual([200, OCI_INDEX])
        expect(answer.json()).toEqual({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] })
      }
    })

    test('a malformed digest is 400, and a list has no other methods', async () => {
      const { repository, subject } = await withSubject()
      expect((await referrers(repository, 'sha256:x')).status).toBe(400)
      expect((await referrers(repository, subject.digest, '?last=x')).status).toBe(400)
      expect((await reader().send('DELETE', `/v2/${repository}/referrers/${subject.digest}`)).status).toBe(405)
      const head = await reader().send('HEAD', `/v2/${repository}/referrers/${subject.digest}`)
      expect([head.status, head.body.byteLength]).toEqual([200, 0])
    })

    test('a manifest with a subject is listed with its type and its annotations', async () => {
      const { repository, subject, artifact } = await withSubject()
      const signature = artifact(1)
      const answer = await put(repository, signature.digest, signature)
      expect([answer.status, answer.headers['oci-subject']]).toEqual([201, subject.digest])
      expect(listed(await referrers(repository, subject.digest))).toEqual([
        { ...descriptorOf(signature, OCI_IMAGE), artifactType: SIGNATURE, annotations: { nonce: '1' } },
      ])
      expect(digestsIn(await referrers(freshName(), subject.digest))).toEqual([])
    })

    test('an image without a type has that of its config, an index without one has none', async () => {
      const { repository, subject, artifact } = await withSubject()
      const image = artifact(1, {})
      const index = manifestFixture(OCI_INDEX, { manifests: [], subject })
      for (const each of [image, index]) {
        expect((await put(repository, each.digest, each)).headers['oci-subject']).toBe(subject.digest)
      }
      const types = new Map(
        listed(await referrers(repository, subject.digest)).map(({ digest, artifactType }) => [digest, artifactType]),
      )
      expect([types.get(image.digest), types.get(index.digest)]).toEqual([CONFIG, undefined])
    })

    test('the subject need not be there', async () => {
      const { repository, config } = await withSubject()
      const subject = { mediaType: OCI_IMAGE, digest: digestOf(Buffer.from('gone')), size: 4 }
      const artifact = manifestFixture(OCI_IMAGE, { config, layers: [], subject })
      const answer = await put(repository, 'by-tag', artifact)
      expect([answer.status, answer.headers['oci-subject']]).toEqual([201, subject.digest])
      expect(digestsIn(await referrers(repository, subject.digest))).toEqual([artifact.digest])
    })

    test('a list by type says that it is one', async () => {
      const { repository, subject, artifact } = await withSubject()
      const [signature, other] = [artifact(1), artifact(2, { artifactType: 'application/vnd.example.sbom' })]
      for (const each of [signature, other]) await put(repository, each.digest, each)
      const answer = await referrers(repository, subject.digest, `?artifactType=${encodeURIComponent(SIGNATURE)}`)
      expect([answer.headers['oci-filters-applied'], digestsIn(answer)]).toEqual(['artifactType', [signature.digest]])
      expect((await referrers(repository, subject.digest)).headers['oci-filters-applied']).toBeUndefined()
    })

    test('of artifacts that are attached at once, none is lost', async () => {
      const { repository, subject, artifact } = await withSubject()
      const artifacts = Array.from({ length: 8 }, (_, i) => artifact(i))
      await Promise.all(artifacts.map((each) => put(repository, each.digest, each)))
      expect(digestsIn(await referrers(repository, subject.digest))).toEqual(sorted(artifacts))
    })

    test('more than one page of the storage is one list', async () => {
      const { repository, subject, artifact } = await withSubject()
      const artifacts = Array.from({ length: 60 }, (_, i) => artifact(i))
      for (let i = 0; i < artifacts.length; i += 10) {
        await Promise.all(artifacts.slice(i, i + 10).map((each) => put(repository, each.digest, each)))
      }
      const all = await referrers(repository, subject.digest)
      expect([digestsIn(all), all.headers['link']]).toEqual([sorted(artifacts), undefined])
      const [first] = sorted(artifacts)
      expect(digestsIn(await referrers(repository, subject.digest, `?last=${first}`))).toEqual(
        sorted(artifacts).slice(1),
      )
    })

    test('a list that is too long for one answer has pages', async () => {
      const { repository, subject, artifact } = await withSubject()
      const note = 'x'.repeat(45_000)
      const artifacts = Array.from({ length: 60 }, (_, i) => artifact(i, { annotations: { note, nonce: String(i) } }))
      for (let i = 0; i < artifacts.length; i += 10) {
        await Promise.all(artifacts.slice(i, i + 10).map((each) => put(repository, each.digest, each)))
      }
      // Entries of before, somewhere among them.
      const old = Array.from({ length: 8 }, (_, i) => blobFixture(`old ${i}`)).map((blob) =>
        descriptorOf(blob, OCI_IMAGE),
      )
      const others = old.map((each) => ({ ...each, mediaType: 'application/vnd.example.other' }))
      await put(repository, subject.digest.replace(':', '-'), manifestFixture(OCI_INDEX, { manifests: others }))
      const pages: string[][] = []
      for (let at: string | undefined = `/v2/${repository}/referrers/${subject.digest}`; at !== undefined; ) {
        const answer: RegistryAnswer = await reader().send('GET', at)
        expect(answer.body.byteLength).toBeLessThan(4 * 1024 * 1024)
        pages.push(digestsIn(answer))
        at = /^<(.*)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1]
      }
      expect(pages.length).toBeGreaterThan(1)
      expect(pages.flat()).toEqual([...sorted(artifacts), ...old.map(({ digest }) => String(digest))].sort())
    })

    test('a manifest that is deleted leaves the list', async () => {
      const { repository, subject, artifact } = await withSubject()
      const [stays, goes] = [artifact(1), artifact(2)]
      for (const each of [stays, goes]) await put(repository, each.digest, each)
      expect((await writer().send('DELETE', `/v2/${repository}/manifests/${goes.digest}`)).status).toBe(202)
      expect(digestsIn(await referrers(repository, subject.digest))).toEqual([stays.digest])
      expect((await writer().send('DELETE', `/v2/${repository}/manifests/${subject.digest}`)).status).toBe(202)
      expect(digestsIn(await referrers(repository, subject.digest))).toEqual([stays.digest])
    })

    test('a fallback tag of before is part of the list, and is kept up to date', async () => {
      const { repository, subject, artifact, config } = await withSubject()
      const tag = subject.digest.replace(':', '-')
      const old = manifestFixture(OCI_IMAGE, { config, layers: [], annotations: { old: 'one' } })
      await put(repository, old.digest, old)
      const entry = { ...descriptorOf(old, OCI_IMAGE), artifactType: SIGNATURE }
      await put(repository, tag, manifestFixture(OCI_INDEX, { manifests: [entry] }))
      expect(listed(await referrers(repository, subject.digest))).toEqual([entry])

      const news = Array.from({ length: 5 }, (_, i) => artifact(i))
      await Promise.all(news.map((each) => put(repository, each.digest, each)))
      const tagged = async () => digestsIn(await writer().send('GET', `/v2/${repository}/manifests/${tag}`))
      expect((await tagged()).toSorted()).toEqual(sorted([old, ...news]))
      expect(digestsIn(await referrers(repository, subject.digest))).toEqual(sorted([old, ...news]))

      const [gone, ...rest] = news as [FixtureManifest, ...FixtureManifest[]]
      await writer().send('DELETE', `/v2/${repository}/manifests/${gone.digest}`)
      expect((await tagged()).toSorted()).toEqual(sorted([old, ...rest]))
    })

    test('no fallback tag is made where there was none, and one that is no OCI index is left alone', async () => {
      const { repository, subject, artifact } = await withSubject()
      const [one, two] = [artifact(1), artifact(2)]
      const tag = subject.digest.replace(':', '-')
      await put(repository, one.digest, one)
      expect((await writer().send('GET', `/v2/${repository}/manifests/${tag}`)).status).toBe(404)
      const list = manifestFixture(DOCKER_LIST, { manifests: [] })
      await put(repository, tag, list)
      await put(repository, two.digest, two)
      const tagged = await writer().send('GET', `/v2/${repository}/manifests/${tag}`)
      expect(tagged.headers['docker-content-digest']).toBe(list.digest)
    })

    test('an image that is tagged by a digest is no list of referrers, and stays as it is', async () => {
      const { repository, config, artifact } = await withSubject()
      const platform = { os: 'linux', architecture: 'arm64' }
      const image = manifestFixture(OCI_IMAGE, { config, layers: [], annotations: { for: 'arm64' } })
      await put(repository, image.digest, image)
      const index = manifestFixture(OCI_INDEX, { manifests: [{ ...descriptorOf(image, OCI_IMAGE), platform }] })
      const tag = index.digest.replace(':', '-')
      await put(repository, tag, index)
      const signature = artifact(1, { subject: descriptorOf(index, OCI_INDEX), artifactType: SIGNATURE })
      await put(repository, signature.digest, signature)
      expect(digestsIn(await referrers(repository, index.digest))).toEqual([signature.digest])
      const tagged = await writer().send('GET', `/v2/${repository}/manifests/${tag}`)
      expect(tagged.headers['docker-content-digest']).toBe(index.digest)
    })

    test('what else a fallback tag says stays in it', async () => {
      const { repository, subject, artifact, config } = await withSubject()
      const tag = subject.digest.replace(':', '-')
      const old = manifestFixture(OCI_IMAGE, { config, layers: [], annotations: { old: 'two' } })
      await put(repository, old.digest, old)
      const entry = { ...descriptorOf(old, OCI_IMAGE), data: 'e30=', urls: ['https://example.com'] }
      const fields = { manifests: [entry], annotations: { by: 'a tool' } }
      await put(repository, tag, manifestFixture(OCI_INDEX, fields))
      const next = artifact(1)
      await put(repository, next.digest, next)
      const tagged = (await writer().send('GET', `/v2/${repository}/manifests/${tag}`)).json()
      expect(tagged).toMatchObject({ annotations: { by: 'a tool' }, manifests: [entry, { digest: next.digest }] })
    })

    test.each([
      ['annotations that are no texts', { annotations: { a: 1 } }],
      ['annotations of more than 48 KiB', { annotations: { a: 'x'.repeat(49_200) } }],
      ['a type that is no text', { artifactType: 7 }],
      ['a subject without a digest', { subject: { mediaType: OCI_IMAGE, size: 1 } }],
    ])('a manifest with a subject and %s is refused', async (_, fields) => {
      const { repository, artifact } = await withSubject()
      const answer = await put(repository, 'bad', artifact(1, fields))
      expect([answer.status, answer.errorCode()]).toEqual([400, 'MANIFEST_INVALID'])
    })
  })
}
