import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { blobFixture, type FixtureBlob } from '../../kit/image-fixture.ts'
import type { RegistryClient } from '../../kit/registry-client.ts'
import { blobMounts, blobPushes } from './blob-pushes.ts'
import { type ContentSet, contentSets, type SetManifest } from './content-sets.ts'
import { clientOf, nameSequence, type RunningRegistry } from './running-registry.ts'

const random = seededRandom(20_26)
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const ACCEPT = { accept: `${OCI_INDEX}, application/vnd.oci.image.manifest.v1+json` }

/**
 * The assertions of the conformance suites of OCI distribution (1.1.1, and the newer one with the parts of its version "dev"),
 * in our own words, over real HTTP. docs/testing.md says where each of them is. `readFrom` gives another front of the same
 * registry, at which is read.
 */
export function registryConformanceSuite<R extends RunningRegistry>(
  name: string,
  make: () => Promise<R>,
  readFrom: (registry: R) => RunningRegistry = (registry) => registry,
): void {
  describe(`${name} as the conformance suites of OCI want a registry`, () => {
    let registry: R | undefined
    const writer = clientOf(() => registry)
    const reader = clientOf(() => registry && readFrom(registry))
    const freshName = nameSequence('suite/conformance')

    beforeAll(async () => {
      registry = await make()
    })
    afterAll(async () => registry?.[Symbol.asyncDispose]())

    describe.each(['sha256', 'sha512'] as const)('a blob by %s', (algorithm) => {
      const fresh = (content: Uint8Array = random.bytes(1000)): FixtureBlob => {
        const { bytes } = blobFixture(content)
        return { bytes, digest: digestOf(bytes, algorithm) }
      }
      const place = () => ({ client: writer(), repository: freshName(), other: freshName() })

      test.each(Object.entries({ ...blobPushes, ...blobMounts }))(
        'is whole at its Location and unknown as soon as it is deleted, after %s',
        async (_, push) => {
          const [to, blob] = [place(), fresh()]
          const path = `/v2/${to.repository}/blobs/${blob.digest}`
          expect((await reader().send('GET', path)).status).toBe(404)
          const answer = await push(to, blob)
          expect([answer.status, answer.headers.location]).toEqual([201, path])
          expect(answer.headers['docker-content-digest']).toBe(blob.digest)
          await expectBlob(reader(), to.repository, blob)
          expect((await writer().send('DELETE', path)).status).toBe(202)
          for (const each of [writer(), reader()]) expect((await each.send('HEAD', path)).status).toBe(404)
        },
      )

      test.each(Object.entries(blobPushes))(
        'of other bytes than its digest says is refused, by %s',
        async (_, push) => {
          const [to, { digest, bytes }] = [place(), fresh()]
          const answer = await push(to, { digest, bytes: Buffer.concat([bytes, Buffer.from('oh no')]) })
          expect([answer.status, answer.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
          for (const each of [digest, digestOf(bytes, algorithm)]) {
            expect((await reader().send('GET', `/v2/${to.repository}/blobs/${each}`)).status).toBe(404)
          }
        },
      )

      test('may be empty, or an empty object', async () => {
        const { client, repository } = place()
        for (const blob of ['', '{}'].map((text) => fresh(Buffer.from(text)))) {
          const push = () => client.pushBlob(repository, blob.digest, blob.bytes)
          // Also when it is there already.
          expect([(await push()).status, (await push()).status]).toEqual([201, 201])
          await expectBlob(reader(), repository, blob)
        }
      })

      test('that is nowhere cannot be mounted, and its upload can be cancelled', async () => {
        const { client, repository, other } = place()
        for (const from of ['', `&from=${encodeURIComponent(other)}`]) {
          const mount = `/v2/${repository}/blobs/uploads/?mount=${encodeURIComponent(fresh().digest)}${from}`
          const answer = await client.send('POST', mount)
          expect(answer.status).toBe(202)
          const location = answer.headers.location ?? ''
          expect((await client.send('DELETE', location)).status).toBe(204)
          expect((await client.send('GET', location)).status).toBe(404)
        }
      })

      test('is read in ranges', async () => {
        const { client, repository } = place()
        const { digest, bytes } = fresh(random.bytes(2048))
        await client.pushBlob(repository, digest, bytes)
        const get = (range: string) =>
          reader().send('GET', `/v2/${repository}/blobs/${digest}`, { headers: { range: `bytes=${range}` } })
        for (const [range, start, end] of [
          ['500-1499', 500, 1500],
          ['500-', 500, 2048],
          ['-500', 1548, 2048],
          ['2000-5000', 2000, 2048],
        ] as const) {
          const answer = await get(range)
          expect([range, answer.status, answer.headers['content-length']]).toEqual([range, 206, String(end - start)])
          expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/2048`)
          expect(answer.body.equals(bytes.subarray(start, end))).toBe(true)
        }
        for (const range of ['500-0', '5000-10000']) expect((await get(range)).status).toBe(416)
      })
    })

    test.each(contentSets(random))('%s: pushed, listed, read, referred to, deleted', async (_, makeSet) => {
      const [repository, set] = [freshName(), makeSet()]
      await pushSet(writer(), reader(), repository, set)
      await expectTags(reader(), repository, set)
      for (const manifest of set.manifests) await expectManifest(reader(), repository, manifest)
      for (const blob of set.blobs) await expectBlob(reader(), repository, blob)
      await expectReferrers(reader(), repository, set)
      await deleteSet(writer(), reader(), repository, set)
    })

    test('blobs may be deleted before the manifest that names them', async () => {
      const repository = freshName()
      const set = contentSets(random)[0]![1]()
      await pushSet(writer(), reader(), repository, set)
      for (const { digest } of set.blobs) {
        expect((await writer().send('DELETE', `/v2/${repository}/blobs/${digest}`)).status).toBe(202)
      }
      const [{ digest } = { digest: '' }] = set.manifests
      expect((await writer().send('DELETE', `/v2/${repository}/manifests/${digest}`)).status).toBe(202)
      expect((await reader().send('GET', `/v2/${repository}/manifests/${digest}`)).status).toBe(404)
    })
  })
}

async function expectBlob(at: RegistryClient, repository: string, { digest, bytes }: FixtureBlob): Promise<void> {
  for (const method of ['HEAD', 'GET']) {
    const answer = await at.send(method, `/v2/${repository}/blobs/${digest}`)
    expect([method, answer.status, answer.headers['content-length']]).toEqual([method, 200, String(bytes.byteLength)])
    expect(answer.headers['docker-content-digest']).toBe(digest)
    expect(answer.body.equals(method === 'HEAD' ? Buffer.alloc(0) : bytes)).toBe(true)
  }
}

async function expectManifest(at: RegistryClient, repository: string, manifest: SetManifest): Promise<void> {
  const { digest, bytes, mediaType, tags } = manifest
  for (const reference of [digest, ...tags]) {
    for (const method of ['HEAD', 'GET']) {
      const answer = await at.send(method, `/v2/${repository}/manifests/${reference}`, { headers: ACCEPT })
      const { status, headers, body } = answer
      expect([method, reference, status]).toEqual([method, reference, 200])
      expect(headers).toMatchObject({
        'content-type': mediaType,
        'content-length': String(bytes.byteLength),
        'docker-content-digest': digest,
      })
      expect(body.equals(method === 'HEAD' ? Buffer.alloc(0) : bytes)).toBe(true)
    }
  }
}

async function pushSet(writer: RegistryClient, reader: RegistryClient, repository: string, set: ContentSet) {
  for (const { digest, bytes } of set.blobs) {
    expect((await writer.pushBlob(repository, digest, bytes)).status).toBe(201)
  }
  for (const { digest, bytes, mediaType, tags, refers } of set.manifests) {
    const query = set.tagsAsParameters ? `?${tags.map((tag) => `tag=${tag}`).join('&')}` : ''
    for (const reference of [`${digest}${query}`, ...(set.tagsAsParameters ? [] : tags)]) {
      const headers = { 'content-type': mediaType }
      const target = `/v2/${repository}/manifests/${reference}`
      const answer = await writer.send('PUT', target, { body: bytes, headers })
      expect([reference, answer.status]).toEqual([reference, 201])
      expect(answer.headers['docker-content-digest']).toBe(digest)
      expect(answer.headers['oci-subject']).toBe(refers?.to)
      if (set.tagsAsParameters && tags.length > 0) expect(answer.headers['oci-tag']).toBe(tags.join(', '))
      const back = await reader.send('GET', answer.headers.location ?? '', { headers: ACCEPT })
      expect([back.status, back.headers['content-type']]).toEqual([200, mediaType])
      expect(back.body.equals(bytes)).toBe(true)
    }
  }
}

async function expectTags(at: RegistryClient, repository: string, set: ContentSet): Promise<void> {
  const list = async (query: string) =>
    ((await at.send('GET', `/v2/${repository}/tags/list${query}`)).json() as { tags: string[] }).tags
  const tags = set.manifests.flatMap((each) => each.tags).toSorted()
  if (tags.length === 0) return
  expect(await list('')).toEqual(tags)
  const half = Math.ceil(tags.length / 2)
  expect(await list(`?n=${half}`)).toEqual(tags.slice(0, half))
  expect(await list(`?last=${tags[half - 1]}`)).toEqual(tags.slice(half))
}

async function expectReferrers(at: RegistryClient, repository: string, set: ContentSet): Promise<void> {
  const all = set.manifests.flatMap(({ refers }) => refers ?? [])
  const listed = async (subject: string, query: string) => {
    const answer = await at.send('GET', `/v2/${repository}/referrers/${subject}${query}`)
    expect([answer.status, answer.headers['content-type']]).toEqual([200, OCI_INDEX])
    const index = answer.json() as { mediaType: string; schemaVersion: number; manifests: { digest: string }[] }
    expect([index.mediaType, index.schemaVersion]).toEqual([OCI_INDEX, 2])
    return { filters: answer.headers['oci-filters-applied'], digests: index.manifests }
  }
  for (const { to } of all) {
    const of = all.filter((each) => each.to === to)
    const whole = await listed(to, '')
    expect(whole.digests).toEqual(expect.arrayContaining(of.map(({ as }) => as)))
    expect(whole.digests).toHaveLength(of.length)
    for (const type of new Set(of.map(({ artifactType }) => artifactType ?? ''))) {
      const { filters, digests } = await listed(to, `?artifactType=${encodeURIComponent(type)}`)
      const fitting = of.filter(({ artifactType }) => artifactType === type).map(({ as }) => as)
      expect([filters, digests.length]).toEqual(['artifactType', fitting.length])
      expect(digests).toEqual(expect.arrayContaining(fitting))
    }
  }
}

/** Tags first, then manifests before what they name, then blobs; each is unknown at once. */
async function deleteSet(writer: RegistryClient, reader: RegistryClient, repository: string, set: ContentSet) {
  const manifests = set.manifests.toReversed()
  const paths = [
    ...manifests.flatMap(({ tags }) => tags).map((tag) => `manifests/${tag}`),
    ...manifests.map(({ digest }) => `manifests/${digest}`),
    ...set.blobs.map(({ digest }) => `blobs/${digest}`),
  ]
  for (const path of paths) {
    expect([path, (await writer.send('DELETE', `/v2/${repository}/${path}`)).status]).toEqual([path, 202])
    expect([path, (await reader.send('HEAD', `/v2/${repository}/${path}`)).status]).toEqual([path, 404])
  }
}
