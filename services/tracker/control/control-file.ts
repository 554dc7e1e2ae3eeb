import { join } from 'node:path'
import { type ControlEntry, keptControlSchema, trackerControlSchema } from '../../../lib/api/index.ts'
import { appError, makeOwnFolder, readSmall, replaceFile } from '../../../lib/base/index.ts'

const FILE = 'control.json'

/** What admins have said, in one file, so that it outlives the tracker. */
export interface ControlFile {
  /** @throws CONFIG_INVALID when the file is there and is not ours */
  load(): Promise<readonly ControlEntry[]>
  /** Returns when it is durable. Calls take effect one after the other. */
  save(entries: readonly ControlEntry[]): Promise<void>
}

/** What a tracker kept that told no other: any word of the others is later. */
function withoutVersions(value: unknown): readonly ControlEntry[] {
  const { bans, drains, settings } = trackerControlSchema.parse(value)
  const marked = (kind: 'ban' | 'drain', marks: typeof bans): readonly ControlEntry[] =>
    marks.map((mark) => ({ kind, target: mark.target, version: { atMs: Math.round(mark.atMs), by: '' }, mark }))
  const set: readonly ControlEntry[] =
    Object.keys(settings).length === 0 ? [] : [{ kind: 'settings', target: '', version: { atMs: 0, by: '' }, settings }]
  return [...marked('ban', bans), ...marked('drain', drains), ...set]
}

export function controlFile(folder: string): ControlFile {
  const path = join(folder, FILE)
  let last: Promise<void> = Promise.resolve()
  return {
    async load() {
      await makeOwnFolder(folder)
      const bytes = await readSmall(path)
      if (bytes === undefined) return []
      try {
        const value: unknown = JSON.parse(bytes.toString())
        const saved = keptControlSchema.safeParse(value)
        return saved.success ? saved.data.entries : withoutVersions(value)
      } catch (err) {
        const message = `the file of bans, drains and settings cannot be read: correct or remove ${path}`
        throw appError('CONFIG_INVALID', { message, cause: err })
      }
    },
    save(entries) {
      const saved = last.then(() => replaceFile(path, JSON.stringify({ entries }, null, 2)))
      last = saved.catch(() => undefined)
      return saved
    },
  }
}
