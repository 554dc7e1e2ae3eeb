import { appError } from '../../../lib/base/index.ts'
import type { Change } from './changes.ts'
import { readJsonObject } from './daemon-json.ts'
import type { MachineFiles } from './machine-files.ts'

/** What setups of one kind have changed on a machine, so that it can be undone. */
export interface SetupRecord {
  readonly changes: readonly Change[]
  /** Folders that were made, the outermost first. */
  readonly folders: readonly string[]
}

const pathOf = (name: string) => `/var/lib/shoal/setup/${name}.json`

interface KeptChange {
  readonly path: string
  readonly before: string | null
  readonly after: string
}

const isKept = (value: unknown): value is { readonly changes: readonly KeptChange[]; readonly folders: string[] } => {
  const { changes, folders } = value as { readonly changes?: unknown; readonly folders?: unknown }
  return Array.isArray(changes) && Array.isArray(folders)
}

/** @throws CONFIG_INVALID when the file was damaged */
export async function readRecord(name: string, files: MachineFiles): Promise<SetupRecord> {
  const path = pathOf(name)
  const text = await files.read(path)
  if (text === undefined) return { changes: [], folders: [] }
  const kept = readJsonObject(text, path)
  if (!isKept(kept)) throw appError('CONFIG_INVALID', { message: `${path}:1: this is no record of a setup` })
  return {
    folders: kept.folders,
    changes: kept.changes.map(({ path: changed, before, after }) => ({
      path: changed,
      before: before === null ? undefined : Buffer.from(before, 'base64'),
      after: Buffer.from(after, 'base64'),
    })),
  }
}

export async function writeRecord(name: string, record: SetupRecord, files: MachineFiles): Promise<void> {
  const kept = {
    folders: record.folders,
    changes: record.changes.map(({ path, before, after }) => ({
      path,
      before: before?.toString('base64') ?? null,
      after: after.toString('base64'),
    })),
  }
  await files.write(pathOf(name), Buffer.from(`${JSON.stringify(kept, null, 2)}\n`))
}

export const removeRecord = (name: string, files: MachineFiles): Promise<void> => files.remove(pathOf(name))
