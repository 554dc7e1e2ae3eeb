import { expect, test } from '@jest/globals'
import { keepRun, keptRuns } from '../../../bench/simulation/kept-runs.ts'
import { coarse, krakenScenario } from '../../../bench/simulation/scenario.ts'
import { simulate } from '../../../bench/simulation/simulate.ts'
import { tempFolder } from '../../../kit/temp-folder.ts'

const MIB = 1024 * 1024
const small = krakenScenario(2, { layers: [3 * MIB] })

test('the last run of each size, day and piece length is kept, even of agents that never ended', async () => {
  await using folder = await tempFolder()
  const outcome = { ...simulate(small), finishMs: [1, Number.POSITIVE_INFINITY] }
  await keepRun(folder.path, { scenario: { ...small, agents: 20 }, outcome })
  await keepRun(folder.path, { scenario: small, outcome: { ...outcome, copies: 7 } })
  await keepRun(folder.path, { scenario: small, outcome })
  await keepRun(folder.path, { scenario: small, outcome: simulate(coarse(small, 4)) })
  const runs = await keptRuns(folder.path)
  expect(runs.map(({ scenario, outcome: { pieceLength } }) => [scenario.agents, pieceLength / 1024])).toEqual([
    [2, 256],
    [2, 1024],
    [20, 256],
  ])
  expect(runs[0]).toMatchObject({ outcome: { copies: outcome.copies, finishMs: outcome.finishMs } })
})

test('a coarse run has as many pieces under way as a real one', () => {
  const { limits, pieceLength } = coarse(krakenScenario(10), 2)
  expect([pieceLength, limits.pieceBufferBytes, limits.warmPieceBytes]).toEqual([2 * MIB, 160 * MIB, 64 * MIB])
})
