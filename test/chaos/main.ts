import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock } from '../../lib/base/index.ts'
import { above0 } from '../bench/options.ts'
import { chaos } from './chaos.ts'
import { reportOf } from './report.ts'
import { unmetEnds, unmetFigures } from './verdicts.ts'

const clock = systemClock()
const option = (fallback: string) => ({ type: 'string', default: fallback }) as const
const { values } = parseArgs({ options: { minutes: option('30'), seed: option('1'), steps: option('') } })
// Disks are not measured: use a file system in memory where there is one.
if (existsSync('/dev/shm')) process.env['TMPDIR'] ??= '/dev/shm'

const seed = above0('seed', values.seed)
const lastMs = above0('minutes', values.minutes) * 60_000
const mostSteps = values.steps === '' ? Number.POSITIVE_INFINITY : above0('steps', values.steps)
let endMs: number | undefined
const startMs = clock.monotonicMs()
const tell = (line: string) =>
  process.stderr.write(`${((clock.monotonicMs() - startMs) / 1000).toFixed(1).padStart(7)} s  ${line}\n`)

const result = await chaos({
  ...{ seed, agents: 3, origins: 3, coldBlobs: 400, maxBlobBytes: 9_000_000 },
  ...{ calmOps: 40, stepMs: 6000, forgetLies: false, boundMs: 180_000, patienceMs: 600_000, atTheEnd: 60 },
  restMs: 20_000,
  goOn(steps) {
    endMs ??= clock.monotonicMs() + lastMs
    return steps < mostSteps && clock.monotonicMs() < endMs
  },
  tell,
})
const unmet = [...unmetEnds(result), ...unmetFigures(result)]
process.stdout.write(`${reportOf(result)}\n`)
process.stdout.write(
  unmet.length === 0 ? '\nall conditions are met\n' : `\nnot met:\n${unmet.map((text) => `  ${text}\n`).join('')}`,
)
if (unmet.length > 0) process.exitCode = 1
