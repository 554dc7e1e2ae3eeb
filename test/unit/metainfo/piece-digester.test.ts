import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { hashPiece, inlineDigester, type PieceDigester, threadDigester } from '../../../lib/metainfo/index.ts'

const random = seededRandom(7)
const MIB = 1024 * 1024

function shared(length: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(length))
  bytes.set(random.bytes(length))
  return bytes
}

async function started(digester: PieceDigester): Promise<PieceDigester & AsyncDisposable> {
  await digester.start()
  return { ...bound(digester), [Symbol.asyncDispose]: () => digester.stop() }
}

const bound = (digester: PieceDigester): PieceDigester => ({
  start: () => digester.start(),
  stop: () => digester.stop(),
  digest: (bytes) => digester.digest(bytes),
  running: (algorithm) => digester.running(algorithm),
  rest: () => digester.rest(),
})

const isRight = async (digester: PieceDigester, bytes: Uint8Array) =>
  Buffer.compare(await digester.digest(bytes), hashPiece(bytes)) === 0

describe.each([
  ['where it is called', inlineDigester],
  ['in a thread', threadDigester],
])('a digester that hashes %s', (_, make) => {
  test('gives the SHA-256 of each of many pieces, of any size and kind of memory', async () => {
    await using digester = await started(make())
    const pieces = [shared(MIB), shared(1), shared(3 * MIB + 5).subarray(3, 2 * MIB), random.bytes(MIB), Buffer.of()]
    expect(await Promise.all(pieces.map((bytes) => isRight(digester, bytes)))).toEqual(pieces.map(() => true))
  })

  test('may be started and stopped twice, and hashes before and after', async () => {
    const digester = make()
    const bytes = shared(MIB)
    expect(await isRight(digester, bytes)).toBe(true)
    await digester.start()
    await digester.start()
    expect(await isRight(digester, bytes)).toBe(true)
    await digester.stop()
    await digester.stop()
    expect(await isRight(digester, bytes)).toBe(true)
  })
})

test('what a thread still owes when it is stopped is hashed all the same', async () => {
  await using digester = await started(threadDigester())
  const pieces = Array.from({ length: 8 }, () => shared(MIB))
  const answers = pieces.map((bytes) => isRight(digester, bytes))
  await digester.stop()
  expect(await Promise.all(answers)).toEqual(pieces.map(() => true))
})

describe.each([
  ['where it is called', inlineDigester],
  ['in a thread', threadDigester],
])('a digest that grows %s', (_, make) => {
  test('is that of all its parts, several at one time', async () => {
    await using digester = await started(make())
    const parts = [shared(MIB), random.bytes(MIB), Buffer.of(), shared(5)]
    const digests = [digester.running('sha256'), digester.running('sha256')]
    const [first, ...others] = parts
    for (const some of [[first!], others]) await Promise.all(digests.map((digest) => digest.update(...some)))
    const whole = Buffer.from(hashPiece(Buffer.concat(parts))).toString('hex')
    expect(await Promise.all(digests.map((digest) => digest.end()))).toEqual([whole, whole])
    expect(await digester.running('sha256').end()).toBe(Buffer.from(hashPiece(Buffer.of())).toString('hex'))
  })
})

test('a digest that grew in a thread which has ended is lost, and says so', async () => {
  await using digester = await started(threadDigester())
  const digest = digester.running('sha256')
  await digest.update(shared(MIB))
  const late = digest.update(shared(MIB)).catch((err: unknown) => err)
  await digester.stop()
  expect(await late).toMatchObject({ code: 'UNAVAILABLE' })
  await expect(digest.end()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  digest.close()
})
