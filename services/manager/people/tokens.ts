import type { Grant, TokenRow } from '../../../lib/api/index.ts'
import { appError, type Clock, parseJson, type Random } from '../../../lib/base/index.ts'
import type { PageRequest } from '../../../lib/http/index.ts'
import { type ManagerDatabase, newId, type Reader, type Tx } from '../database/index.ts'
import { type Caller, type CallingUser, requireCovered } from './caller.ts'
import { commonGrants, grantsText } from './grants.ts'
import { callingUserOf } from './sessions.ts'
import { newSecret, secretHash, TOKEN_PREFIX } from './shown-secrets.ts'

/** Most tokens of one user. */
const MAX_TOKENS = 200
/** A use is noted so often. */
const NOTE_MS = 60_000

/** Personal access tokens: for programs that act for a user. */
export interface Tokens {
  /**
   * What a token makes ends with it. @throws RIGHTS_EXCEEDED, NAME_TAKEN, PEOPLE_FULL, BODY_INVALID for an end that is over or too
   * far away, UNAUTHORIZED when the token that makes it is revoked meanwhile
   */
  create(
    caller: Caller,
    user: CallingUser,
    init: TokenInit,
  ): Promise<{ readonly token: string; readonly kept: TokenRow }>
  /** Who shows this text; undefined for a token that is unknown or over. */
  find(token: string): Promise<Caller | undefined>
  /** Of a user, the newest first. */
  of(user: Pick<CallingUser, 'id' | 'name'>): Promise<readonly TokenRow[]>
  /** Of everybody, the newest first. */
  page(asked: PageRequest): Promise<{ readonly tokens: readonly TokenRow[]; readonly next?: string }>
  /**
   * With all that it has made. Of that user alone, if one is given; then a token ends none that was given more than it may.
   * @throws NOT_FOUND, RIGHTS_EXCEEDED
   */
  revoke(caller: Caller, id: string, user?: Pick<CallingUser, 'id'>): Promise<void>
  /** Forgets those that have ended by themselves. */
  sweep(): Promise<void>
}

export interface TokenInit {
  readonly name: string
  readonly grants: readonly Grant[]
  readonly expiresAtMs: number
}

export interface TokensComponents {
  readonly database: ManagerDatabase
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

const tokensWithUsers = (db: Reader) =>
  db
    .selectFrom('tokens')
    .innerJoin('users', 'users.id', 'tokens.userId')
    .leftJoin('tokens as maker', 'maker.id', 'tokens.madeBy')
    .select(['tokens.id as id', 'users.name as user', 'tokens.name as name', 'maker.name as madeBy'])
    .select(['tokens.grants as grants', 'tokens.usedAtMs as usedAtMs', 'tokens.expiresAtMs as expiresAtMs'])
    .select('tokens.createdAtMs as createdAtMs')

type Found = Awaited<ReturnType<ReturnType<typeof tokensWithUsers>['execute']>>[number]

const rowOf = ({ grants, usedAtMs, madeBy, ...row }: Found): TokenRow => ({
  ...row,
  grants: parseJson(grants) as Grant[],
  ...(usedAtMs !== null && { usedAtMs }),
  ...(madeBy !== null && { madeBy }),
})

/** The token by which the caller makes another one; undefined for a session. @throws UNAUTHORIZED when it was revoked since it was shown */
async function makerOf(
  tx: Tx,
  { tokenId }: Caller,
): Promise<{ readonly id: string; readonly name: string } | undefined> {
  if (tokenId === undefined) return undefined
  const maker = await tx.selectFrom('tokens').select(['id', 'name']).where('id', '=', tokenId).executeTakeFirst()
  if (maker === undefined) throw appError('UNAUTHORIZED')
  return maker
}

/** A token of that user and all that it has made, and what they have made. */
async function withMade(tx: Tx, userId: string, id: string): Promise<readonly string[]> {
  const rows = await tx.selectFrom('tokens').select(['id', 'madeBy']).where('userId', '=', userId).execute()
  const ending = new Set([id])
  // A set tells those that are added on the way, too.
  for (const maker of ending) for (const row of rows) if (row.madeBy === maker) ending.add(row.id)
  return [...ending]
}

class TokenList implements Tokens {
  readonly #components: TokensComponents
  readonly #longestMs: number

  constructor(components: TokensComponents, longestMs: number) {
    this.#components = components
    this.#longestMs = longestMs
  }

  async create(caller: Caller, user: CallingUser, { name, grants, expiresAtMs }: TokenInit) {
    const { database, clock, random } = this.#components
    this.#assertEnd(expiresAtMs)
    requireCovered(caller, grants)
    // Whoever has found a token may not keep it alive by another one.
    const isLonger = caller.kind === 'token' && expiresAtMs > (caller.expiresAtMs ?? 0)
    if (isLonger) throw appError('RIGHTS_EXCEEDED', { message: 'a token makes none that lives longer than itself' })
    const token = TOKEN_PREFIX + newSecret(random)
    const target = `${user.name}/${name}`
    const entry = { actor: caller.actor, action: 'token.create', target, detail: { grants, expiresAtMs } }
    const kept = await database.change(entry, async (tx) => {
      const others = await tx.selectFrom('tokens').select('name').where('userId', '=', user.id).execute()
      if (others.length >= MAX_TOKENS) throw appError('PEOPLE_FULL')
      if (others.some((other) => other.name === name)) throw appError('NAME_TAKEN')
      const maker = await makerOf(tx, caller)
      const row = {
        ...{ id: newId({ clock, random }), name, grants: grantsText(grants) },
        ...{ createdAtMs: clock.now(), expiresAtMs, usedAtMs: null },
      }
      await tx
        .insertInto('tokens')
        .values({ ...row, userId: user.id, madeBy: maker?.id ?? null, hash: secretHash(token) })
        .execute()
      return rowOf({ ...row, user: user.name, madeBy: maker?.name ?? null })
    })
    return { token, kept }
  }

  async find(token: string): Promise<Caller | undefined> {
    const { database, clock } = this.#components
    const row = await database.read
      .selectFrom('tokens')
      .innerJoin('users', 'users.id', 'tokens.userId')
      .select(['tokens.id as tokenId', 'tokens.name as tokenName', 'grants', 'usedAtMs', 'expiresAtMs'])
      .select(['users.id as id', 'users.name as name', 'password'])
      .where('tokens.hash', '=', secretHash(token))
      .where('disabled', '=', 0)
      .executeTakeFirst()
    const nowMs = clock.now()
    if (row === undefined || nowMs >= row.expiresAtMs) return undefined
    if (nowMs - (row.usedAtMs ?? 0) >= NOTE_MS) await this.#note(row.tokenId)
    const { user, grants } = await callingUserOf(database.read, row)
    return {
      ...{ actor: `token:${user.name}/${row.tokenName}`, kind: 'token', user, expiresAtMs: row.expiresAtMs },
      tokenId: row.tokenId,
      grants: commonGrants(grants, parseJson(row.grants) as Grant[]),
    }
  }

  async of({ id }: Pick<CallingUser, 'id'>) {
    const all = tokensWithUsers(this.#components.database.read).where('tokens.userId', '=', id)
    return (await all.orderBy('tokens.id', 'desc').execute()).map(rowOf)
  }

  async page({ count, last }: PageRequest) {
    const all = tokensWithUsers(this.#components.database.read)
      .orderBy('tokens.id', 'desc')
      .limit(count + 1)
    const rows = await (last === undefined ? all : all.where('tokens.id', '<', last)).execute()
    const shown = rows.slice(0, count)
    const next = rows.length > count ? shown.at(-1)?.id : undefined
    return { tokens: shown.map(rowOf), ...(next !== undefined && { next }) }
  }

  revoke(caller: Caller, id: string, user?: Pick<CallingUser, 'id'>) {
    const entry = { actor: caller.actor, action: 'token.revoke', target: id }
    return this.#components.database.change(entry, async (tx) => {
      const row = await tx.selectFrom('tokens').select(['userId', 'grants']).where('id', '=', id).executeTakeFirst()
      if (row === undefined || (user !== undefined && row.userId !== user.id)) throw appError('NOT_FOUND')
      // Whoever has found a token that may do little does not end those that may do more.
      const isOwn = user !== undefined && caller.kind === 'token'
      if (isOwn) requireCovered(caller, parseJson(row.grants) as Grant[])
      await tx
        .deleteFrom('tokens')
        .where('id', 'in', await withMade(tx, row.userId, id))
        .execute()
    })
  }

  async sweep() {
    const { database, clock } = this.#components
    await database.keep((tx) => tx.deleteFrom('tokens').where('expiresAtMs', '<=', clock.now()).execute())
  }

  #assertEnd(expiresAtMs: number): void {
    const leftMs = expiresAtMs - this.#components.clock.now()
    if (leftMs <= 0) throw appError('BODY_INVALID', { message: 'expiresAtMs is over' })
    if (leftMs <= this.#longestMs) return
    const detail = { longestMs: this.#longestMs }
    throw appError('BODY_INVALID', { message: 'a token ends sooner: see people.tokens.longest', detail })
  }

  async #note(id: string): Promise<void> {
    const { database, clock } = this.#components
    const usedAtMs = clock.now()
    await database.keep((tx) => tx.updateTable('tokens').set({ usedAtMs }).where('id', '=', id).execute())
  }
}

export const tokenList = (components: TokensComponents, { longest }: { readonly longest: number }): Tokens =>
  new TokenList(components, longest)
