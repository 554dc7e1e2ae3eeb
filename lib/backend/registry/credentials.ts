import type { AbortOptions } from '../../base/index.ts'

/** Our login to a registry; never logged. */
export type Login =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** Some registries let `docker login` save an identity token; it is exchanged for tokens and is not a password. */
  | { readonly kind: 'identity'; readonly token: string }

/** A source of logins. It is asked whenever a login is needed, so that rotated credentials take effect at once. */
export interface Credentials {
  /** Undefined: continue anonymously. @throws CONFIG_INVALID, BACKEND_UNAVAILABLE when a helper fails */
  find(options: AbortOptions): Promise<Login | undefined>
}

/** The name and password in the config, or an anonymous login. */
export function fixedCredentials(
  login: { readonly username: string; readonly password: string } | undefined,
): Credentials {
  return { find: async () => login && { kind: 'password', ...login } }
}

/** The `Authorization` header of HTTP Basic. */
export function basicAuthorization({ username, password }: Extract<Login, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
