import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Run } from './figures.ts'

/** Keeps a run beside those of other sizes and days, since a large one may take a night. */
export async function keepRun(folder: string, { scenario: { name, agents }, outcome }: Run): Promise<void> {
  await mkdir(folder, { recursive: true })
  // JSON has no infinity: an agent that never ended is null.
  const finishMs = outcome.finishMs.map((ms) => (Number.isFinite(ms) ? Math.round(ms * 10) / 10 : null))
  const kept = { scenario: { name, agents }, outcome: { ...outcome, finishMs } }
  await writeFile(join(folder, `${agents}-${name}.json`), JSON.stringify(kept))
}

/** The last run of each size and day, the smallest first. */
export async function keptRuns(folder: string): Promise<readonly Run[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'))
  const runs = await Promise.all(files.map(async (file) => runFrom(await readFile(join(folder, file), 'utf8'))))
  const order = (a: Run, b: Run) =>
    a.scenario.agents - b.scenario.agents || a.scenario.name.localeCompare(b.scenario.name)
  return runs.sort(order)
}

function runFrom(text: string): Run {
  const run = JSON.parse(text) as Run
  const finishMs = run.outcome.finishMs.map((ms: number | null) => ms ?? Number.POSITIVE_INFINITY)
  return { ...run, outcome: { ...run.outcome, finishMs } }
}
