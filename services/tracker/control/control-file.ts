import { join } from 'node:path'
import { type TrackerControl, trackerControlSchema } from '../../../lib/api/index.ts'
import { appError, makeOwnFolder, readSmall, replaceFile } from '../../../lib/base/index.ts'

const FILE = 'control.json'
const nothing: TrackerControl = { bans: [], drains: [], settings: {} }

/** What admins have said, in one file, so that it outlives the tracker. */
export interface ControlFile {
  /** @throws CONFIG_INVALID when the file is there and is not ours */
  load(): Promise<TrackerControl>
  /** Returns when it is durable. Calls take effect one after the other. */
  save(control: TrackerControl): Promise<void>
}

export function controlFile(folder: string): ControlFile {
  const path = join(folder, FILE)
  let last: Promise<void> = Promise.resolve()
  return {
    async load() {
      await makeOwnFolder(folder)
      const bytes = await readSmall(path)
      if (bytes === undefined) return nothing
      try {
        return trackerControlSchema.parse(JSON.parse(bytes.toString()))
      } catch (err) {
        const message = `the file of bans, drains and settings cannot be read: correct or remove ${path}`
        throw appError('CONFIG_INVALID', { message, cause: err })
      }
    },
    save(control) {
      const saved = last.then(() => replaceFile(path, JSON.stringify(control, null, 2)))
      last = saved.catch(() => undefined)
      return saved
    },
  }
}
