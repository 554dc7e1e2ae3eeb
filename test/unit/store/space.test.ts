import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { space } from '../../../lib/store/space.ts'

const MIB = 2 ** 20
const DISK = 'disk'

function books(init: { capacityBytes?: number; freeBytes?: number; evicts?: number } = {}) {
  const world = { freeBytes: init.freeBytes ?? 1e12, asked: 0, wanted: [] as number[], evicts: init.evicts ?? 0 }
  const clock = fakeClock()
  const room = space(
    {
      clock,
      used: undefined,
      refused: undefined,
      async freeBytes() {
        world.asked += 1
        return world.freeBytes
      },
      async evict(bytes) {
        world.wanted.push(bytes)
        room.release(world.evicts)
        world.freeBytes += world.evicts
      },
    },
    { capacityBytes: init.capacityBytes ?? 1000, highWatermark: 0.9, lowWatermark: 0.8, minFreeBytes: 100 },
  )
  room.open()
  return { room, world, clock }
}

const nothing = () => Promise.resolve()
const failing = (...codes: readonly string[]) => {
  const left = [...codes]
  return async () => {
    const code = left.shift()
    if (code !== undefined) throw Object.assign(new Error(code), { code })
    return 'written'
  }
}

describe('the books of a store', () => {
  test('count what was written and nothing that failed', async () => {
    const { room } = books()
    await room.write(300, DISK, nothing)
    await expect(room.write(200, DISK, failing('EIO'))).rejects.toMatchObject({ code: 'EIO' })
    expect(room.usedBytes).toBe(300)
  })

  test('let the store fill up to the high watermark, then ask for all above the low one', async () => {
    const { room, world } = books({ evicts: 200 })
    await room.write(900, DISK, nothing)
    expect(world.wanted).toEqual([])
    await room.write(1, DISK, nothing)
    expect(world.wanted).toEqual([101])
    expect(room.usedBytes).toBe(701)
  })

  test('refuse nothing that adds nothing because of bytes that are refused at the same moment', async () => {
    const { room } = books()
    await room.write(900, DISK, nothing)
    const writes = await Promise.allSettled([200, 0, 200].map((bytes) => room.write(bytes, DISK, nothing)))
    expect(writes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected'])
  })

  test('let it go on above the high watermark when nothing can be evicted, up to the capacity', async () => {
    const { room } = books()
    await room.write(1000, DISK, nothing)
    await expect(room.write(1, DISK, nothing)).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(room.usedBytes).toBe(1000)
  })

  test('keep free what must stay free on the medium', async () => {
    const { room, world } = books({ freeBytes: 400, evicts: 0 })
    await room.write(300, DISK, nothing)
    world.freeBytes = 100
    await expect(room.write(50, DISK, nothing)).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(world.wanted).toEqual([50])
    world.evicts = 60
    await room.write(50, DISK, nothing)
    expect(world.wanted).toEqual([50, 50])
  })

  test('ask the medium for its free space seldom: by time and by bytes', async () => {
    const { room, world, clock } = books({ capacityBytes: 1e12 })
    for (let i = 0; i < 64; i += 1) await room.write(MIB, DISK, nothing)
    expect(world.asked).toBe(1)
    await room.write(MIB, DISK, nothing)
    expect(world.asked).toBe(2)
    await clock.advance(5000)
    await room.write(1, DISK, nothing)
    expect(world.asked).toBe(3)
  })

  test.each(['ENOSPC', 'EDQUOT'])('evict and try once more when the medium says %s', async (code) => {
    const { room, world } = books({ capacityBytes: 1e12, evicts: 5 })
    expect(await room.write(10, DISK, failing(code))).toBe('written')
    expect(world.wanted).toEqual([MIB])
    await expect(room.write(10, DISK, failing(code, code))).rejects.toMatchObject({ code: 'STORE_FULL' })
  })

  test('are closed until the start and after the stop, and begin empty', async () => {
    const { room } = books()
    await room.write(10, DISK, nothing)
    room.close()
    await expect(room.write(1, DISK, nothing)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    room.open()
    expect(room.usedBytes).toBe(0)
  })
})
