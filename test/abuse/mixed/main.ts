import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock } from '../../../lib/base/index.ts'
import { interruptible } from '../../bench/interruptible.ts'
import { above0 } from '../../bench/options.ts'
import { attackers } from './attackers/index.ts'
import { mixedAttack } from './mixed-attack.ts'
import { reportOf } from './report.ts'
import { isBack, unmetEnds, unmetFigures } from './verdicts.ts'

/** Calm as a share of the attack, in which honest clients are measured alone. */
const CALM_SHARE = 0.2
/** For what has a lifetime to end: readers that do not read, uploads, entries of trackers. */
const REST_MS = 180_000
const BASE_MS = 20_000

const clock = systemClock()
const option = (fallback: string) => ({ type: 'string', default: fallback }) as const
const { values } = parseArgs({ options: { minutes: option('15'), seed: option('1'), only: option('') } })
const only = values.only === '' ? [] : values.only.split(',')
const unknown = only.filter((name) => !attackers.some((attacker) => attacker.name === name))
if (unknown.length > 0)
  throw new Error(`no attacker ${unknown.join(', ')}; one of ${attackers.map(({ name }) => name).join(', ')}`)
// Disks are not measured: use a file system in memory where there is one.
if (existsSync('/dev/shm')) process.env['TMPDIR'] ??= '/dev/shm'

function lasting(ms: number): () => boolean {
  let endMs: number | undefined
  return () => {
    endMs ??= clock.monotonicMs() + ms
    return clock.monotonicMs() < endMs
  }
}

const attackMs = above0('minutes', values.minutes) * 60_000
const seed = above0('seed', values.seed)
const result = await interruptible((signal) =>
  mixedAttack(
    {
      ...{ seed, only },
      calm: lasting(CALM_SHARE * attackMs),
      attacked: lasting(attackMs),
      ...{ baseMs: BASE_MS, restMs: REST_MS, isBack },
      tell: (phase) => process.stderr.write(`${phase}\n`),
    },
    { signal },
  ),
)
const unmet = [...unmetEnds(result), ...unmetFigures(result)]
process.stdout.write(reportOf(result))
process.stdout.write(
  unmet.length === 0 ? '\nall conditions are met\n' : `\nnot met:\n${unmet.map((text) => `  ${text}\n`).join('')}`,
)
if (unmet.length > 0) process.exitCode = 1
