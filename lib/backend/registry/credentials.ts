import type { AbortOptions } from '../../base/index.ts'

/** Who we are to a registry; never logged. */
export type Login =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** What `docker login` of some registries leaves: exchanged for tokens, no password. */
  | { readonly kind: 'identity'; readonly token: string }

/** Where logins come from. Asked each time that one is needed, so that what was rotated counts at once. */
export interface Credentials {
  /** Undefined: go on without a name. @throws CONFIG_INVALID, BACKEND_UNAVAILABLE when a helper fails */
  find(options: AbortOptions): Promise<Login | undefined>
}

/** A name and password that stand in the config, or nobody. */
export function fixedCredentials(
  login: { readonly username: string; readonly password: string } | undefined,
): Credentials {
  return { find: async () => login && { kind: 'password', ...login } }
}

/** `Authorization` for HTTP Basic. */
export function basicAuthorization({ username, password }: Extract<Login, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
