/** A person. Times are milliseconds since the epoch, booleans 0 or 1, as in all tables of a manager. */
export interface UserTable {
  readonly id: string
  readonly name: string
  /** With its parameters; null for who has none here. */
  readonly password: string | null
  /** The provider that knows the user, and as whom; null for who has a password. */
  readonly provider: string | null
  readonly subject: string | null
  readonly disabled: number
  readonly createdAtMs: number
  readonly signedInAtMs: number | null
}

/** A role that somebody has made; the built-in ones are in the program. */
export interface RoleTable {
  readonly name: string
  readonly what: string
  /** JSON. */
  readonly grants: string
  readonly createdAtMs: number
}

export interface UserRoleTable {
  readonly userId: string
  readonly role: string
}

export interface SessionTable {
  readonly id: string
  /** SHA-256 of what the cookie carries, in hex. */
  readonly hash: string
  readonly userId: string
  readonly createdAtMs: number
  readonly usedAtMs: number
  readonly expiresAtMs: number
  readonly address: string
  readonly agent: string
}

export interface TokenTable {
  readonly id: string
  readonly userId: string
  readonly name: string
  /** SHA-256 of the text, in hex. */
  readonly hash: string
  /** JSON. */
  readonly grants: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly usedAtMs: number | null
  /** The token that has made it, with which it ends; null for what a session has made. */
  readonly madeBy: string | null
}

/** The user and the token by which something was given; null for what a secret gives, and in rows of before. */
export interface GiverIds {
  readonly byUserId: string | null
  readonly byTokenId: string | null
}

/** A one-time link that nobody has used. The ids in it are of whoever has made an invitation. */
export interface LinkTable extends GiverIds {
  readonly id: string
  /** SHA-256 of what stands behind the # of the link, in hex. */
  readonly hash: string
  /** `admin`: the first admin. `invite`: a new user. `user`: signs this user in. */
  readonly kind: string
  readonly userId: string | null
  /** JSON; of the new user. */
  readonly roles: string
  readonly createdBy: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

export interface PeopleTables {
  readonly users: UserTable
  readonly roles: RoleTable
  readonly userRoles: UserRoleTable
  readonly sessions: SessionTable
  readonly tokens: TokenTable
  readonly links: LinkTable
}
