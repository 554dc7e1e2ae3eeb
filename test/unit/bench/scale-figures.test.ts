import { describe, expect, test } from '@jest/globals'
import {
  givenUpRows,
  idealMs,
  ratesFor,
  type ScalePull,
  scaleColumns,
  scaleRows,
  serverIdealMs,
} from '../../bench/scale-figures.ts'
import { withVerdicts } from '../../bench/verdict.ts'

const MB = 1e6
const caps = { total: 60 * MB, perAgent: 2 * MB, originShares: 4 }

const pull = (more: Partial<ScalePull> = {}): ScalePull => ({
  agents: 2,
  layers: 1,
  bytes: 8 * MB,
  rates: { agent: 2 * MB, origin: 8 * MB },
  firstByteMs: [100, 300],
  finishMs: [5000, 6500],
  serverMs: undefined,
  fromOrigin: { wire: 8 * MB, http: 2 * MB },
  received: 16 * MB,
  wasted: MB,
  cpuSeconds: { agents: 1, others: 0.5 },
  ...more,
})

const table = (of: ScalePull) => new Map(scaleRows(of).map(([, , figure, ...rest]) => [figure, rest]))

describe('ratesFor', () => {
  test.each([
    [10, 2 * MB],
    [30, 2 * MB],
    [100, 0.6 * MB],
  ])('%d agents have %d bytes per second each, and the origin four times as much', (agents, rate) => {
    expect(ratesFor(agents, caps)).toEqual({ agent: rate, origin: 4 * rate })
  })
})

test('the shortest possible time is that of the slowest link that every byte must pass', () => {
  expect(idealMs(pull())).toBe(4000)
  expect(idealMs(pull({ rates: { agent: 2 * MB, origin: MB } }))).toBe(8000)
})

test('a server without a swarm sends all bytes to each client, no faster than a client can take them', () => {
  expect(serverIdealMs(pull({ agents: 100 }))).toBe(100_000)
  expect(serverIdealMs(pull({ agents: 2 }))).toBe(4000)
})

describe('scaleRows', () => {
  test('has the spread, the copies of the origin and the waste', () => {
    const rows = table(pull())
    expect(rows.get('finish p99 / p50')).toEqual(['1.30', '<= 1.2'])
    expect(rows.get('copies that left the origin')).toEqual(['1.25', '<= 1.5'])
    expect(rows.get('by wire')).toEqual(['1.00', ''])
    expect(rows.get('over HTTP')).toEqual(['0.25', ''])
    expect(rows.get('wasted, % of received')).toEqual(['6.25', '< 3'])
    expect(rows.get('finish p50 / the shortest possible')).toEqual(['1.25', ''])
  })

  test('allows more copies to more than a hundred agents', () => {
    const bound = (agents: number) => table(pull({ agents })).get('copies that left the origin')?.[1]
    expect([100, 101].map(bound)).toEqual(['<= 1.5', '<= 2.5'])
  })

  test('has a measured server only where there was one, and fits its columns', () => {
    expect(table(pull()).has('the same, nginx, s')).toBe(false)
    expect(table(pull({ serverMs: 4100 })).get('the same, nginx, s')).toEqual(['4.10', ''])
    expect(scaleRows(pull()).every((row) => row.length === scaleColumns.length)).toBe(true)
  })
})

test('a pull that was given up has not met its bound', () => {
  const { rows } = withVerdicts({
    columns: scaleColumns,
    rows: givenUpRows({ agents: 500, layers: 4, afterMs: 180_000 }),
  })
  expect(rows.map((row) => row.slice(3))).toEqual([['not all after 180 s', '<= 1.2', 'not met']])
})
