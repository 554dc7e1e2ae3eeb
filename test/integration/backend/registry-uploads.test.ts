import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { answer, errorJson, hold, loseAnswer, reset, resetUploadAfter, tooManyRequests } from '../../kit/http-faults.ts'
import { named, REPOSITORY, type RegistryLab, registryLab } from './registry-lab.ts'

const KIB = 1024
const MB = 1_000_000
const big = cipherBytes('a blob of four chunks', MB)
const small = cipherBytes('a blob of one request', 100 * KIB)

const push = async (lab: RegistryLab, bytes: Uint8Array) => {
  const { key } = named(bytes)
  const backend = await lab.backend()
  return backend.write(key, Readable.from([bytes]), { size: bytes.length })
}

/** Whether the registry itself has the bytes. */
async function holds(lab: RegistryLab, bytes: Uint8Array): Promise<boolean> {
  const found = await lab.client.send('GET', `/v2/behind/${REPOSITORY.name}/blobs/${named(bytes).digest}`)
  return found.status === 200 && found.body.equals(bytes)
}

const counts = ({ faults }: RegistryLab) => {
  const of = (method: string) => faults.requests.filter((request) => request.method === method).length
  return { post: of('POST'), patch: of('PATCH'), put: of('PUT'), get: of('GET') }
}

describe('an upload to a registry', () => {
  test('of a small blob takes one POST and one PUT, of a large one a PATCH for each chunk', async () => {
    await using lab = await registryLab()
    await push(lab, small)
    expect(counts(lab)).toEqual({ post: 1, patch: 0, put: 1, get: 0 })
    await push(lab, big)
    expect(counts(lab)).toEqual({ post: 2, patch: 4, put: 2, get: 0 })
    expect([await holds(lab, small), await holds(lab, big)]).toEqual([true, true])
  })

  test('that breaks off in a chunk goes on from where the registry says it stands', async () => {
    await using lab = await registryLab()
    lab.faults.next({ method: 'PATCH', where: isSecondChunk }, resetUploadAfter(200 * KIB))
    // A registry that has not noticed the break yet refuses to go on.
    lab.faults.next({ method: 'GET' }, hold(lab.appended(2)))
    await push(lab, big)
    expect(await holds(lab, big)).toBe(true)
    expect(lab.faults.count('reset upload')).toBe(1)
    const { get, patch, post } = counts(lab)
    expect({ get, patch, post }).toEqual({ get: 1, patch: 5, post: 1 })
    const sent = lab.faults.requests.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
    expect(sent).toBeLessThanOrEqual(big.length + 256 * KIB)
  })

  test('whose broken chunk keeps the registry busy waits for it', async () => {
    await using lab = await registryLab()
    const busy = errorJson(409, { errors: [{ code: 'UNKNOWN' }] })
    lab.faults.next({ method: 'PATCH', where: isSecondChunk }, busy)
    await push(lab, big)
    expect(await holds(lab, big)).toBe(true)
    expect(counts(lab)).toMatchObject({ get: 1, patch: 5, post: 1 })
  })

  test('whose answer to a chunk is lost does not send the chunk again', async () => {
    await using lab = await registryLab()
    lab.faults.next({ method: 'PATCH' }, loseAnswer())
    await push(lab, big)
    expect(await holds(lab, big)).toBe(true)
    expect(counts(lab)).toMatchObject({ get: 1, patch: 4 })
  })

  test('whose close was done but is not known of finds the blob there', async () => {
    await using lab = await registryLab()
    lab.faults.next({ method: 'PUT' }, loseAnswer())
    await push(lab, big)
    expect(counts(lab)).toMatchObject({ post: 1, put: 2 })
    expect(await holds(lab, big)).toBe(true)
  })

  test.each([
    ['is reset', resetUploadAfter(50 * KIB)],
    ['loses its answer', loseAnswer()],
    ['is answered 503', errorJson(503, { errors: [{ code: 'UNAVAILABLE' }] })],
  ])('of one request that %s begins anew and leaves nothing open', async (_, fault) => {
    await using lab = await registryLab()
    lab.faults.next({ method: 'PUT' }, fault)
    await push(lab, small)
    expect(await holds(lab, small)).toBe(true)
    expect(counts(lab)).toMatchObject({ post: 2, put: 2 })
    expect(lab.faults.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })

  test('that the registry forgot fails, so that the caller, which has the source, tries again', async () => {
    await using lab = await registryLab()
    const gone = errorJson(404, { errors: [{ code: 'BLOB_UPLOAD_UNKNOWN' }] })
    lab.faults.next({ method: 'PATCH', where: isSecondChunk }, gone)
    await expect(push(lab, big)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(counts(lab)).toMatchObject({ patch: 2, get: 0 })
    expect(await holds(lab, big)).toBe(false)
  })

  test('to a registry that throttles says for how long', async () => {
    await using lab = await registryLab()
    lab.faults.next({ method: 'POST', times: 3 }, tooManyRequests(7))
    await expect(push(lab, small)).rejects.toMatchObject({ code: 'BACKEND_THROTTLED', detail: { retryAfterMs: 7000 } })
  })

  test('to a registry that takes none is refused as such, without another try', async () => {
    await using lab = await registryLab()
    lab.faults.next({ method: 'POST' }, errorJson(405, { errors: [{ code: 'UNSUPPORTED' }] }))
    await expect(push(lab, small)).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY' })
    expect(counts(lab).post).toBe(1)
  })

  test('to a registry that is away is an outage', async () => {
    await using lab = await registryLab()
    lab.faults.next({ times: Number.POSITIVE_INFINITY }, reset())
    await expect(push(lab, small)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('keeps to the least length of chunks that the registry names', async () => {
    await using lab = await registryLab()
    const location = `${lab.url}/elsewhere`
    const opened = { location, range: '0-0', 'oci-chunk-min-length': String(400 * KIB), 'content-length': 0 }
    lab.faults.next({ method: 'POST' }, answer(202, opened))
    lab.faults.next({ path: /elsewhere/, times: 9 }, answer(201, { 'content-length': 0 }))
    await push(lab, big)
    const chunks = lab.faults.requests.filter(({ method }) => method === 'PATCH').map((chunk) => chunk.receivedBytes)
    expect(chunks).toEqual([400 * KIB, 400 * KIB, MB - 800 * KIB])
  })

  test('in read-only mode sends nothing', async () => {
    await using lab = await registryLab()
    const backend = await lab.backend({ mode: 'read-only' })
    const { key } = named(small)
    await expect(backend.write(key, small, { size: small.length })).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY' })
    await expect(backend.delete(key)).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY' })
    expect(lab.faults.requests).toEqual([])
  })
})

const isSecondChunk = ({ headers }: { headers: Readonly<Record<string, unknown>> }) =>
  String(headers['content-range']).startsWith(`${256 * KIB}-`)
