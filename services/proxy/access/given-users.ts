import { join } from 'node:path'
import {
  type GivenRegistryUser,
  type Giver,
  type HeldSet,
  nothingHeld,
  parseBody,
  type RegistryUserSet,
  registryUserSetSchema,
  registryUsersHash,
  whyNotGiven,
} from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  appError,
  type Clock,
  makeOwnFolder,
  readSmall,
  replaceFile,
  type Startable,
  slots,
} from '../../../lib/base/index.ts'
import { type GivenCallers, givenCallers } from '../../../lib/identity/index.ts'

/** The users that a manager has given, or an admin in its place. They outlive the proxy. */
export interface GivenUsers extends Startable {
  readonly held: HeldSet
  readonly users: readonly GivenRegistryUser[]
  /** For whoever asks who calls. */
  readonly callers: GivenCallers
  /**
   * Replaces them. They are durable, and count, when this returns. `check` sees what is held in its turn, and may throw.
   * @throws REGISTRY_USERS_HELD, REGISTRY_USERS_STALE
   */
  give(by: Giver, set: RegistryUserSet, init: GiveInit): Promise<void>
  /** Lets go of all of them. */
  release(init: GiveInit): Promise<void>
}

export interface GiveInit extends AbortOptions {
  readonly check: (held: HeldSet) => void
}

interface Kept {
  readonly by: Giver
  readonly set: RegistryUserSet
}

const FILE = 'registry-users.json'
/** What is in the file after everything was let go of. */
const NOTHING = '{}'

function parsed(path: string, bytes: Buffer): Kept | undefined {
  try {
    const text = bytes.toString('utf8')
    if (text === NOTHING) return undefined
    const { by, set } = JSON.parse(text) as { readonly by: unknown; readonly set: unknown }
    if (by !== 'admin' && by !== 'manager') throw new Error('by')
    return { by, set: parseBody(registryUserSetSchema, set) }
  } catch (cause) {
    // Without it, who was disabled would be let in again by a file of users.
    const message = `the users that a manager has given cannot be read: correct ${path}, or remove it and give them again`
    throw appError('CONFIG_INVALID', { message, cause })
  }
}

const heldOf = (kept: Kept | undefined): HeldSet => {
  if (kept === undefined) return nothingHeld
  const { manager, generation, users } = kept.set
  return { by: kept.by, manager, generation, hash: registryUsersHash(users), count: users.length }
}

/** @throws REGISTRY_USERS_HELD, REGISTRY_USERS_STALE when that one may not give this now */
function assertMayGive(kept: Kept | undefined, by: Giver, set: RegistryUserSet): void {
  const why = whyNotGiven(kept, by, set)
  if (kept === undefined || why === undefined) return
  const { manager, generation } = kept.set
  const code = why === 'held' ? 'REGISTRY_USERS_HELD' : 'REGISTRY_USERS_STALE'
  throw appError(code, { detail: { manager, generation } })
}

export interface GivenUsersInit {
  /** Where they are kept, in a file that nobody else may read. */
  readonly folder: string
  /** They have changed. */
  readonly onChange: () => void
}

export function givenUsers(
  { clock }: { readonly clock: Pick<Clock, 'now'> },
  { folder, onChange }: GivenUsersInit,
): GivenUsers {
  const path = join(folder, FILE)
  const turns = slots(1)
  let kept: Kept | undefined
  let held = heldOf(undefined)
  let callers = givenCallers(clock, [])
  const take = (next: Kept | undefined) => {
    kept = next
    held = heldOf(next)
    callers = givenCallers(clock, next?.set.users ?? [])
    onChange()
  }
  const inTurn = ({ check, signal }: GiveInit, next: () => Kept | undefined) =>
    turns.run(
      async () => {
        check(held)
        const after = next()
        await replaceFile(path, after === undefined ? NOTHING : JSON.stringify(after))
        take(after)
      },
      { signal },
    )
  return {
    get held() {
      return held
    },
    get users() {
      return kept?.set.users ?? []
    },
    get callers() {
      return callers
    },
    give: (by, set, init) =>
      inTurn(init, () => {
        assertMayGive(kept, by, set)
        return { by, set }
      }),
    release: (init) => inTurn(init, () => undefined),
    async start() {
      await makeOwnFolder(folder)
      const bytes = await readSmall(path)
      take(bytes === undefined ? undefined : parsed(path, bytes))
    },
    stop: () => Promise.resolve(),
  }
}
