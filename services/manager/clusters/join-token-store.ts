import { createHash } from 'node:crypto'
import { appError, type Random } from '../../../lib/base/index.ts'
import { newId } from '../database/ids.ts'
import type { StoreParts } from './cluster-store.ts'
import type { JoinTokenRow } from './tables.ts'

/** Join tokens of one cluster, without those of its config. */
export const MAX_TOKENS = 1000
const PREFIX = 'shoal-join-'
const TOKEN_BYTES = 32

/** A token as it is shown: without the token. */
export interface JoinToken {
  readonly id: string
  readonly clusterId: string
  readonly name: string
  readonly createdAtMs: number
  readonly expiresAtMs: number | undefined
  readonly usesLeft: number | undefined
  readonly used: number
  readonly state: 'valid' | 'expired' | 'used'
}

export interface NewJoinToken {
  readonly clusterId: string
  readonly name: string
  readonly expiresAtMs?: number | undefined
  readonly uses?: number | undefined
}

/** A token of a config. */
export interface SettledToken {
  readonly clusterId: string
  readonly name: string
  readonly token: string
}

/** Tokens by which services join clusters. Only their hashes are kept. */
export interface JoinTokenStore {
  of(clusterId: string): Promise<readonly JoinToken[]>
  /** @throws CLUSTER_FULL */
  create(actor: string, init: NewJoinToken): Promise<{ readonly token: string; readonly kept: JoinToken }>
  /** Forgets it. @throws JOIN_TOKEN_UNKNOWN */
  revoke(actor: string, clusterId: string, id: string): Promise<void>
  /** What the token is; undefined when there is none like it. */
  find(token: string): Promise<JoinToken | undefined>
  /** Makes the token of a config the one of that name; it does not end. */
  settle(actor: string, init: SettledToken): Promise<void>
}

export const secretHash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The text of a new token. */
export const randomJoinToken = (random: Random): string =>
  PREFIX + Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url')

/** What the row says of the token at that time. */
export function joinTokenOf(row: JoinTokenRow, nowMs: number): JoinToken {
  const [expiresAtMs, usesLeft] = [row.expiresAtMs ?? undefined, row.usesLeft ?? undefined]
  const state = () => {
    if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return 'expired'
    return usesLeft !== undefined && usesLeft <= 0 ? 'used' : 'valid'
  }
  return {
    ...{ id: row.id, clusterId: row.clusterId, name: row.name, used: row.used, usesLeft, state: state() },
    createdAtMs: row.createdAtMs,
    expiresAtMs,
  }
}

const tokenRow = (parts: Omit<StoreParts, 'database'>, init: NewJoinToken, token: string): JoinTokenRow => ({
  ...{ id: newId(parts), clusterId: init.clusterId, name: init.name, hash: secretHash(token), used: 0 },
  createdAtMs: Math.floor(parts.clock.now()),
  expiresAtMs: init.expiresAtMs ?? null,
  usesLeft: init.uses ?? null,
})

async function settle(parts: StoreParts, actor: string, { clusterId, name, token }: SettledToken): Promise<void> {
  const { database } = parts
  const hash = secretHash(token)
  const held = await database.read.selectFrom('joinTokens').selectAll().where('hash', '=', hash).executeTakeFirst()
  if (held?.clusterId === clusterId && held.name === name) return
  await database.change({ actor, action: 'joinToken.settle', target: clusterId, detail: { name } }, async (tx) => {
    await tx.deleteFrom('joinTokens').where('clusterId', '=', clusterId).where('name', '=', name).execute()
    await tx.deleteFrom('joinTokens').where('hash', '=', hash).execute()
    await tx
      .insertInto('joinTokens')
      .values(tokenRow(parts, { clusterId, name }, token))
      .execute()
  })
}

export function joinTokenStore(parts: StoreParts): JoinTokenStore {
  const { database, clock, random } = parts
  return {
    async of(clusterId) {
      const rows = await database.read
        .selectFrom('joinTokens')
        .selectAll()
        .where('clusterId', '=', clusterId)
        .orderBy('id')
        .execute()
      return rows.map((row) => joinTokenOf(row, clock.now()))
    },
    create: (actor, init) => {
      const token = randomJoinToken(random)
      const row = tokenRow(parts, init, token)
      const entry = {
        actor,
        action: 'joinToken.create',
        target: init.clusterId,
        detail: { id: row.id, name: row.name },
      }
      return database.change(entry, async (tx) => {
        const held = await tx.selectFrom('joinTokens').select('id').where('clusterId', '=', init.clusterId).execute()
        if (held.length >= MAX_TOKENS)
          throw appError('CLUSTER_FULL', { message: `at most ${MAX_TOKENS} tokens of a cluster` })
        await tx.insertInto('joinTokens').values(row).execute()
        return { token, kept: joinTokenOf(row, clock.now()) }
      })
    },
    revoke: (actor, clusterId, id) =>
      database.change({ actor, action: 'joinToken.revoke', target: clusterId, detail: { id } }, async (tx) => {
        const own = tx.deleteFrom('joinTokens').where('clusterId', '=', clusterId).where('id', '=', id)
        const { numDeletedRows } = await own.executeTakeFirstOrThrow()
        if (numDeletedRows === 0n) throw appError('JOIN_TOKEN_UNKNOWN', { detail: { token: id } })
      }),
    async find(token) {
      const row = await database.read
        .selectFrom('joinTokens')
        .selectAll()
        .where('hash', '=', secretHash(token))
        .executeTakeFirst()
      return row && joinTokenOf(row, clock.now())
    },
    settle: (actor, init) => settle(parts, actor, init),
  }
}
