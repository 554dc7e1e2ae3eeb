import { expect, test } from '@jest/globals'
import { appError, fakeClock, wheel } from '../../../../../lib/base/index.ts'
import { PieceMap } from '../../../../../lib/core/index.ts'
import { swarmLimits } from '../../../../../lib/swarm/index.ts'
import { Readers } from '../../../../../lib/swarm/torrent/read/readers.ts'

const MIB = 1024 * 1024
const map = new PieceMap(40 * MIB, MIB)

function setUp() {
  const clock = fakeClock()
  const moves = { count: 0 }
  const onMoved = () => {
    moves.count += 1
  }
  const readers = new Readers({ wheel: wheel(clock), limits: swarmLimits }, { onMoved })
  const open = (start: number) => readers.open({ start, end: map.length }, {})
  return { clock, readers, open, moves }
}

test('each reader has its window, and takes it along when it leaves', async () => {
  const { clock, readers, open, moves } = setUp()
  const [first, second] = [open(0), open(30 * MIB)]
  expect(readers.positions(map).map(({ next }) => next)).toEqual([0, 30])
  first.destroy()
  await clock.advance(0)
  expect(readers.positions(map).map(({ next }) => next)).toEqual([30])
  second.destroy()
  await clock.advance(0)
  expect(readers.positions(map)).toEqual([])
  expect(moves.count).toBe(2)
})

test('a reader that waits too long is ended, one that does not wait for us is not', async () => {
  const { clock, open } = setUp()
  const [waiting, slow] = [open(0), open(0)]
  const ended = new Promise((resolve) => waiting.on('error', resolve))
  waiting.resume()
  await clock.advance(29_999)
  expect(waiting.destroyed).toBe(false)
  await clock.advance(1)
  expect(await ended).toMatchObject({ code: 'STALLED' })
  expect(slow.destroyed).toBe(false)
  slow.destroy()
})

test('a reader with a good reason to wait is not ended, but not for ever', async () => {
  const { clock, readers, open } = setUp()
  const waiting = open(0)
  const ended = new Promise((resolve) => waiting.on('error', resolve))
  waiting.resume()
  for (let passedMs = 0; passedMs < 600_000; passedMs += 20_000) {
    readers.excuse(clock.monotonicMs())
    await clock.advance(20_000)
  }
  expect(waiting.destroyed).toBe(false)
  readers.excuse(clock.monotonicMs())
  await clock.advance(10_000)
  expect(await ended).toMatchObject({ code: 'STALLED' })
})

test('after the end of the blob a new reader ends alike', async () => {
  const { readers, open } = setUp()
  readers.failAll(appError('METAINFO_FAILED'))
  const late = open(5)
  const ended = new Promise((resolve) => late.on('error', resolve))
  late.resume()
  expect(await ended).toMatchObject({ code: 'METAINFO_FAILED' })
})
