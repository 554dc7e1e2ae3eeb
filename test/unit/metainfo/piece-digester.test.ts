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
