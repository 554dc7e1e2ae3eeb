import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import { appError, type Clock, singleFlight } from '../../../../lib/base/index.ts'
import { type ProvidedUser, userOfClaims } from './claims.ts'
import type { OidcConfig } from './config.ts'

/** What the browser of somebody who is on his way to a provider keeps in a cookie that no script reads. */
export interface Flow {
  readonly provider: string
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** The page to which he goes on. */
  readonly to: string
}

/** A provider of OpenID Connect, by the code flow with PKCE, state and nonce. */
export interface Provider {
  readonly name: string
  readonly title: string
  /** Where the browser is sent. @throws OIDC_UNAVAILABLE */
  begin(to: string): Promise<{ readonly url: string; readonly flow: Flow }>
  /** Who came back, with the query of the request. @throws OIDC_FAILED, OIDC_UNAVAILABLE */
  finish(query: string, flow: Flow): Promise<ProvidedUser>
}

/** What a provider says of itself is asked again after so long. */
const FRESH_MS = 60 * 60_000
/** Wait for an answer of a provider, seconds. */
const WAIT_S = 10

export function oidcProvider(
  { clock }: { readonly clock: Pick<Clock, 'monotonicMs'> },
  config: OidcConfig,
  publicUrl: string,
): Provider {
  const { name, title, issuer, clientId, clientSecret, scopes } = config
  const redirectUri = `${publicUrl}/api/v1/oidc/${name}/callback`
  const asked = singleFlight<string, Configuration>()
  let known: { readonly configuration: Configuration; readonly atMs: number } | undefined

  const discovered = async (): Promise<Configuration> => {
    if (known !== undefined && clock.monotonicMs() - known.atMs < FRESH_MS) return known.configuration
    const secret = clientSecret?.()
    const auth = secret === undefined ? None() : ClientSecretBasic(secret)
    // The signature of the ID token is proven, also where TLS to the provider would do.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the config allows it for a provider on this machine
    const execute = [enableNonRepudiationChecks, ...(issuer.startsWith('http:') ? [allowInsecureRequests] : [])]
    try {
      const configuration = await discovery(new URL(issuer), clientId, undefined, auth, {
        timeout: WAIT_S,
        execute,
      })
      known = { configuration, atMs: clock.monotonicMs() }
      return configuration
    } catch (cause) {
      throw appError('OIDC_UNAVAILABLE', { detail: { provider: name }, cause })
    }
  }
  const configuration = () => asked.run(name, discovered)
  return {
    name,
    title,
    async begin(to) {
      const verifier = randomPKCECodeVerifier()
      const flow = { provider: name, state: randomState(), nonce: randomNonce(), verifier, to }
      const url = buildAuthorizationUrl(await configuration(), {
        ...{ redirect_uri: redirectUri, scope: scopes.join(' '), state: flow.state, nonce: flow.nonce },
        ...{ code_challenge: await calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
      })
      return { url: url.href, flow }
    },
    async finish(query, { state, nonce, verifier }) {
      const there = await configuration()
      try {
        const tokens = await authorizationCodeGrant(there, new URL(`${redirectUri}?${query}`), {
          ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
        })
        const user = userOfClaims(config, tokens.claims() ?? {})
        if (user !== undefined) return user
      } catch (cause) {
        throw appError('OIDC_FAILED', { detail: { provider: name }, cause })
      }
      throw appError('OIDC_FAILED', { message: `the provider does not say who it is: see ${config.nameClaim}` })
    },
  }
}
