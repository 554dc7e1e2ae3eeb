import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../../../lib/base/index.ts'
import { inlineDigester } from '../../../../../lib/metainfo/index.ts'
import { WholeDigest } from '../../../../../lib/swarm/torrent/read/whole-digest.ts'
import { swarmBlob } from '../../../../kit/swarm-blob.ts'

const MIB = 1024 * 1024
const blob = swarmBlob(3, 3 * MIB + 5, MIB)
const { signal } = new AbortController()

function setUp() {
  const here = new Set<number>()
  const shown: number[] = []
  const freed: number[] = []
  const state = { fail: false }
  const bytesOf = (piece: number) => blob.bytes.subarray(blob.map.rangeOf(piece).start, blob.map.rangeOf(piece).end)
  const whole = new WholeDigest({
    digest: blob.digest,
    digester: inlineDigester(),
    onHashed: () => undefined,
    arrival: {
      hashed: 0,
      map: blob.map,
      has: (piece) => here.has(piece),
      show: async (piece, look) => {
        if (state.fail) throw appError('STORE_CORRUPT')
        shown.push(piece)
        await look(bytesOf(piece))
      },
    },
  })
  const offer = (piece: number, bytes = bytesOf(piece)) =>
    whole.offer(piece, { bytes, free: () => void freed.push(piece) })
  return { whole, here, shown, freed, state, offer }
}

describe('the digest of a whole blob', () => {
  test('of pieces that come in order reads nothing but the memory in which they came', async () => {
    const { whole, shown, freed, offer } = setUp()
    const answers: unknown[] = []
    for (let piece = 0; piece < 4; piece += 1) {
      expect(offer(piece)).toBe(true)
      answers.push(await whole.advance(signal))
    }
    expect(answers).toEqual([undefined, undefined, undefined, true])
    expect(shown).toEqual([])
    expect(freed).toEqual([0, 1, 2, 3])
  })

  test('takes what comes in order meanwhile in one go, from the memory in which it came', async () => {
    const { whole, shown, freed, offer } = setUp()
    expect(offer(0)).toBe(true)
    const first = whole.advance(signal)
    expect([offer(1), offer(3), offer(2), offer(3)]).toEqual([true, false, true, true])
    expect(await first).toBe(true)
    expect(shown).toEqual([])
    expect(freed).toEqual([0, 1, 2, 3])
  })

  test('holds only a few pieces in the memory in which they came', () => {
    const { whole, freed } = setUp()
    const bytes = new Uint8Array(0)
    const taken = Array.from({ length: 12 }, (_, piece) => whole.offer(piece, { bytes, free: () => freed.push(piece) }))
    expect(taken.filter(Boolean)).toHaveLength(8)
    whole.close()
    expect(freed).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  test('waits for the piece that is missing and then reads what came before it once', async () => {
    const { whole, here, shown, offer } = setUp()
    for (const piece of [1, 2, 3]) here.add(piece)
    expect(offer(2)).toBe(false)
    expect(await whole.advance(signal)).toBeUndefined()
    offer(0)
    expect(await whole.advance(signal)).toBe(true)
    expect(shown).toEqual([1, 2, 3])
  })

  test('of other bytes is not the one of the blob', async () => {
    const { whole, here, offer } = setUp()
    for (const piece of [1, 2, 3]) here.add(piece)
    offer(0, new Uint8Array(MIB))
    expect(await whole.advance(signal)).toBe(false)
  })

  test('does not take the piece that it hashes right now once more, as the next one', async () => {
    const { whole, here, freed, offer } = setUp()
    for (const piece of [1, 2, 3]) here.add(piece)
    offer(0)
    const advancing = whole.advance(signal)
    // The disk was full, so it was fetched again.
    expect(offer(0)).toBe(false)
    expect(await advancing).toBe(true)
    expect(freed).toEqual([0])
  })

  test('begins anew after a failed read', async () => {
    const { whole, here, shown, state } = setUp()
    for (const piece of [0, 1, 2, 3]) here.add(piece)
    state.fail = true
    await expect(whole.advance(signal)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    state.fail = false
    expect(await whole.advance(signal)).toBe(true)
    expect(shown).toEqual([0, 1, 2, 3])
  })

  test('gives back what it holds when it is closed, and takes nothing after that', () => {
    const { whole, freed, offer } = setUp()
    offer(0)
    whole.close()
    expect(freed).toEqual([0])
    expect(offer(0)).toBe(false)
  })
})
