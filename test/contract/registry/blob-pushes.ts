import { expect } from '@jest/globals'
import type { FixtureBlob } from '../../kit/image-fixture.ts'
import { closingUrl, type RegistryAnswer, type RegistryClient } from '../../kit/registry-client.ts'

/** Where a blob is pushed to. */
export interface PushPlace {
  readonly client: RegistryClient
  readonly repository: string
  /** Another repository of the same registry. */
  readonly other: string
}

type Push = (place: PushPlace, blob: FixtureBlob) => Promise<RegistryAnswer>

const OCTETS = { 'content-type': 'application/octet-stream' }

async function opened({ client, repository }: PushPlace): Promise<string> {
  const answer = await client.send('POST', `/v2/${repository}/blobs/uploads/`)
  expect([answer.status, answer.headers.range]).toEqual([202, '0-0'])
  return answer.headers.location ?? ''
}

interface ChunkOrder {
  readonly count: number
  /** The last one comes with the PUT; else the PUT is empty. */
  readonly lastInPut?: boolean
  /** Before each chunk another one is sent, which is refused, and the client asks where it stands. */
  readonly isDisordered?: boolean
}

/** With Content-Range, each at the latest Location. */
const inChunks =
  ({ count, lastInPut = false, isDisordered = false }: ChunkOrder): Push =>
  async (place, { digest, bytes }) => {
    let location = await opened(place)
    const step = Math.ceil(bytes.length / count)
    const send = (start: number) => {
      const body = bytes.subarray(start, start + step)
      const isLast = lastInPut && start + step >= bytes.length
      const target = isLast ? closingUrl(location, digest) : location
      const headers = { ...OCTETS, 'content-range': `${start}-${start + body.length - 1}` }
      return { target, answer: place.client.send(isLast ? 'PUT' : 'PATCH', target, { body, headers }) }
    }
    for (let start = 0; start < bytes.length; start += step) {
      if (isDisordered) {
        const wrong = send(start + step < bytes.length ? start + step : 0)
        expect((await wrong.answer).status).toBe(416)
        const status = await place.client.send('GET', wrong.target)
        expect([status.status, status.headers.range]).toEqual([204, `0-${Math.max(0, start - 1)}`])
        location = status.headers.location ?? ''
      }
      const answer = await send(start).answer
      if (lastInPut && start + step >= bytes.length) return answer
      expect([answer.status, answer.headers.range]).toEqual([202, `0-${Math.min(start + step, bytes.length) - 1}`])
      location = answer.headers.location ?? ''
    }
    return place.client.send('PUT', closingUrl(location, digest), { headers: OCTETS })
  }

/** Every way to send the bytes of a blob that the suites of OCI try. */
export const blobPushes: Readonly<Record<string, Push>> = {
  'one POST with the digest and the whole body': ({ client, repository }, { digest, bytes }) =>
    client.send('POST', `/v2/${repository}/blobs/uploads/?digest=${encodeURIComponent(digest)}`, {
      body: bytes,
      headers: OCTETS,
    }),
  'POST and PUT with the whole body': ({ client, repository }, { digest, bytes }) =>
    client.pushBlob(repository, digest, bytes),
  'one chunk with Content-Range, then an empty PUT': inChunks({ count: 1 }),
  'chunks with Content-Range, then an empty PUT': inChunks({ count: 3 }),
  'chunks with Content-Range, the last of them in the PUT': inChunks({ count: 3, lastInPut: true }),
  'chunks after each of which came one out of order': inChunks({ count: 3, isDisordered: true }),
  'chunks out of order, also in the PUT': inChunks({ count: 3, lastInPut: true, isDisordered: true }),
  'a stream without Content-Range, Content-Length and Content-Type, then an empty PUT': async (place, blob) => {
    const answer = await place.client.send('PATCH', await opened(place), { body: blob.bytes, chunked: true })
    expect([answer.status, answer.headers.range]).toEqual([202, `0-${blob.bytes.length - 1}`])
    return place.client.send('PUT', closingUrl(answer.headers.location ?? '', blob.digest))
  },
}

const mounted =
  (query: (other: string) => string): Push =>
  async ({ client, repository, other }, { digest, bytes }) => {
    expect((await client.pushBlob(other, digest, bytes)).status).toBe(201)
    return client.send('POST', `/v2/${repository}/blobs/uploads/?mount=${encodeURIComponent(digest)}${query(other)}`)
  }

/** Ways to link a blob of another repository. */
export const blobMounts: Readonly<Record<string, Push>> = {
  'a mount from the other repository': mounted((other) => `&from=${encodeURIComponent(other)}`),
  'a mount that names no repository': mounted(() => ''),
}
