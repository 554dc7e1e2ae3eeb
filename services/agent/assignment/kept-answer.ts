import { join } from 'node:path'
import { type AssignmentAnswer, assignmentSchema } from '../../../lib/api/index.ts'
import { makeOwnFolder, readSmall, replaceFile } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'

const FILE = 'assignment.json'

/** The last answer of a manager, kept in the folder of the agent. */
export interface KeptAnswer {
  /** Undefined when there is none, or none that makes sense. */
  read(): Promise<AssignmentAnswer | undefined>
  write(answer: AssignmentAnswer): Promise<void>
}

export function keptAnswer({ logger }: { readonly logger: Logger }, folder: string): KeptAnswer {
  const path = join(folder, FILE)
  return {
    async read() {
      try {
        const bytes = await readSmall(path)
        return bytes === undefined ? undefined : assignmentSchema.parse(JSON.parse(bytes.toString()))
      } catch (err) {
        logger.warn('failed to read the kept assignment; the config holds until a manager answers', { err })
        return undefined
      }
    },
    async write(answer) {
      try {
        await makeOwnFolder(folder)
        await replaceFile(path, JSON.stringify(answer))
      } catch (err) {
        logger.warn('failed to keep the assignment; after a restart a manager has to say it again', { err })
      }
    },
  }
}
