import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Run } from './figures.ts'

/** Keeps a run beside those of other sizes and days, since a large one may take a night. */
export async function keepRun(folder: string, { scenario: { name, agents }, outcome }: Run): Promise<void> {
  await mkdir(folder, { recursive: true })
  const { finishMs, firstByteMs, meanByteMs, pieceLength } = outcome
  const times = { finishMs: kept(finishMs), firstByteMs: kept(firstByteMs), meanByteMs: kept(meanByteMs) }
  const run = { scenario: { name, agents }, outcome: { ...outcome, ...times } }
  await writeFile(join(folder, `${agents}-${name}-${pieceLength / 1024}.json`), JSON.stringify(run))
}

/** The last run of each size, day and piece length, the smallest first. */
export async function keptRuns(folder: string): Promise<readonly Run[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'))
  const runs = await Promise.all(files.map(async (file) => runFrom(await readFile(join(folder, file), 'utf8'))))
  const order = (a: Run, b: Run) =>
    a.scenario.agents - b.scenario.agents ||
    a.scenario.name.localeCompare(b.scenario.name) ||
    a.outcome.pieceLength - b.outcome.pieceLength
  return runs.sort(order)
}

/** What runs lack that were kept before there were zones. */
const noZones = { copiesAcross: 0 }

function runFrom(text: string): Run {
  const run = JSON.parse(text) as Run
  const { finishMs, firstByteMs, meanByteMs } = run.outcome
  const times = { finishMs: read(finishMs), firstByteMs: read(firstByteMs), meanByteMs: read(meanByteMs) }
  return { ...run, outcome: { ...noZones, ...run.outcome, ...times } }
}

// JSON has no infinity: what never came is null.
const kept = (times: readonly number[]) => times.map((ms) => (Number.isFinite(ms) ? Math.round(ms * 10) / 10 : null))
const read = (times: readonly (number | null)[]) => times.map((ms) => ms ?? Number.POSITIVE_INFINITY)
