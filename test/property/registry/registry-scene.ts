import { Readable } from 'node:stream'
import fc from 'fast-check'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { memoryRegistryStorage, type WritableStorage } from '../../../lib/registry/index.ts'
import { blobFixture, descriptorOf, manifestFixture } from '../../kit/image-fixture.ts'
import type { RawRequest } from '../../kit/memory-listener.ts'

export const REPOSITORY = 'team/app'
export const TAGS = ['t1', 't2', 'v1.0']
export const blob = blobFixture(seededRandom(17).bytes(100))
const empty = blobFixture('')
const config = blobFixture('{}')
export const manifest = manifestFixture('application/vnd.oci.image.manifest.v1+json', {
  config: descriptorOf(config, 'application/vnd.oci.empty.v1+json'),
  layers: [blob, empty].map((each) => descriptorOf(each, 'application/vnd.oci.image.layer.v1.tar')),
})

/** A registry in memory with one image. */
export async function seededStorage(): Promise<WritableStorage> {
  const storage = memoryRegistryStorage({ random: seededRandom(3) })
  const repository = parseRepository(REPOSITORY)
  const { uploads, edits } = storage.writes
  for (const { digest, bytes } of [blob, empty, config]) {
    const session = await uploads.create(repository)
    if (bytes.length > 0) await uploads.append(repository, session, Readable.from([bytes]), { offset: 0 })
    await uploads.commit(repository, session, digest)
  }
  const { digest, bytes, mediaType } = manifest
  const descriptor = { digest, mediaType, size: bytes.length }
  await edits.putManifest(repository, { descriptor, bytes, refers: undefined, tags: TAGS.map(parseTag) })
  return storage
}

const digests = [
  ...[blob, empty, config, manifest].map(({ digest }) => digest),
  digestOf(Buffer.from('nobody has this')),
  digestOf(Buffer.from('nobody has this'), 'sha512'),
  `sha256:${'0'.repeat(64)}`,
]
const oddDigests = [
  'sha256:',
  'sha256:x',
  `sha256:${'A'.repeat(64)}`,
  `md5:${'0'.repeat(32)}`,
  ':',
  'sha256:a:b',
  'a+b:c',
]
const anyDigest = fc.constantFrom(...digests, ...digests.map(encodeURIComponent), ...oddDigests)

/** A text that a request line may have: everything else is for the parser of HTTP. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map(encodeURIComponent)
const odd = fc.constantFrom(
  '',
  '.',
  '..',
  '%2e%2e',
  '%2f',
  '%2F',
  '%5c',
  '%00',
  '%',
  '%zz',
  '%C3%A9',
  '%ff',
  '~',
  'a'.repeat(300),
)
const word = fc.constantFrom(
  'team',
  'app',
  'blobs',
  'manifests',
  'uploads',
  'tags',
  'list',
  'referrers',
  '_catalog',
  'v2',
)
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constant(REPOSITORY) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('a', 'A', 'a__b', 'a___b', '-a', 'a/blobs/uploads', 'x'.repeat(255), 'x'.repeat(256)),
  },
)
const reference = fc.oneof(fc.constantFrom(...TAGS, 'new', '.bad', 't'.repeat(128), 't'.repeat(129)), anyDigest, text)
const endpoint = fc.oneof(
  reference.map((each) => `manifests/${each}`),
  anyDigest.map((each) => `blobs/${each}`),
  anyDigest.map((each) => `referrers/${each}`),
  fc.constantFrom('tags/list', 'blobs/uploads/', 'blobs/uploads'),
  fc.oneof(text, odd).map((each) => `blobs/uploads/${each}`),
)
const path = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(name, endpoint).map(([where, what]) => `/v2/${where}/${what}`) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.oneof(word, odd, anyDigest, text), { maxLength: 7 })
      .map((segments) => `/v2/${segments.join('/')}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('/', '/v2', '/v2/', '/v2/_catalog', '/v2//', '//v2/', '/v1/', '*', '/v3/a/tags/list'),
  },
)

const numbers = fc.constantFrom('', '0', '1', '2', '-1', '1.5', '007', '9'.repeat(15), '9'.repeat(40), 'x', '%31')
const parameter = fc.oneof(
  fc.tuple(fc.constantFrom('n', 'last'), fc.oneof(numbers, fc.constantFrom(...TAGS))),
  fc.tuple(fc.constantFrom('digest', 'mount', 'last'), anyDigest),
  fc.tuple(fc.constantFrom('digest-algorithm'), fc.constantFrom('sha256', 'sha512', 'md5', '')),
  fc.tuple(fc.constantFrom('from', 'ns'), fc.constantFrom('', REPOSITORY, 'a', 'A', 'docker.io', '..', '%00')),
  fc.tuple(
    fc.constantFrom('tag', 'artifactType', '_state', 'vendor', '__proto__', 'constructor'),
    fc.oneof(reference, text),
  ),
)
const query = fc
  .array(parameter, { maxLength: 4 })
  .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join('&'))

const quoted = fc.oneof(
  fc.constantFrom('*', '""', 'W/"x"', '"', ',', ''),
  anyDigest,
  anyDigest.map((each) => `"${each}"`),
  fc.tuple(anyDigest, anyDigest).map(([a, b]) => `"${a}", W/"${b}"`),
)
const bound = fc.constantFrom('', '0', '1', '9', '50', '99', '100', '1000', '007', '9'.repeat(30), '-1', 'x', ' 3')
export const rangeText = fc.array(fc.tuple(bound, bound), { minLength: 1, maxLength: 3 }).chain((pairs) => {
  const specs = pairs.map(([first, last]) => `${first}-${last}`).join(',')
  return fc.constantFrom(
    `bytes=${specs}`,
    `bytes = ${specs}`,
    `Bytes=${specs}`,
    `lines=${specs}`,
    specs,
    `bytes=${specs},`,
  )
})
const visible = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
  maxLength: 30,
})
const header = fc.oneof(
  fc.tuple(fc.constantFrom('range'), rangeText),
  fc.tuple(fc.constantFrom('if-match', 'if-none-match', 'if-range'), quoted),
  fc.tuple(
    fc.constantFrom('content-range'),
    fc.tuple(bound, bound).map(([first, last]) => `${first}-${last}`),
  ),
  fc.tuple(
    fc.constantFrom('content-type'),
    fc.constantFrom(manifest.mediaType, 'text/html', '', 'application/octet-stream', 'a/b; c=d'),
  ),
  fc.tuple(
    fc.constantFrom('accept', 'accept-encoding'),
    fc.constantFrom('*/*', 'gzip', 'identity;q=0', 'application/json', ';', ''),
  ),
  fc.tuple(
    fc.constantFrom(
      'authorization',
      'range',
      'content-range',
      'content-type',
      'origin',
      'x-request-id',
      'x-forwarded-host',
      'cookie',
    ),
    visible,
  ),
)

const body = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(
    manifest.bytes,
    blob.bytes,
    Buffer.from('{}'),
    Buffer.from('[1]'),
    Buffer.from('{"schemaVersion":2}'),
  ),
  fc.json({ maxDepth: 3 }).map((json) => Buffer.from(json)),
)
const method = fc.constantFrom(
  'GET',
  'HEAD',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
)

/** Anything that an HTTP parser lets through, near what clients send. */
export const anyRequest: fc.Arbitrary<RawRequest> = fc
  .record({
    method,
    target: fc.tuple(path, query).map(([where, what]) => (what === '' ? where : `${where}?${what}`)),
    headers: fc.array(header, { maxLength: 3 }),
    body: fc.option(body, { nil: undefined, freq: 2 }),
    chunked: fc.boolean(),
  })
  .map(({ body: bytes, ...rest }) => (bytes === undefined ? rest : { ...rest, body: bytes }))
