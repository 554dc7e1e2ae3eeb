import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../../../lib/base/index.ts'
import { PieceMap } from '../../../../../lib/core/index.ts'
import { advance, demand, fail, release, waitFor, windowOf } from '../../../../../lib/swarm/torrent/shared/demand.ts'

const MIB = 1024 * 1024
const map = new PieceMap(20 * MIB, MIB)
const none = { map, pieces: 4, nowMs: 1_000, patienceMs: 300, has: () => false }
const signal = new AbortController().signal

describe('the window of a reader', () => {
  test('starts at its next byte and is bounded', () => {
    expect(windowOf(demand({ start: 3 * MIB + 7, end: map.length }, 0), none)).toEqual({
      next: 3,
      end: 7,
      urgent: false,
      priority: 'onDemand',
    })
  })

  test('ends with its range', () => {
    expect(windowOf(demand({ start: 3 * MIB, end: 4 * MIB + 1 }, 0), none)).toMatchObject({ next: 3, end: 5 })
  })

  test('starts at the first missing piece, and does not move its end for it', () => {
    const wanted = demand({ start: 3 * MIB, end: map.length }, 0)
    expect(windowOf(wanted, { ...none, has: (piece) => piece < 5 })).toMatchObject({ next: 5, end: 7 })
  })

  test('is none when nothing of it is missing', () => {
    expect(windowOf(demand({ start: 0, end: map.length }, 0), { ...none, has: () => true })).toBeUndefined()
    expect(windowOf(demand({ start: 5, end: 5 }, 0), none)).toBeUndefined()
  })

  test('is urgent while the first byte is waited for', () => {
    const wanted = demand({ start: 0, end: map.length }, 0)
    void waitFor(wanted, 1_000, signal)
    expect(windowOf(wanted, none)).toMatchObject({ urgent: true })
  })

  test('is urgent later only after some patience', () => {
    const wanted = demand({ start: 0, end: map.length }, 0)
    advance(wanted, 10, 500)
    void waitFor(wanted, 900, signal)
    expect(windowOf(wanted, none)).toMatchObject({ urgent: false })
    expect(windowOf(wanted, { ...none, nowMs: 1_200 })).toMatchObject({ urgent: true })
  })
})

describe('a waiting reader', () => {
  test('goes on when it is released', async () => {
    const wanted = demand({ start: 0, end: 1 }, 0)
    const waiting = waitFor(wanted, 0, signal)
    release(wanted)
    await expect(waiting).resolves.toBeUndefined()
  })

  test('ends with the reason it is given', async () => {
    const wanted = demand({ start: 0, end: 1 }, 0)
    const waiting = waitFor(wanted, 0, signal)
    fail(wanted, appError('STALLED'))
    await expect(waiting).rejects.toMatchObject({ code: 'STALLED' })
  })

  test('ends when its signal fires', async () => {
    const controller = new AbortController()
    const waiting = waitFor(demand({ start: 0, end: 1 }, 0), 0, controller.signal)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('counts its time from the first wait, not from the last', async () => {
    const wanted = demand({ start: 0, end: 1 }, 0)
    const first = waitFor(wanted, 5, signal)
    release(wanted)
    await first
    void waitFor(wanted, 50, signal)
    expect(wanted.waitingSinceMs).toBe(5)
  })
})
