import { describe, expect, test } from '@jest/globals'
import { Bitset } from '../../../../lib/base/index.ts'
import { copiesFor, type OriginLedger, originLedger } from '../../../../lib/swarm/picker/index.ts'

const PIECES = 20
const MAX_WAIT_MS = 8_000

/** A ledger with these agents, which have nothing yet. */
function ledgerOf(...agents: readonly string[]) {
  const ledger = originLedger({ pieces: PIECES, self: 'here' })
  const have = new Map(agents.map((id) => [id, new Bitset(PIECES)]))
  for (const [id, pieces] of have) ledger.update(id, pieces, undefined, 0)
  const got = (id: string, piece: number, nowMs: number) => {
    const pieces = have.get(id) ?? new Bitset(PIECES)
    pieces.add(piece)
    ledger.update(id, pieces, piece, nowMs)
  }
  return { ledger, got }
}

const gives = (ledger: OriginLedger, agent: string, piece: number, nowMs: number) =>
  ledger.ask(agent, piece, nowMs).given

describe('the ledger of an origin', () => {
  test('gives a piece to one of several agents, and to that one as often as it asks', () => {
    const { ledger } = ledgerOf('a', 'b')
    expect(gives(ledger, 'a', 0, 0)).toBe(true)
    expect(gives(ledger, 'b', 0, 1)).toBe(false)
    expect(gives(ledger, 'a', 0, 2)).toBe(true)
  })

  test('gives one agent alone everything at once, and suggests nothing to it', () => {
    const { ledger } = ledgerOf('a')
    for (let piece = 0; piece < PIECES; piece += 1) expect(gives(ledger, 'a', piece, 0)).toBe(true)
    expect(ledger.suggest('a')).toEqual([])
  })

  test('refuses what another agent has already for the longest wait', () => {
    const { ledger, got } = ledgerOf('a', 'b')
    got('a', 3, 10)
    expect(ledger.ask('b', 3, 10)).toEqual({ given: false, retryMs: MAX_WAIT_MS })
    expect(gives(ledger, 'b', 3, 10 + MAX_WAIT_MS)).toBe(true)
  })

  test('lets one refused agent after the other have a piece that does not arrive', () => {
    const { ledger } = ledgerOf('a', 'b', 'c')
    expect(gives(ledger, 'a', 0, 0)).toBe(true)
    expect(ledger.ask('b', 0, 0)).toEqual({ given: false, retryMs: 3_000 })
    expect(gives(ledger, 'c', 0, 0)).toBe(false)
    expect(gives(ledger, 'b', 0, 3_000)).toBe(true)
    expect(ledger.ask('c', 0, 3_000)).toEqual({ given: false, retryMs: 3_000 })
    expect(gives(ledger, 'c', 0, 6_000)).toBe(true)
  })

  test.each([
    ['never less than the shortest', 10, 1_000],
    ['four times what a piece takes', 500, 2_000],
    ['never more than the longest', 5_000, MAX_WAIT_MS],
  ])('waits %s', (_, tookMs, waitMs) => {
    const { ledger, got } = ledgerOf('a', 'b')
    gives(ledger, 'a', 0, 0)
    got('a', 0, tookMs)
    gives(ledger, 'a', 1, tookMs)
    expect(ledger.ask('b', 1, tookMs)).toEqual({ given: false, retryMs: waitMs })
  })

  test('gives what an agent has left without having got it', () => {
    const { ledger } = ledgerOf('a', 'b', 'c')
    gives(ledger, 'a', 0, 0)
    expect(gives(ledger, 'b', 0, 0)).toBe(false)
    ledger.remove('a', 1)
    expect(gives(ledger, 'b', 0, 1)).toBe(true)
  })

  test('gives again what it took back from an agent', () => {
    const { ledger } = ledgerOf('a', 'b')
    gives(ledger, 'a', 0, 0)
    ledger.release('a')
    expect(gives(ledger, 'b', 0, 1)).toBe(true)
  })

  test('counts an agent that left with everything for a minute', () => {
    const { ledger, got } = ledgerOf('a', 'b', 'c')
    for (let piece = 0; piece < PIECES; piece += 1) got('a', piece, 0)
    ledger.remove('a', 0)
    expect(gives(ledger, 'b', 0, 1)).toBe(false)
    expect(gives(ledger, 'b', 1, 60_001)).toBe(true)
  })

  test('forgets who asks without a connection when it asks no more', () => {
    const { ledger } = ledgerOf('a')
    expect(gives(ledger, 'stranger', 0, 0)).toBe(true)
    expect(gives(ledger, 'a', 0, 1)).toBe(false)
    expect(gives(ledger, 'a', 0, 10_001)).toBe(true)
  })

  test('gives a piece of another origin only after the wait', () => {
    const { ledger } = ledgerOf('a', 'b')
    ledger.divide(['elsewhere'])
    expect(ledger.ask('a', 0, 0)).toEqual({ given: false, retryMs: 3_000 })
    expect(gives(ledger, 'a', 0, 3_000)).toBe(true)
    ledger.divide([])
    expect(gives(ledger, 'a', 1, 3_000)).toBe(true)
  })

  test.each([
    [1, 1],
    [100, 1],
    [101, 2],
    [1_000, 2],
    [10_000, 3],
  ])('of %i agents gives each piece %i times', (agents, copies) => {
    expect(copiesFor(agents)).toBe(copies)
  })
})

describe('what an origin suggests', () => {
  test('is another piece to each agent, half of its part at a time', () => {
    const { ledger } = ledgerOf('a', 'b')
    expect(ledger.suggest('a')).toEqual([0, 1, 2, 3, 4])
    expect(ledger.suggest('a')).toEqual([])
    expect(ledger.suggest('b')).toEqual([5, 6, 7, 8, 9])
  })

  test('is replaced when somebody else was given it, or when it has arrived', () => {
    const { ledger, got } = ledgerOf('a', 'b')
    ledger.suggest('a')
    gives(ledger, 'b', 0, 0)
    gives(ledger, 'a', 0, 0)
    expect(ledger.suggest('a')).toEqual([5])
    got('a', 1, 1)
    expect(ledger.suggest('a')).toEqual([6])
  })

  test('is suggested again when the agent leaves', () => {
    const { ledger } = ledgerOf('a', 'b', 'c')
    const promised = ledger.suggest('a')
    ledger.remove('a', 1)
    expect(ledger.suggest('b')).toEqual([...promised, 4])
  })

  test('is nothing that agents have, and nothing of another origin', () => {
    const { ledger, got } = ledgerOf('a', 'b')
    got('b', 0, 0)
    expect(ledger.suggest('a')[0]).toBe(1)
    ledger.divide(['elsewhere'])
    expect(ledger.suggest('b')).toEqual([])
  })
})
