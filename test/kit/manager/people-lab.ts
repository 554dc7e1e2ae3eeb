import { expect } from '@jest/globals'
import { fakeClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import type { ManagerDatabase } from '../../../services/manager/database/index.ts'
import type { Caller } from '../../../services/manager/people/caller.ts'
import { linkList } from '../../../services/manager/people/links.ts'
import { roleList } from '../../../services/manager/people/roles.ts'
import { sessionList } from '../../../services/manager/people/sessions.ts'
import { signIn } from '../../../services/manager/people/sign-in.ts'
import { throttle } from '../../../services/manager/people/throttle.ts'
import { tokenList } from '../../../services/manager/people/tokens.ts'
import { userList } from '../../../services/manager/people/users.ts'
import type { OpenDatabase } from './databases.ts'
import { quickPasswords } from './manager-lab.ts'

/** Whoever has the secret of admins. */
export const root: Caller = { actor: 'admin', kind: 'secret', grants: [{ resource: '*', action: '*' }] }
export const PASSWORD = 'correct horse battery'
export const place = { address: '192.0.2.1', agent: 'a browser' }
export const HOUR_MS = 3_600_000
const times = { idle: HOUR_MS, longest: 10 * HOUR_MS }

function partsOf(database: ManagerDatabase) {
  const clock = fakeClock(1_900_000_000_000)
  const init = { database, clock, random: systemRandom(), logger: silentLogger(), metrics: silentMetrics() }
  const [sessions, links, passwords] = [sessionList(init, times), linkList(init), quickPasswords()]
  return {
    ...{ clock, sessions, links, passwords, users: userList(init), roles: roleList(init) },
    tokens: tokenList(init, { longest: 100 * HOUR_MS }),
    comingIn: signIn({ ...init, sessions, links, passwords, throttle: throttle(clock) }),
  }
}

/** The people of a new database, and what they do without HTTP. */
export async function peopleOf(open: OpenDatabase) {
  const made = await open()
  const parts = partsOf(made.database)
  const { users, passwords, comingIn, sessions } = parts
  const create = async (name: string, roles: readonly string[]) =>
    users.create(root, { name, roles, password: await passwords.hash(PASSWORD, {}) })
  /** The user, as who calls in a session. */
  const calling = async (name: string): Promise<Caller> => {
    const { value } = await comingIn.byPassword({ name, password: PASSWORD }, place, {})
    return (await sessions.find(value))!
  }
  return { ...made, ...parts, create, calling, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

/** An error with that code. */
export const code = (name: string) => expect.objectContaining({ code: name })
