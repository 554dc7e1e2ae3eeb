import type { InviteRow } from '../../../lib/api/index.ts'
import { appError, type Clock, parseJson, type Random } from '../../../lib/base/index.ts'
import { type ManagerDatabase, newId, type Reader, type Tx } from '../database/index.ts'
import { type Caller, requireCovered } from './caller.ts'
import { type Giver, giverIds, grantsOfActor } from './giver.ts'
import { ADMIN_ROLE, covers, type Grants } from './grants.ts'
import { grantsOfRoles } from './roles.ts'
import { newSecret, secretHash } from './shown-secrets.ts'
import type { GiverIds, LinkTable } from './tables.ts'
import { hasAdmin } from './users.ts'

/** Most links that nobody has used. */
const MAX_LINKS = 1_000
/** Of those for the first admin: each start of a manager makes one. */
const MAX_ADMIN_LINKS = 20
const DAY_MS = 86_400_000

/** A page of the console; what stands behind the # is sent to no server, and so stands in no log. */
const PAGE = '/welcome#'

/** Links that can be used once: by the first admin, by new users, by one who is to be signed in. */
export interface Links {
  /** Undefined while there is an admin: then those that were made before count no more. */
  forFirstAdmin(): Promise<string | undefined>
  /** Signs this user in. Whoever makes it may act as him. */
  forUser(actor: string, user: { readonly id: string; readonly name: string }): Promise<string>
  /** What it is for. @throws LINK_UNKNOWN */
  look(db: Reader, shown: string): Promise<OpenLink>
  /** In a transaction that others share: uses it up. @throws LINK_UNKNOWN, ROLE_UNKNOWN */
  use(tx: Tx, shown: string): Promise<OpenLink>
  readonly invites: Invites
  /** Forgets those that are over. */
  sweep(): Promise<void>
}

/** One-time links for new users. */
export interface Invites {
  /** @throws ROLE_UNKNOWN, RIGHTS_EXCEEDED, PEOPLE_FULL */
  make(caller: Caller, roles: readonly string[]): Promise<{ readonly path: string; readonly kept: InviteRow }>
  /** That nobody has used, the newest first. */
  open(): Promise<readonly InviteRow[]>
  /** @throws NOT_FOUND */
  revoke(caller: Caller, id: string): Promise<void>
}

/** A link that can be used now. */
export interface OpenLink {
  readonly kind: 'admin' | 'invite' | 'user'
  readonly roles: readonly string[]
  readonly userId: string | undefined
  readonly createdBy: string
  readonly giver: Giver
}

export interface LinksComponents {
  readonly database: ManagerDatabase
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

const inviteOf = ({ id, roles, createdBy, createdAtMs, expiresAtMs }: Omit<LinkTable, 'hash'>): InviteRow => ({
  ...{ id, createdBy, createdAtMs, expiresAtMs },
  roles: parseJson(roles) as string[],
})

const inviting: Grants = [{ resource: 'users', action: 'write' }]

/** An invitation gives what its maker could give now: he may have lost it since. @throws LINK_UNKNOWN, ROLE_UNKNOWN */
async function requireGiver(tx: Tx, clock: Pick<Clock, 'now'>, { giver, roles }: OpenLink): Promise<void> {
  const given = [...inviting, ...(await grantsOfRoles(tx, roles))]
  if (!covers(await grantsOfActor(tx, clock, giver), given)) throw appError('LINK_UNKNOWN')
}

type LinkInit = Pick<LinkTable, 'kind' | 'userId' | 'createdBy'> &
  Partial<GiverIds> & { readonly roles: readonly string[] }

async function add(tx: Tx, { clock, random }: LinksComponents, init: LinkInit) {
  const text = newSecret(random)
  const nowMs = clock.now()
  const row: LinkTable = {
    ...{ byUserId: null, byTokenId: null, ...init, roles: JSON.stringify(init.roles) },
    ...{ id: newId({ clock, random }), hash: secretHash(text) },
    ...{ createdAtMs: nowMs, expiresAtMs: nowMs + DAY_MS },
  }
  await tx.insertInto('links').values(row).execute()
  return { path: PAGE + text, row }
}

const inviteList = (components: LinksComponents): Invites => ({
  make(caller, roles) {
    const entry = { actor: caller.actor, action: 'user.invite', target: roles.join(','), detail: { roles } }
    return components.database.change(entry, async (tx) => {
      requireCovered(caller, await grantsOfRoles(tx, roles))
      const { count } = await tx
        .selectFrom('links')
        .select((each) => each.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      if (count >= MAX_LINKS) throw appError('PEOPLE_FULL')
      const init = { kind: 'invite', userId: null, createdBy: caller.actor, ...giverIds(caller), roles }
      const { path, row } = await add(tx, components, init)
      return { path, kept: inviteOf(row) }
    })
  },
  async open() {
    const all = components.database.read.selectFrom('links').selectAll().where('kind', '=', 'invite')
    const rows = await all.where('expiresAtMs', '>', components.clock.now()).orderBy('id', 'desc').execute()
    return rows.map(inviteOf)
  },
  revoke: (caller, id) =>
    components.database.change({ actor: caller.actor, action: 'user.revoke-invite', target: id }, async (tx) => {
      const all = tx.deleteFrom('links').where('id', '=', id).where('kind', '=', 'invite')
      if ((await all.executeTakeFirst()).numDeletedRows === 0n) throw appError('NOT_FOUND')
    }),
})

export function linkList(components: LinksComponents): Links {
  const { database, clock } = components
  const look: Links['look'] = async (db, shown) => {
    const row = await db
      .selectFrom('links')
      .selectAll()
      .where('hash', '=', secretHash(shown))
      .where('expiresAtMs', '>', clock.now())
      .executeTakeFirst()
    if (row === undefined || (row.kind === 'admin' && (await hasAdmin(db)))) throw appError('LINK_UNKNOWN')
    const { kind, roles, userId, createdBy, createdAtMs, byUserId, byTokenId } = row
    return {
      ...{ kind: kind as OpenLink['kind'], createdBy, userId: userId ?? undefined },
      giver: { actor: createdBy, atMs: createdAtMs, byUserId, byTokenId },
      roles: parseJson(roles) as string[],
    }
  }
  return {
    look,
    invites: inviteList(components),
    forFirstAdmin: () =>
      database.keep(async (tx) => {
        if (await hasAdmin(tx)) return undefined
        const all = tx.selectFrom('links').select('id').where('kind', '=', 'admin').orderBy('id', 'desc')
        const tooMany = (await all.execute()).slice(MAX_ADMIN_LINKS - 1).map(({ id }) => id)
        if (tooMany.length > 0) await tx.deleteFrom('links').where('id', 'in', tooMany).execute()
        const init = { kind: 'admin', userId: null, createdBy: 'manager', roles: [ADMIN_ROLE] }
        return (await add(tx, components, init)).path
      }),
    forUser: (actor, { id, name }) =>
      database.change({ actor, action: 'user.sign-in-link', target: name }, async (tx) => {
        return (await add(tx, components, { kind: 'user', userId: id, createdBy: actor, roles: [] })).path
      }),
    async use(tx, shown) {
      const link = await look(tx, shown)
      if (link.kind === 'invite') await requireGiver(tx, clock, link)
      await tx.deleteFrom('links').where('hash', '=', secretHash(shown)).execute()
      return link
    },
    async sweep() {
      await database.keep((tx) => tx.deleteFrom('links').where('expiresAtMs', '<=', clock.now()).execute())
    },
  }
}
