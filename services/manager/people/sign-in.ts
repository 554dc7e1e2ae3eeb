import { type AbortOptions, appError, type Clock, type Random } from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { ManagerDatabase, Tx } from '../database/index.ts'
import type { Caller, CallingUser } from './caller.ts'
import type { Links } from './links.ts'
import type { ProvidedUser } from './oidc/claims.ts'
import type { Passwords } from './passwords.ts'
import { grantsOfRoles } from './roles.ts'
import type { Place, Sessions } from './sessions.ts'
import type { UserTable } from './tables.ts'
import type { Throttle } from './throttle.ts'
import { insertUser, setRoles } from './users.ts'

/** How people begin to be known to the manager. */
export interface SignIn {
  /** @throws SIGN_IN_FAILED, which does not say whether there is such a user; TOOMANYREQUESTS */
  byPassword(shown: ShownPassword, place: Place, options: AbortOptions): Promise<OpenedSession>
  /** @throws LINK_UNKNOWN, NAME_TAKEN, ROLE_UNKNOWN, BODY_INVALID, TOOMANYREQUESTS */
  byLink(shown: ShownLink, place: Place, options: AbortOptions): Promise<OpenedSession>
  /**
   * Makes the user at the first time. His roles are those that the provider gives him now; without any he is not let in.
   * @throws SIGN_IN_FAILED, NAME_TAKEN, ROLE_UNKNOWN
   */
  byProvider(user: ProvidedUser, place: Place): Promise<OpenedSession>
  /** Ends the other sessions of the user. @throws SIGN_IN_FAILED, TOOMANYREQUESTS */
  changePassword(
    caller: Caller & { readonly user: CallingUser; readonly sessionId: string },
    change: { readonly old: string; readonly new: string },
    options: AbortOptions & { readonly from: string },
  ): Promise<void>
}

export interface ShownPassword {
  readonly name: string
  readonly password: string
}

export interface ShownLink {
  readonly link: string
  readonly name?: string | undefined
  readonly password?: string | undefined
}

/** The text for the cookie. */
export interface OpenedSession {
  readonly value: string
  readonly expiresAtMs: number
}

export interface SignInComponents {
  readonly database: ManagerDatabase
  readonly sessions: Pick<Sessions, 'open'>
  readonly links: Pick<Links, 'look' | 'use'>
  readonly passwords: Passwords
  readonly throttle: Throttle
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

const outcomes = ['password', 'link', 'provider', 'refused', 'throttled'] as const
type Outcome = (typeof outcomes)[number]

/** Counts who signs in. */
function signInCounter(metrics: Metrics): (outcome: Outcome) => void {
  const family = metrics.counter({ name: 'shoal_manager_sign_ins_total', help: 'Tries to sign in, by outcome.' }, [
    'outcome',
  ])
  for (const outcome of outcomes) family.with({ outcome }).add(0)
  return (outcome) => family.with({ outcome }).add()
}

const byName = (tx: Pick<Tx, 'selectFrom'>, name: string) =>
  tx.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst()

const byProvided = (tx: Pick<Tx, 'selectFrom'>, provider: string, subject: string) =>
  tx.selectFrom('users').selectAll().where('provider', '=', provider).where('subject', '=', subject).executeTakeFirst()

class ComingIn implements SignIn {
  readonly #components: SignInComponents
  readonly #count: (outcome: Outcome) => void

  constructor(components: SignInComponents) {
    this.#components = components
    this.#count = signInCounter(components.metrics)
  }

  async byPassword(shown: ShownPassword, place: Place, options: AbortOptions) {
    const { database, sessions } = this.#components
    const user = await this.#proven(shown, place.address, options)
    const password = await this.#renewed(user, shown.password, options)
    const entry = {
      ...{ actor: `user:${user.name}`, action: 'session.open', target: user.name },
      detail: { by: 'password', address: place.address },
    }
    const opened = await database.change(entry, async (tx) => {
      // It may have been changed, or the user disabled, while the hash was made.
      const now = await byName(tx, user.name)
      if (now?.password !== user.password || now.disabled === 1) throw appError('SIGN_IN_FAILED')
      await tx.updateTable('users').set({ password }).where('id', '=', user.id).execute()
      return sessions.open(tx, user.id, place)
    })
    this.#count('password')
    return opened
  }

  async byLink({ link: text, name, password }: ShownLink, place: Place, options: AbortOptions) {
    const { database, sessions, links, passwords } = this.#components
    const link = await links.look(database.read, text)
    const isNew = link.kind !== 'user'
    if (isNew && (name === undefined || password === undefined))
      throw appError('BODY_INVALID', { message: 'a new user needs a name and a password' })
    if (!isNew && (name !== undefined || password !== undefined))
      throw appError('BODY_INVALID', { message: 'this link signs somebody in who has a name already' })
    const hash = password === undefined ? undefined : await passwords.hash(password, options)
    const entry = {
      ...{ actor: isNew ? `user:${name ?? ''}` : link.createdBy, action: isNew ? 'user.join' : 'session.open' },
      ...{ target: name ?? link.userId ?? '', detail: { by: 'link', from: link.createdBy, address: place.address } },
    }
    const opened = await database.change(entry, async (tx) => {
      const used = await links.use(tx, text)
      // One of them may have been removed since the invitation was made.
      await grantsOfRoles(tx, used.roles)
      const user = { name: name ?? '', password: hash, roles: used.roles }
      const userId = used.userId ?? (await insertUser(tx, this.#components, user)).id
      return sessions.open(tx, userId, place)
    })
    this.#count('link')
    return opened
  }

  async byProvider({ provider, subject, name, roles }: ProvidedUser, place: Place) {
    const { database, sessions } = this.#components
    // A user chooses how he is called there, and may have been called otherwise when he came for the first time.
    const { name: own } = (await byProvided(database.read, provider, subject)) ?? { name }
    const entry = {
      ...{ actor: `user:${own}`, action: 'session.open', target: own },
      detail: { by: 'provider', provider, address: place.address, roles },
    }
    const opened = await database.change(entry, async (tx) => {
      await grantsOfRoles(tx, roles)
      const known = await byProvided(tx, provider, subject)
      if (known !== undefined) await setRoles(tx, known.id, roles)
      if (roles.length === 0 && known !== undefined)
        await tx.deleteFrom('sessions').where('userId', '=', known.id).execute()
      if (roles.length === 0 || known?.disabled === 1) return undefined
      const made = { name, roles, provider: { name: provider, subject } }
      const userId = known?.id ?? (await insertUser(tx, this.#components, made)).id
      return sessions.open(tx, userId, place)
    })
    this.#count(opened === undefined ? 'refused' : 'provider')
    if (opened === undefined) throw appError('SIGN_IN_FAILED')
    return opened
  }

  async changePassword(
    { user: { name }, sessionId, actor }: Parameters<SignIn['changePassword']>[0],
    change: Parameters<SignIn['changePassword']>[1],
    { from, ...options }: Parameters<SignIn['changePassword']>[2],
  ) {
    const user = await this.#proven({ name, password: change.old }, from, options)
    const password = await this.#components.passwords.hash(change.new, options)
    await this.#components.database.change({ actor, action: 'user.change-password', target: name }, async (tx) => {
      await tx.updateTable('users').set({ password }).where('id', '=', user.id).execute()
      await tx.deleteFrom('sessions').where('userId', '=', user.id).where('id', '!=', sessionId).execute()
    })
  }

  #admitted(name: string, from: string): () => void {
    try {
      return this.#components.throttle.admit(name, from)
    } catch (err) {
      this.#count('throttled')
      throw err
    }
  }

  /** The user, if that is his password; takes as long when there is no such user. */
  async #proven({ name, password }: ShownPassword, from: string, options: AbortOptions): Promise<UserTable> {
    const { database, passwords, logger } = this.#components
    const succeeded = this.#admitted(name, from)
    const user = await byName(database.read, name)
    // Whom a provider knows has no password, also where one was set by an earlier version.
    const right = user?.provider === null ? user.password : null
    const isRight = await passwords.matches(password, right ?? undefined, options)
    if (user === undefined || !isRight || user.disabled === 1) {
      this.#count('refused')
      logger.info('refused a sign-in', { from })
      throw appError('SIGN_IN_FAILED')
    }
    succeeded()
    return user
  }

  /** With the parameters of today. */
  async #renewed(user: UserTable, password: string, options: AbortOptions): Promise<string | null> {
    const { passwords } = this.#components
    const isOld = user.password !== null && passwords.isOld(user.password)
    return isOld ? passwords.hash(password, options) : user.password
  }
}

export const signIn = (components: SignInComponents): SignIn => new ComingIn(components)
