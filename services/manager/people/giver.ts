import { type Clock, parseJson } from '../../../lib/base/index.ts'
import type { Reader } from '../database/index.ts'
import type { Caller } from './caller.ts'
import { commonGrants, type Grants } from './grants.ts'
import { callingUserOf } from './sessions.ts'
import type { GiverIds } from './tables.ts'

const everything: Grants = [{ resource: '*', action: '*' }]

/** Somebody as he stands beside what he has given, and when he gave it. */
export interface Giver extends GiverIds {
  readonly actor: string
  readonly atMs: number
}

export const giverIds = ({ user, tokenId }: Pick<Caller, 'user' | 'tokenId'>): GiverIds => ({
  ...{ byUserId: user?.id ?? null, byTokenId: tokenId ?? null },
})

/** The user who has given it. Rows of before tell no id: there he is the one of that name who was there at that time. */
function userOf(db: Reader, { atMs, byUserId }: Giver, name: string) {
  const all = db.selectFrom('users').select(['id', 'name', 'password']).where('disabled', '=', 0)
  const his =
    byUserId === null ? all.where('name', '=', name).where('createdAtMs', '<=', atMs) : all.where('id', '=', byUserId)
  return his.executeTakeFirst()
}

/** The token of that user which has given it, as above. */
function tokenOf(db: Reader, { atMs, byTokenId }: Giver, userId: string, name: string) {
  const all = db.selectFrom('tokens').select(['grants', 'expiresAtMs']).where('userId', '=', userId)
  const meant =
    byTokenId === null ? all.where('name', '=', name).where('createdAtMs', '<=', atMs) : all.where('id', '=', byTokenId)
  return meant.executeTakeFirst()
}

/**
 * What somebody may do now who has given something: nothing when the user is gone or disabled, or the token is revoked or over. Who
 * has got that name since is somebody else. Times are compared only where no ids are known: clocks of managers differ, and are set
 * back. Whoever had the secret of admins has everything.
 */
export async function grantsOfActor(db: Reader, { now }: Pick<Clock, 'now'>, giver: Giver): Promise<Grants> {
  const [, kind, name = '', token = ''] = /^(user|token):([^/]*)(?:\/(.*))?$/.exec(giver.actor) ?? []
  if (kind === undefined) return everything
  const row = await userOf(db, giver, name)
  if (row === undefined) return []
  const { grants } = await callingUserOf(db, row)
  if (kind === 'user') return grants
  const shown = await tokenOf(db, giver, row.id, token)
  const isOver = shown === undefined || shown.expiresAtMs <= now()
  return isOver ? [] : commonGrants(grants, parseJson(shown.grants) as Grants)
}
