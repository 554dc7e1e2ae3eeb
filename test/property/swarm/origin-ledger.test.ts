import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Bitset } from '../../../lib/base/index.ts'
import { originLedger } from '../../../lib/swarm/picker/index.ts'

const PIECES = 8
const AGENTS = ['a', 'b', 'c', 'd']
const MIN_WAIT_MS = 1_000
const LONGEST_MS = 16_000

const agent = fc.constantFrom(...AGENTS)
const piece = fc.nat(PIECES - 1)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), agent, piece }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('got' as const), agent, piece }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), agent, piece }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('suggest' as const), agent, piece }) },
)
const steps = fc.array(fc.tuple(fc.nat(1_500), step), { maxLength: 120 })

/** A ledger with all agents connected, and what they really have. */
function swarm() {
  const ledger = originLedger({ pieces: PIECES, self: 'here' })
  const have = new Map<string, Bitset>()
  const join = (id: string, nowMs: number) => {
    const pieces = new Bitset(PIECES)
    have.set(id, pieces)
    ledger.update(id, pieces, undefined, nowMs)
    return pieces
  }
  for (const id of AGENTS) join(id, 0)
  const get = (id: string, index: number, nowMs: number) => {
    const pieces = have.get(id) ?? join(id, nowMs)
    pieces.add(index)
    ledger.update(id, pieces, index, nowMs)
  }
  return { ledger, have, join, get }
}

const without = (pieces: Set<string>, id: string) => {
  for (const each of pieces) if (each.startsWith(id)) pieces.delete(each)
}

describe('the ledger of an origin', () => {
  test('gives a piece twice within the shortest wait only when who had it has left', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { ledger, have, join, get } = swarm()
        const held = new Set<string>()
        const givenMs = new Map<number, number>()
        let nowMs = 0
        for (const [passes, it] of script) {
          nowMs += passes
          if (it.kind === 'suggest') ledger.suggest(it.agent)
          if (it.kind === 'got') {
            get(it.agent, it.piece, nowMs)
            held.add(`${it.agent}${it.piece}`)
          }
          if (it.kind === 'leave') {
            ledger.remove(it.agent, nowMs)
            without(held, it.agent)
            join(it.agent, nowMs)
          }
          if (it.kind !== 'ask' || have.get(it.agent)?.has(it.piece) === true) continue
          const mine = held.has(`${it.agent}${it.piece}`)
          const others = AGENTS.some((id) => held.has(`${id}${it.piece}`))
          const waiting = [...have.values()].filter((pieces) => !pieces.complete).length
          const { given } = ledger.ask(it.agent, it.piece, nowMs)
          if (given && others && !mine && waiting > 1) {
            expect(nowMs - (givenMs.get(it.piece) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(MIN_WAIT_MS)
          }
          if (!given) continue
          if (!mine) givenMs.set(it.piece, nowMs)
          held.add(`${it.agent}${it.piece}`)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('gives everything to who asks long enough, when it comes back as it is told to', () => {
    fc.assert(
      fc.property(steps, agent, piece, (script, id, index) => {
        const { ledger, have, get } = swarm()
        let nowMs = 0
        for (const [passes, it] of script) {
          nowMs += passes
          if (it.kind === 'ask') ledger.ask(it.agent, it.piece, nowMs)
          if (it.kind === 'got') get(it.agent, it.piece, nowMs)
        }
        if (have.get(id)?.has(index) === true) return
        const untilMs = nowMs + LONGEST_MS
        for (;;) {
          const answer = ledger.ask(id, index, nowMs)
          if (answer.given) break
          expect(answer.retryMs).toBeGreaterThan(0)
          for (const other of AGENTS) if (other !== id) ledger.ask(other, index, nowMs)
          nowMs += answer.retryMs
          expect(nowMs).toBeLessThanOrEqual(untilMs)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('who leaves makes room for what only it was fetching', () => {
    fc.assert(
      fc.property(fc.uniqueArray(piece, { minLength: 1 }), (fetched) => {
        const { ledger } = swarm()
        for (const index of fetched) expect(ledger.ask('a', index, 0).given).toBe(true)
        for (const index of fetched) expect(ledger.ask('b', index, 0).given).toBe(false)
        ledger.remove('a', 1)
        for (const index of fetched) expect(ledger.ask('b', index, 1).given).toBe(true)
      }),
    )
  })
})

describe('the origins of a blob', () => {
  const MANY = 200
  const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 5 })
  /** Which pieces each origin gives at once. */
  const partsOf = (ids: readonly string[]) =>
    ids.map((self) => {
      const ledger = originLedger({ pieces: MANY, self })
      ledger.divide(ids)
      for (const id of AGENTS) ledger.update(id, new Bitset(MANY), undefined, 0)
      return Array.from({ length: MANY }, (_, index) => ledger.ask('a', index, 0).given)
    })

  test('divide its pieces among themselves, each piece to one', () => {
    fc.assert(
      fc.property(members, (ids) => {
        const parts = partsOf(ids)
        for (let index = 0; index < MANY; index += 1) {
          expect(parts.filter((part) => part[index] === true)).toHaveLength(1)
        }
      }),
    )
  })

  test('keep their own pieces when another one leaves', () => {
    fc.assert(
      fc.property(members, (ids) => {
        const before = partsOf(ids)
        const after = partsOf(ids.slice(1))
        for (const [at, part] of after.entries()) {
          for (const [index, given] of part.entries()) if (before[at + 1]?.[index] === true) expect(given).toBe(true)
        }
      }),
    )
  })
})
