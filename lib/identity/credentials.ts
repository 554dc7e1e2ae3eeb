/** What a request shows of its caller in `Authorization`. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'malformed' }

/**
 * Reads the header. An empty name with an empty password is none: podman, skopeo and buildah answer a Basic challenge so when
 * they have no log-in.
 */
export function credentialsIn(header: string | undefined): Credentials {
  if (header === undefined) return { kind: 'none' }
  const [scheme = '', value = ''] = header.trim().split(/ +/, 2)
  if (scheme.toLowerCase() === 'bearer') return { kind: 'bearer', token: value }
  if (scheme.toLowerCase() !== 'basic') return { kind: 'malformed' }
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon < 0) return { kind: 'malformed' }
  if (pair === ':') return { kind: 'none' }
  return { kind: 'basic', user: pair.slice(0, colon), password: pair.slice(colon + 1) }
}

/** The text that is shown to prove something: the token of Bearer, or the password of Basic, which registry clients send. */
export function shownText(credentials: Credentials): string | undefined {
  if (credentials.kind === 'bearer') return credentials.token
  return credentials.kind === 'basic' ? credentials.password : undefined
}
