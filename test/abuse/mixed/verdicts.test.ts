import { expect, test } from '@jest/globals'
import type { HonestOp } from './honest-load.ts'
import type { MixedAttack } from './mixed-attack.ts'
import { reportOf } from './report.ts'
import { BACK_MIB, unmetEnds, unmetFigures } from './verdicts.ts'

const op = (kind: HonestOp['kind'], ms: number, outcome = 'ok'): HonestOp => ({ kind, ms, outcome, repeated: [] })
const each = (ms: number) => [op('push of an image', ms), op('pull by tag', ms), op('pull of a blob', ms)]
const tally = { acts: 1, answered: 1, refused: {}, cut: 0 }

const good: MixedAttack = {
  seed: 7,
  ...{ calm: each(10), attacked: each(49), tallies: { somebody: tally } },
  memory: { base: { 'agent-1': 100 }, peak: { 'agent-1': 400 }, rest: { 'agent-1': 100 + BACK_MIB } },
  processor: { calm: { 'agent-1': 0.1 }, attacked: { 'agent-1': 0.25 } },
  ...{ crashes: new Map(), unready: [], errors: new Map() },
}

test('a good outcome meets all conditions', () => {
  expect([...unmetEnds(good), ...unmetFigures(good)]).toEqual([])
})

test.each<[string, Partial<MixedAttack>, string]>([
  ['an operation failed', { attacked: [...each(10), op('pull by tag', 1, 'blob: 503 X')] }, 'failed: blob: 503 X'],
  [
    'an operation failed before the attack',
    { calm: [...each(10), op('pull by tag', 1, 'timeout')] },
    'failed: timeout',
  ],
  [
    'a process ended',
    { crashes: new Map([['agent-1', 'was ended by SIGABRT']]) },
    'agent-1 ended: was ended by SIGABRT',
  ],
  ['a process is not ready', { unready: ['origin-1 (503)'] }, 'origin-1 (503) is not ready'],
  ['an attacker did nothing', { tallies: { somebody: { ...tally, acts: 0 } } }, 'somebody: did nothing'],
  ['pulls take too long', { attacked: each(50) }, 'takes 5.0 times as long'],
  ['there were no pulls', { attacked: [] }, 'takes NaN times as long'],
  [
    'memory does not come back',
    { memory: { ...good.memory, rest: { 'agent-1': 101 + BACK_MIB } } },
    `agent-1 has ${101 + BACK_MIB} MiB, and had 100`,
  ],
])('says so when %s', (_, change, sentence) => {
  const bad = { ...good, ...change }
  expect([...unmetEnds(bad), ...unmetFigures(bad)].join('\n')).toContain(sentence)
})

test('the report has the seed, the ratios, the memory and what each attacker did', () => {
  const report = reportOf({ ...good, crashes: new Map([['agent-1', 'was ended by SIGABRT']]) })
  for (const part of [
    'seed 7',
    /push of an image .* 4\.9\n/,
    /agent-1 +100 +400 +220 +0.10 +0.25/,
    /somebody +1 +1 +0/,
    'SIGABRT',
  ])
    expect(report).toMatch(part)
})
