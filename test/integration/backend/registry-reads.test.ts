import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import type { Backend } from '../../../lib/backend/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import { parseTag } from '../../../lib/core/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { fileServer } from '../../kit/file-server.ts'
import { answer, corrupt, endAfter, ignoreRange, reset, resetAfter, shorten } from '../../kit/http-faults.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { named, REPOSITORY, type RegistryLab, registryLab } from './registry-lab.ts'

const THERE = `behind/${REPOSITORY.name}`
const blob = cipherBytes('a blob that is read', 600_000)
const { key, digest } = named(blob)
const image = imageFixture(seededRandom(31))
const manifestKey = named(image.manifest.bytes).key

async function labWithContents(): Promise<RegistryLab> {
  const lab = await registryLab()
  await lab.client.pushBlob(THERE, digest, blob)
  await pushImage(lab.client, THERE, image, ['v1'])
  return lab
}

async function read(backend: Backend, wanted = key, range?: { start: number; end: number }): Promise<Buffer> {
  const found = await backend.read(wanted, range === undefined ? {} : { range })
  if (found === undefined) throw new Error('there is no such object')
  return buffer(found.body)
}

describe('reading from a registry', () => {
  test.each([
    ['is reset in mid-body', resetAfter(100_000)],
    ['ends early', endAfter(100_000)],
  ])('a blob that %s is an error and never a silent end', async (_, fault) => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    lab.faults.next({ method: 'GET' }, fault)
    await expect(read(backend)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('a blob whose length is not said is refused', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    lab.faults.next({ method: 'GET', times: 3 }, shorten(100_000))
    await expect(read(backend)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('a range is exact, also from a registry that ignores it', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    const range = { start: 70_001, end: 300_003 }
    const expected = blob.subarray(range.start, range.end)
    expect((await read(backend, key, range)).equals(expected)).toBe(true)
    lab.faults.next({ method: 'GET' }, ignoreRange())
    expect((await read(backend, key, range)).equals(expected)).toBe(true)
    expect(lab.faults.count('ignore range')).toBe(1)
  })

  test('another range than was asked for is refused', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    lab.faults.next({ method: 'GET' }, answer(206, { 'content-range': 'bytes 20-29/600000' }, '0123456789'))
    const reading = backend.read(key, { range: { start: 10, end: 20 } })
    await expect(reading).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/another range/),
    })
  })

  test('what fails before a byte came is asked for again', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    lab.faults.next({ method: 'GET' }, reset())
    lab.faults.next({ method: 'GET' }, answer(502))
    expect((await read(backend)).equals(blob)).toBe(true)
  })

  test('a manifest is a content like any other', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    const { bytes } = image.manifest
    expect(await backend.stat(manifestKey)).toEqual({ size: bytes.length, etag: image.manifest.digest })
    expect((await read(backend, manifestKey)).equals(bytes)).toBe(true)
    expect((await read(backend, manifestKey, { start: 3, end: 9 })).equals(bytes.subarray(3, 9))).toBe(true)
  })

  test('a manifest that is not what its digest names is corrupt', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    lab.faults.next({ method: 'GET', path: /manifests/ }, corrupt(10))
    await expect(read(backend, manifestKey)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
  })

  test('a manifest is described from its bytes when the head says too little', async () => {
    await using lab = await labWithContents()
    const { manifests } = (await lab.registry()).repository(REPOSITORY)
    lab.faults.next({ method: 'HEAD' }, answer(200, { 'content-type': image.manifest.mediaType }))
    const { mediaType, bytes } = image.manifest
    const found = await manifests.describe(parseTag('v1'))
    expect(found).toEqual({ digest: image.manifest.digest, mediaType, size: bytes.length })
  })

  test('an outage is an error and never an absence', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    for (const fault of [reset(), answer(500), answer(503)]) {
      lab.faults.clear()
      lab.faults.next({ times: Number.POSITIVE_INFINITY }, fault)
      await expect(backend.stat(key)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
      await expect(backend.read(key)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    }
  })
})

describe('a blob that comes between the look for a blob and the one for a manifest', () => {
  /**
   * As distribution 2 answers: first the blob is missing; then it exists, and a request for it as a manifest gets a
   * 500.
   */
  async function labOfRace() {
    const lab = await labWithContents()
    lab.faults.next({ path: /\/blobs\/sha256/ }, answer(404))
    lab.faults.next({ path: /\/manifests\/sha256/, times: 3 }, answer(500))
    return lab
  }

  test('is found by a third look', async () => {
    await using lab = await labOfRace()
    expect(await (await lab.backend()).stat(key)).toEqual({ size: blob.length, etag: digest })
  })

  test('is read', async () => {
    await using lab = await labOfRace()
    expect((await read(await lab.backend())).equals(blob)).toBe(true)
  })

  test('exists for a write with ifAbsent', async () => {
    await using lab = await labOfRace()
    const writing = (await lab.backend()).write(key, blob, { size: blob.length, ifAbsent: true })
    await expect(writing).rejects.toMatchObject({ code: 'BACKEND_PRECONDITION_FAILED' })
  })

  test('is an outage while it has not come', async () => {
    await using lab = await labOfRace()
    lab.faults.next({ path: /\/blobs\/sha256/ }, answer(404))
    await expect((await lab.backend()).stat(key)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })
})

describe('a registry that redirects', () => {
  test('is followed to another host, which is not shown the login', async () => {
    await using lab = await labWithContents()
    await using cdn = await fileServer()
    cdn.files.set('bytes', blob)
    const seen: (string | undefined)[] = []
    const look = ({ headers }: IncomingMessage) => {
      seen.push(headers.authorization)
      return false
    }
    cdn.faults.next({ where: look }, reset())
    lab.faults.next({ where: look }, reset())
    const challenge = { 'www-authenticate': 'Basic realm="registry"' }
    lab.faults.next(
      { method: 'GET', where: ({ headers }) => headers.authorization === undefined },
      answer(401, challenge),
    )
    lab.faults.next({ method: 'GET', path: /blobs/ }, answer(307, { location: `${cdn.url}/bytes` }))
    const backend = await lab.backend({ username: 'ann', password: 'secret' })
    const range = { start: 5, end: 500 }
    expect((await read(backend, key, range)).equals(blob.subarray(5, 500))).toBe(true)
    expect(seen).toEqual([undefined, `Basic ${Buffer.from('ann:secret').toString('base64')}`, undefined])
    expect(cdn.faults.requests).toMatchObject([{ range: 'bytes=5-499' }])
  })

  test('without end is an outage', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    const loop = answer(307, { location: `/v2/${THERE}/blobs/${digest}` })
    lab.faults.next({ times: Number.POSITIVE_INFINITY }, loop)
    await expect(backend.read(key)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(lab.faults.requests).toHaveLength(3 * 6)
  })

  test('to what is no web address is not followed', async () => {
    await using lab = await labWithContents()
    const backend = await lab.backend()
    lab.faults.next({ times: 3 }, answer(307, { location: 'file:///etc/passwd' }))
    await expect(backend.read(key)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })
})
