import { join } from 'node:path'
import { makeOwnFolder, readSmall, replaceFile } from '../base/index.ts'

/** What a member keeps over a restart. */
export interface Kept {
  /** The manager that gave the credential. */
  readonly url: string
  readonly member: string
  readonly credential: string
}

const FILE = 'manager.json'

/** Where it is kept: `manager.json` in the folder of the service, which only its user may read; nowhere without a folder. */
export interface KeptJoin {
  /** Undefined when there is none, or none for this manager and name. */
  read(): Promise<Kept | undefined>
  write(kept: Kept): Promise<void>
}

export function keptJoin(
  folder: string | undefined,
  { url, member }: { readonly url: string; readonly member: () => string },
): KeptJoin {
  let held: Kept | undefined
  const isOurs = (kept: Kept | undefined) => kept?.url === url && kept.member === member()
  return {
    async read() {
      if (held === undefined && folder !== undefined) held = parse(await readSmall(join(folder, FILE)))
      return isOurs(held) ? held : undefined
    },
    async write(kept) {
      held = kept
      if (folder === undefined) return
      await makeOwnFolder(folder)
      await replaceFile(join(folder, FILE), JSON.stringify(kept))
    },
  }
}

/** A file that says nothing sensible is as good as none: the service joins anew. */
function parse(bytes: Buffer | undefined): Kept | undefined {
  try {
    const found = JSON.parse(bytes?.toString('utf8') ?? '{}') as Partial<Kept>
    const { url, member, credential } = found
    const isWhole = [url, member, credential].every((value) => typeof value === 'string')
    return isWhole ? (found as Kept) : undefined
  } catch {
    return undefined
  }
}
