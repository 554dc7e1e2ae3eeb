import { describe, expect, test } from '@jest/globals'
import { PieceMap, type ReadPriority } from '../../../lib/core/index.ts'
import { demand, type PieceState } from '../../../services/origin/bring/demand.ts'
import { askedUnit, nextUnit } from '../../../services/origin/bring/ingest-plan.ts'
import { unitWay } from '../../../services/origin/bring/unit-way.ts'

const PIECE = 1024
const map = new PieceMap(10 * PIECE + 1, PIECE)
const unitBytes = 4 * PIECE

/** A blob of eleven pieces, the last of one byte: `#` is here, `~` is coming, `.` is missing. */
function arriving(pieces: string) {
  const states: Record<string, PieceState> = { '#': 'here', '~': 'coming', '.': 'missing' }
  const stateOf = (piece: number) => states[pieces[piece] ?? '.'] ?? 'missing'
  const front = pieces.search(/[^#]/)
  return { map, stateOf, front, demand: demand(stateOf) }
}

/** Pieces of the next unit, and why it is read. */
function next(pieces: string, asks: readonly [number, number, ReadPriority][] = [], rules = { unitBytes, fill: true }) {
  const arrival = arriving(pieces)
  for (const ask of asks) arrival.demand.ask(...ask)
  const unit = nextUnit(arrival, rules)
  if (unit === undefined) return undefined
  const { first, last } = map.covering(unit.range)
  return `${first}-${last} ${unit.isAsked ? unit.priority : 'rest'}`
}

describe('the next unit that is read', () => {
  test.each([
    ['is the first', '...........', '0-3 rest'],
    ['is the first that lacks something', '####~~~~...', '8-10 rest'],
    ['is what is missing of it', '##.........', '2-3 rest'],
    ['ends where something is here', '..#........', '0-1 rest'],
    ['is none when all is here or coming', '####~~~~###', undefined],
  ])('when nobody asks %s', (_, pieces, expected) => {
    expect(next(pieces)).toBe(expected)
  })

  test('is that of the piece that is asked for, as a whole', () => {
    expect(next('...........', [[6, 6, 'prefetch']])).toBe('4-7 prefetch')
    expect(next('...........', [[10, 10, 'onDemand']])).toBe('8-10 onDemand')
  })

  test('is the most urgent one, and of equals the one that was asked for first', () => {
    const asks: [number, number, ReadPriority][] = [
      [0, 0, 'fill'],
      [9, 9, 'prefetch'],
      [5, 5, 'onDemand'],
      [1, 1, 'onDemand'],
    ]
    expect(next('...........', asks)).toBe('4-7 onDemand')
    expect(next('....####...', asks)).toBe('0-3 onDemand')
    expect(next('####....###', asks)).toBe('4-7 onDemand')
    expect(next('####~~~~...', asks)).toBe('8-10 prefetch')
  })

  test('counts what is asked for twice by its more urgent reader, whichever came first', () => {
    expect(
      next('...........', [
        [0, 0, 'prefetch'],
        [9, 9, 'prefetch'],
        [9, 9, 'onDemand'],
      ]),
    ).toBe('8-10 onDemand')
    expect(
      next('...........', [
        [9, 9, 'onDemand'],
        [9, 9, 'fill'],
        [0, 0, 'prefetch'],
      ]),
    ).toBe('8-10 onDemand')
  })

  test('is none when nobody asks and the rest is not to be read', () => {
    expect(next('...........', [], { unitBytes, fill: false })).toBeUndefined()
    expect(next('...........', [[6, 6, 'fill']], { unitBytes, fill: false })).toBe('4-7 fill')
  })

  test('is all that is missing in a row where units have no end', () => {
    expect(next('##.....#...', [], { unitBytes: Number.POSITIVE_INFINITY, fill: true })).toBe('2-6 rest')
  })

  test('has at least one piece, however short a unit is', () => {
    expect(next('...........', [[6, 6, 'onDemand']], { unitBytes: 1, fill: true })).toBe('6-6 onDemand')
  })
})

describe('a run of units', () => {
  const long = new PieceMap(200 * PIECE, PIECE)

  /** The next run where `here` pieces from the front are here, and others are asked for. */
  function run(here: number, asks: readonly number[] = [], runBytes = 16 * PIECE) {
    const stateOf = (piece: number): PieceState => (piece < here ? 'here' : 'missing')
    const arrival = { map: long, stateOf, front: here, demand: demand(stateOf) }
    for (const piece of asks) arrival.demand.ask(piece, piece, 'onDemand')
    const found = nextUnit(arrival, { unitBytes, runBytes, fill: true })
    if (found === undefined) return undefined
    const { first, last } = long.covering(found.range)
    return `${first}-${last}${found.isApart ? ' apart' : ''}`
  }

  test.each([
    [0, '0-3'],
    [4, '4-7'],
    [8, '8-15'],
    [16, '16-31'],
    [64, '64-79'],
  ])('is as long as what is here before it: with %i pieces it is %s', (here, expected) => {
    expect(run(here)).toBe(expected)
    expect(run(here, [here])).toBe(expected)
  })

  test('is one unit where nothing is here before it', () => {
    expect(run(64, [100])).toBe('100-103 apart')
    expect(run(0, [100])).toBe('100-103 apart')
  })

  test('is no longer than one of four shares of the rest', () => {
    const runs = [136, 152, 164, 172, 180].map((here) => run(here))
    expect(runs).toEqual(['136-151', '152-163', '164-171', '172-175', '180-183'])
  })

  test('is one unit where runs are no longer', () => {
    expect(run(64, [], unitBytes)).toBe('64-67')
  })

  test('ends where something is here or comes', () => {
    const stateOf = (piece: number): PieceState => (piece < 64 || piece === 73 ? 'coming' : 'missing')
    const arrival = { map: long, stateOf, front: 0, demand: demand(stateOf) }
    const found = nextUnit(arrival, { unitBytes, runBytes: 16 * PIECE, fill: true })
    expect(long.covering(found!.range)).toEqual({ first: 64, last: 71 })
  })
})

test('runs stay short while readers read here and there, and grow again', () => {
  const way = unitWay({ unitBytes: 4, runBytes: 16 })
  const runs = (count: number, run: { readonly isAsked: boolean; readonly isApart: boolean }) => {
    for (let i = 0; i < count; i += 1) way.begun(run)
    return way.lengths.runBytes
  }
  expect(runs(1, { isAsked: true, isApart: false })).toBe(16)
  expect(runs(1, { isAsked: true, isApart: true })).toBe(4)
  expect(runs(20, { isAsked: false, isApart: false })).toBe(4)
  expect(runs(7, { isAsked: true, isApart: false })).toBe(4)
  expect(runs(1, { isAsked: true, isApart: false })).toBe(16)
})

test('what comes anyhow is passed over', () => {
  const arrival = arriving('...........')
  arrival.demand.ask(1, 1, 'onDemand')
  arrival.demand.ask(9, 9, 'fill')
  const unit = askedUnit(arrival, unitBytes, (piece) => piece > 4)
  expect(unit?.range).toEqual({ start: 8 * PIECE, end: map.length })
})

test('what failed to come is asked for still, what has come is not', () => {
  let state: PieceState = 'coming'
  const asked = demand(() => state)
  asked.ask(3, 3, 'onDemand')
  expect([...asked.missing()]).toEqual([])
  state = 'missing'
  expect([...asked.missing()]).toEqual([{ piece: 3, priority: 'onDemand' }])
  state = 'here'
  expect([...asked.missing()]).toEqual([])
  state = 'missing'
  expect([...asked.missing()]).toEqual([])
})
