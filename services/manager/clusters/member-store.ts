import { timingSafeEqual } from 'node:crypto'
import type { HeartbeatBody, JoinBody, MemberKind, MemberState } from '../../../lib/api/index.ts'
import { appError, hasCode } from '../../../lib/base/index.ts'
import { newId } from '../database/ids.ts'
import type { Tx } from '../database/index.ts'
import type { StoreParts } from './cluster-store.ts'
import { secretHash } from './join-token-store.ts'
import type { Seal } from './seal.ts'
import type { MemberRow } from './tables.ts'

/** Members of all clusters of one manager. */
export const MAX_MEMBERS = 5000
const SECRET_BYTES = 32
/** Why a member is away that has said so. */
export const STOPPED = 'it was stopped'

/** A service that has joined. */
export interface Member {
  readonly id: string
  readonly clusterId: string
  readonly kind: MemberKind
  readonly member: string
  readonly urls: JoinBody['urls']
  readonly version: string
  readonly zone: string | undefined
  readonly network: string | undefined
  readonly sealedKey: string
  readonly joinedAtMs: number
  readonly heartbeatAtMs: number
  readonly leftAtMs: number | undefined
  readonly uptimeMs: number
  readonly generation: number | undefined
  readonly capacity: Readonly<Record<string, number>>
  readonly health: Health
}

/** How a member is. */
export interface Health {
  readonly state: MemberState
  readonly sinceMs: number
  /** Why it is not well, in words. */
  readonly reasons: readonly string[]
  readonly answeredAtMs: number | undefined
  /** Numbers that it told when it was asked. */
  readonly capacity?: Readonly<Record<string, number>>
}

export interface Joined {
  readonly clusterId: string
  /** Undefined for who has shown one. */
  readonly credential: string | undefined
}

/** The members of all clusters. */
export interface MemberStore {
  all(): Promise<readonly Member[]>
  /** Who has joined before is back: it may have another key and other addresses. @throws JOIN_REFUSED */
  rejoin(body: JoinBody & { readonly credential: string }): Promise<Joined>
  /**
   * A new member, or one in place of another of its name. Spends the token. @throws JOIN_REFUSED when it is not good any
   * more, CLUSTER_FULL
   */
  join(body: JoinBody, token: { readonly id: string; readonly clusterId: string }): Promise<Joined>
  /** @throws JOIN_REFUSED also when its admin listener takes another key than the one that is kept here */
  heartbeat(body: HeartbeatBody): Promise<void>
  /** @throws JOIN_REFUSED */
  leave(credential: string): Promise<void>
  judge(id: string, health: Health): Promise<void>
  /** @throws MEMBER_UNKNOWN */
  forget(actor: string, id: string): Promise<void>
}

/** What a key belongs to: in another row it does not open. */
export const keyOwner = (id: string) => `member ${id}`

export function memberOf(row: MemberRow): Member {
  return {
    ...{ id: row.id, clusterId: row.clusterId, kind: row.kind as MemberKind, member: row.member },
    urls: { ops: row.opsUrl, admin: row.adminUrl, ...(row.httpUrl !== null && { http: row.httpUrl }) },
    ...{ version: row.version, zone: row.zone ?? undefined, network: row.network ?? undefined },
    ...{ sealedKey: row.sealedKey, joinedAtMs: row.joinedAtMs, heartbeatAtMs: row.heartbeatAtMs },
    ...{ leftAtMs: row.leftAtMs ?? undefined, uptimeMs: row.uptimeMs, generation: row.generation ?? undefined },
    capacity: JSON.parse(row.capacity) as Member['capacity'],
    health: {
      ...{ state: row.state as MemberState, sinceMs: row.sinceMs, answeredAtMs: row.answeredAtMs ?? undefined },
      reasons: JSON.parse(row.reasons) as string[],
    },
  }
}

const refused = (message: string) => appError('JOIN_REFUSED', { message })

/** Columns that a member says of itself again and again. */
const factsOf = (body: Omit<HeartbeatBody, 'credential' | 'keySha256'>, nowMs: number) => ({
  ...{ version: body.version, zone: body.zone ?? null, network: body.network ?? null, heartbeatAtMs: nowMs },
  ...{ uptimeMs: Math.round(body.uptimeMs), generation: body.generation ?? null, leftAtMs: null },
})

/**
 * After a restore of an older copy the key may be that of an earlier start of the member, which knows nothing of it and would
 * refuse the manager until it starts again. A key that cannot be opened says nothing. @throws JOIN_REFUSED
 */
function assertKey({ id, sealedKey }: MemberRow, said: string | undefined, seal: Seal): void {
  if (said === undefined) return
  try {
    if (secretHash(seal.open(sealedKey, keyOwner(id))) === said) return
  } catch (err) {
    if (hasCode(err, 'SEAL_BROKEN')) return
    throw err
  }
  throw refused('this manager has another key of the member')
}

const placeOf = ({ urls }: JoinBody) => ({ opsUrl: urls.ops, adminUrl: urls.admin, httpUrl: urls.http ?? null })

const isRight = (secret: string, hash: string) => timingSafeEqual(Buffer.from(secretHash(secret)), Buffer.from(hash))

/** The row of a credential: the id of the member, a dot, and its secret. @throws JOIN_REFUSED */
async function owner(tx: Tx, credential: string): Promise<MemberRow> {
  const [id = '', secret = ''] = credential.split('.')
  const row = await tx.selectFrom('members').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined || !isRight(secret, row.credentialHash)) throw refused('this manager does not know the member')
  return row
}

export interface MemberStoreComponents extends StoreParts {
  readonly seal: () => Seal
}

/** Takes one use of the token. @throws JOIN_REFUSED */
async function spend(tx: Tx, id: string, nowMs: number): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('joinTokens')
    .set((eb) => ({ used: eb('used', '+', 1), usesLeft: eb('usesLeft', '-', 1) }))
    .where('id', '=', id)
    .where((eb) => eb.or([eb('usesLeft', 'is', null), eb('usesLeft', '>', 0)]))
    .where((eb) => eb.or([eb('expiresAtMs', 'is', null), eb('expiresAtMs', '>', nowMs)]))
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) throw refused('the join token is not good any more')
}

/** @throws CLUSTER_FULL */
async function assertRoom(tx: Tx): Promise<void> {
  const { count } = await tx
    .selectFrom('members')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  if (count >= MAX_MEMBERS) throw appError('CLUSTER_FULL', { message: `at most ${MAX_MEMBERS} members` })
}

const change = (tx: Tx, id: string, columns: Partial<MemberRow>) =>
  tx.updateTable('members').set(columns).where('id', '=', id).execute()

/** What was told before, and what is told now. */
const merged = (before: string, now: object | undefined) =>
  JSON.stringify({ ...(JSON.parse(before) as object), ...now })

async function rejoined(tx: Tx, body: JoinBody & { readonly credential: string }, parts: Parts): Promise<Joined> {
  const { id, kind, member, clusterId, capacity } = await owner(tx, body.credential)
  if (kind !== body.kind || member !== body.member) throw refused('the credential is that of another member')
  const sealedKey = parts.seal().close(body.key, keyOwner(id))
  const told = { ...placeOf(body), ...factsOf(body, parts.nowMs), capacity: merged(capacity, body.capacity) }
  await change(tx, id, { ...told, sealedKey })
  return { clusterId, credential: undefined }
}

async function joined(tx: Tx, body: JoinBody, clusterId: string, parts: Parts): Promise<Joined> {
  const { kind, member, key } = body
  const named = tx.deleteFrom('members').where('clusterId', '=', clusterId)
  await named.where('kind', '=', kind).where('member', '=', member).execute()
  await assertRoom(tx)
  const { id, nowMs, secret } = parts
  const row: MemberRow = {
    ...{ id, clusterId, kind, member, ...placeOf(body), ...factsOf(body, nowMs) },
    ...{ sealedKey: parts.seal().close(key, keyOwner(id)), credentialHash: secretHash(secret), joinedAtMs: nowMs },
    ...{ capacity: JSON.stringify(body.capacity ?? {}), answeredAtMs: null },
    ...{ state: 'unreachable', sinceMs: nowMs, reasons: JSON.stringify(['it has not been asked yet']) },
  }
  await tx.insertInto('members').values(row).execute()
  return { clusterId, credential: `${id}.${secret}` }
}

/** What a join needs besides what the member says. */
interface Parts {
  readonly seal: () => Seal
  readonly nowMs: number
  readonly id: string
  readonly secret: string
}

export function memberStore({ database, seal, clock, random }: MemberStoreComponents): MemberStore {
  const nowOf = () => Math.floor(clock.now())
  const partsOf = (): Parts => ({
    ...{ seal, nowMs: nowOf(), id: newId({ clock, random }) },
    secret: Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url'),
  })
  return {
    async all() {
      const rows = await database.read.selectFrom('members').selectAll().orderBy('id').limit(MAX_MEMBERS).execute()
      return rows.map(memberOf)
    },
    rejoin: (body) => database.keep((tx) => rejoined(tx, body, partsOf())),
    join(body, { id: token, clusterId }) {
      const entry = { actor: `member:${body.kind}/${body.member}`, action: 'member.join', target: clusterId }
      return database.change({ ...entry, detail: { token, urls: body.urls } }, async (tx) => {
        await spend(tx, token, nowOf())
        return joined(tx, body, clusterId, partsOf())
      })
    },
    heartbeat: (body) =>
      database.keep(async (tx) => {
        const row = await owner(tx, body.credential)
        const { id, capacity } = row
        assertKey(row, body.keySha256, seal())
        await change(tx, id, { ...factsOf(body, nowOf()), capacity: merged(capacity, body.capacity) })
      }),
    leave: (credential) =>
      database.keep(async (tx) => {
        const { id } = await owner(tx, credential)
        const nowMs = nowOf()
        await change(tx, id, { leftAtMs: nowMs, state: 'away', sinceMs: nowMs, reasons: JSON.stringify([STOPPED]) })
      }),
    judge: (id, { state, sinceMs, reasons, answeredAtMs = null, capacity }) =>
      database.keep(async (tx) => {
        const row = await tx.selectFrom('members').select('capacity').where('id', '=', id).executeTakeFirst()
        if (row === undefined) return
        const told = { state, sinceMs: Math.floor(sinceMs), reasons: JSON.stringify(reasons) }
        const atMs = answeredAtMs === null ? null : Math.floor(answeredAtMs)
        await change(tx, id, { ...told, answeredAtMs: atMs, capacity: merged(row.capacity, capacity) })
      }),
    forget: (actor, id) =>
      database.change({ actor, action: 'member.forget', target: id }, async (tx) => {
        const { numDeletedRows } = await tx.deleteFrom('members').where('id', '=', id).executeTakeFirstOrThrow()
        if (numDeletedRows === 0n) throw appError('MEMBER_UNKNOWN', { detail: { member: id } })
      }),
  }
}
