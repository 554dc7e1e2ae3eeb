import { join } from 'node:path'
import { type HeldSteering, heldSteeringSchema } from '../../../lib/api/index.ts'
import { appError, makeOwnFolder, readSmall, replaceFile } from '../../../lib/base/index.ts'

const FILE = 'steering.json'

/** The settings that a manager holds, in one file, so that they outlive the tracker. */
export interface SteeringFile {
  /** Undefined when nobody has ever held any. @throws CONFIG_INVALID when the file is there and is not ours */
  load(): Promise<HeldSteering | undefined>
  /** Returns when it is durable. */
  save(held: HeldSteering): Promise<void>
}

export function steeringFile(folder: string): SteeringFile {
  const path = join(folder, FILE)
  return {
    async load() {
      await makeOwnFolder(folder)
      const bytes = await readSmall(path)
      if (bytes === undefined) return undefined
      try {
        return heldSteeringSchema.parse(JSON.parse(bytes.toString()))
      } catch (err) {
        const message = `the file of the settings that a manager holds cannot be read: correct or remove ${path}`
        throw appError('CONFIG_INVALID', { message, cause: err })
      }
    },
    save: (held) => replaceFile(path, JSON.stringify(held)),
  }
}
