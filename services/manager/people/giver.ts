import { type Clock, parseJson } from '../../../lib/base/index.ts'
import type { Reader } from '../database/index.ts'
import { commonGrants, type Grants } from './grants.ts'
import { callingUserOf } from './sessions.ts'

const everything: Grants = [{ resource: '*', action: '*' }]

/** Somebody as he stands beside what he has given, and when he gave it. */
export interface Giver {
  readonly actor: string
  readonly atMs: number
}

/**
 * What somebody may do now who has given something: nothing when the user is gone or disabled, or the token is revoked or over. Who
 * has got that name since is somebody else. Whoever had the secret of admins has everything.
 */
export async function grantsOfActor(db: Reader, { now }: Pick<Clock, 'now'>, { actor, atMs }: Giver): Promise<Grants> {
  const [, kind, name = '', token] = /^(user|token):([^/]*)(?:\/(.*))?$/.exec(actor) ?? []
  if (kind === undefined) return everything
  const row = await db
    .selectFrom('users')
    .select(['id', 'name', 'password'])
    .where('name', '=', name)
    .where('createdAtMs', '<=', atMs)
    .where('disabled', '=', 0)
    .executeTakeFirst()
  if (row === undefined) return []
  const { grants } = await callingUserOf(db, row)
  if (kind === 'user') return grants
  const shown = await db
    .selectFrom('tokens')
    .select('grants')
    .where('userId', '=', row.id)
    .where('name', '=', token ?? '')
    .where('createdAtMs', '<=', atMs)
    .where('expiresAtMs', '>', now())
    .executeTakeFirst()
  return shown === undefined ? [] : commonGrants(grants, parseJson(shown.grants) as Grants)
}
