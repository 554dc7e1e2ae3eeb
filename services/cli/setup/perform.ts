import { rmdir } from 'node:fs/promises'
import { hasCode } from '../../../lib/base/index.ts'
import { furtherChange, takenBack } from './changes.ts'
import type { Engine, PlannedFile } from './engine.ts'
import { lineDiff } from './line-diff.ts'
import type { MachineFiles } from './machine-files.ts'
import { readRecord, removeRecord, type SetupRecord, writeRecord } from './record.ts'
import type { SetupRequest } from './request.ts'

export interface Options {
  /** Only tells what would change. */
  readonly dryRun: boolean
  readonly say: (text: string) => void
}

const NOTHING = 'nothing to change'

/** The record is written before the files: what was only half done can be undone as well. */
async function apply(engine: Engine, changed: readonly PlannedFile[], files: MachineFiles): Promise<void> {
  const known = await readRecord(engine.record, files)
  const changes = new Map(known.changes.map((change) => [change.path, change]))
  for (const { path, after } of changed) {
    const now = await files.bytes(path)
    changes.set(path, furtherChange(changes.get(path), now, { path, before: now, after: Buffer.from(after) }))
  }
  const record: SetupRecord = { changes: [...changes.values()], folders: known.folders }
  await writeRecord(engine.record, record, files)
  const made: string[] = []
  for (const { path, after } of changed) made.push(...(await files.write(path, Buffer.from(after))))
  if (made.length > 0)
    await writeRecord(engine.record, { ...record, folders: [...new Set([...known.folders, ...made])] }, files)
}

/** Points an engine at the agent. @throws CONFIG_INVALID, CHANGED_MEANWHILE, and errors of the file system */
export async function setUp(
  engine: Engine,
  request: SetupRequest,
  { files, dryRun, say }: Options & { readonly files: MachineFiles },
): Promise<void> {
  const plan = await engine.plan(request, files)
  const changed = plan.files.filter(({ before, after }) => before !== after)
  for (const { path, before, after } of changed) say(lineDiff(path, before, after))
  if (changed.length === 0) say(NOTHING)
  else {
    if (!dryRun) await apply(engine, changed, files)
    say(engine.reload(changed.map(({ path }) => path)))
  }
  for (const note of plan.notes) say(note)
}

async function removeEmpty(folders: readonly string[], files: MachineFiles): Promise<void> {
  for (const folder of folders.toReversed()) {
    await rmdir(files.folder(folder)).catch((err: unknown) => {
      if (!hasCode(err, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw err
    })
  }
}

/** Takes back every change that setups of this engine have made: all of it, or nothing. @throws CHANGED_MEANWHILE */
export async function undo(
  engine: Engine,
  { files, dryRun, say }: Options & { readonly files: MachineFiles },
): Promise<void> {
  const record = await readRecord(engine.record, files)
  const steps = []
  for (const change of record.changes.toReversed()) {
    const now = await files.bytes(change.path)
    const then = takenBack(change, now)
    if (now === undefined ? then !== undefined : then === undefined || !now.equals(then))
      steps.push({ path: change.path, now, then })
  }
  for (const { path, now, then } of steps) say(lineDiff(path, now?.toString(), then?.toString()))
  if (steps.length === 0) say(NOTHING)
  else say(engine.reload(steps.map(({ path }) => path)))
  if (dryRun) return
  for (const { path, then } of steps) await (then === undefined ? files.remove(path) : files.write(path, then))
  await removeEmpty(record.folders, files)
  if (record.changes.length > 0) await removeRecord(engine.record, files)
}
