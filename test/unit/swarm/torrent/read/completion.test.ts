import { describe, expect, test } from '@jest/globals'
import { type AppError, appError, background, fakeClock, seededRandom, wheel } from '../../../../../lib/base/index.ts'
import { inlineDigester } from '../../../../../lib/metainfo/index.ts'
import { memoryStore, type PartialBlob } from '../../../../../lib/store/index.ts'
import { Completion } from '../../../../../lib/swarm/torrent/read/completion.ts'
import { silentLogger } from '../../../../../lib/telemetry/index.ts'
import { swarmBlob } from '../../../../kit/swarm-blob.ts'
import { putPieces } from '../../../../kit/swarm-lab.ts'

const blob = swarmBlob(1, 200_000)

/** A partial blob with all its pieces; the first calls of `read` and `complete` fail as often as `failures` says. */
async function setUp(failures: { read?: number; complete?: number }) {
  const clock = fakeClock()
  const store = memoryStore({ clock, random: seededRandom(1), logger: silentLogger() }, { capacityBytes: 1e9 })
  await store.start()
  await putPieces(store, blob, blob.map.count)
  const real = await store.openPartial(blob.digest, blob.map)
  const left = { read: 0, complete: 0, ...failures }
  const failing = (step: keyof typeof left) => {
    left[step] -= 1
    if (left[step] >= 0) throw appError('STORE_CORRUPT')
  }
  const partial: PartialBlob = Object.create(real, {
    complete: {
      value: async () => {
        failing('complete')
        return real.complete()
      },
    },
  })
  const read = async (range: { start: number; end: number }) => {
    failing('read')
    return real.read(range)
  }
  const arrival = {
    content: { key: 'a', map: blob.map, sliceLength: blob.map.pieceLength, have: real.have, partial, read },
    verified: false,
    hashed: 0,
    isBridged: false,
    map: blob.map,
    has: (piece: number) => real.have.has(piece),
    show: async (piece: number, look: (bytes: Uint8Array) => Promise<void>) =>
      look(await read(blob.map.rangeOf(piece))),
  }
  const seen: string[] = []
  const completion = new Completion(
    {
      ...{ digest: blob.digest, arrival, wheel: wheel(clock), tasks: background(() => undefined) },
      ...{ verify: 'whole', digester: inlineDigester() },
    },
    {
      onHashed: () => undefined,
      onVerified: () => void seen.push('verified'),
      onComplete: () => void seen.push('complete'),
      onWrong: () => void seen.push('wrong'),
      onStepFailed: (err: AppError) => void seen.push(`failed ${err.code}`),
    },
  )
  completion.settle(clock.monotonicMs())
  const pass = (ms: number) => clock.advance(ms)
  return { seen, pass }
}

describe('the end of a pull', () => {
  test('is checked and made complete once', async () => {
    const { seen, pass } = await setUp({})
    await pass(5_000)
    expect(seen).toEqual(['verified', 'complete'])
  })

  test('is checked again after a pause when the bytes could not be read', async () => {
    const { seen, pass } = await setUp({ read: 1 })
    await pass(1_900)
    expect(seen).toEqual(['failed STORE_CORRUPT'])
    await pass(1_000)
    expect(seen).toEqual(['failed STORE_CORRUPT', 'verified', 'complete'])
  })

  test('is completed again after a pause when the store could not do it', async () => {
    const { seen, pass } = await setUp({ complete: 2 })
    await pass(1_900)
    expect(seen).toEqual(['verified', 'failed STORE_CORRUPT'])
    await pass(3_000)
    expect(seen).toEqual(['verified', 'failed STORE_CORRUPT', 'failed STORE_CORRUPT', 'complete'])
  })
})
