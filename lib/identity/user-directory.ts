import { createHash } from 'node:crypto'
import { type Clock, lifecycle, type Startable } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { attempts } from './attempts.ts'
import { passwordThread } from './bcrypt-thread.ts'
import { type PasswordHashes, parsePasswordFile } from './password-file.ts'
import { watchedFile } from './watched-file.ts'

/** The users of a file of passwords. */
export interface UserDirectory extends Startable {
  has(user: string): boolean
  /**
   * Whether that is the password of the user; takes as long for a user that does not exist. `from` is the caller's address.
   * @throws TOOMANYREQUESTS, ABORTED
   */
  knows(login: Login, signal: AbortSignal | undefined): Promise<boolean>
}

export interface Login {
  readonly user: string
  readonly password: string
  readonly from: string
}

/** Of a random password that nobody has kept; where the file has no users. */
const NOBODY = '$2b$10$abcdefghijklmnopqrstuuW1Zc0wS3pWn1m0b0Gd6gkq7bqXzWm7e'

/**
 * The hash with which the password of a user is compared who does not exist. It is one of the file, and for a name always the
 * same one, at each proxy: so names that do not exist take as long as some that do, also where hashes differ in their cost.
 */
export function standIn(users: PasswordHashes | undefined, user: string): string {
  const hashes = [...(users?.values() ?? [])]
  const at = createHash('sha256').update(user).digest().readUInt32BE() % Math.max(1, hashes.length)
  return hashes[at] ?? NOBODY
}

export function userDirectory(
  components: { readonly clock: Clock; readonly logger: Logger },
  { path, onChange }: { readonly path: string; readonly onChange: () => void },
): UserDirectory {
  const file = watchedFile<PasswordHashes>(components, { path, parse: parsePasswordFile, onChange })
  const thread = passwordThread()
  const tries = attempts(components.clock)
  const check = async ({ user, password }: Login): Promise<true | undefined> => {
    const hash = file.value?.get(user)
    const isRight = await thread.matches(password, hash ?? standIn(file.value, user))
    return hash !== undefined && isRight ? true : undefined
  }
  return {
    ...lifecycle([thread, file]),
    has: (user) => file.value?.has(user) === true,
    knows: async (login, signal) => (await tries.run(login.from, () => check(login), signal)) === true,
  }
}
