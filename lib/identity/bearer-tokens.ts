import { randomUUID } from 'node:crypto'
import type { Clock } from '../base/index.ts'
import type { BearerKeys } from './bearer-keys.ts'
import type { AccessEntry } from './scopes.ts'

/** What a bearer token says. */
export interface BearerClaims {
  /** The name of the principal that it was given to. */
  readonly name: string
  readonly access: readonly AccessEntry[]
  /** Of the principal, if it has one. */
  readonly stamp?: string | undefined
}

/** A token, as the answer of a token service carries it. */
export interface IssuedToken {
  readonly token: string
  readonly expiresInSeconds: number
  /** Milliseconds since the epoch. */
  readonly issuedMs: number
}

/** Gives and proves the tokens by which registry clients show that they have logged in. */
export interface BearerTokens {
  issue(claims: BearerClaims): Promise<IssuedToken>
  /** Undefined unless one of our keys signed it, for this service, and its time is not over; never throws. */
  prove(token: string): Promise<(BearerClaims & { readonly expiresMs: number }) | undefined>
}

export interface BearerTokensInit {
  readonly keys: () => BearerKeys
  /** Who gives the tokens, and for whom: the same at all proxies of a cluster. */
  readonly service: string
  readonly lifetimeMs: number
}

/** Only proxies that know users need it; it has many files. */
const jose = () => import('jose')

/** Clocks of proxies may differ by this. */
const SKEW_SECONDS = 10

export function bearerTokens({ clock }: { readonly clock: Pick<Clock, 'now'> }, init: BearerTokensInit): BearerTokens {
  const { keys, service, lifetimeMs } = init
  return {
    async issue({ name, access, stamp }) {
      const { SignJWT } = await jose()
      const { signing } = keys()
      const issuedMs = clock.now()
      const issued = Math.floor(issuedMs / 1000)
      const expiresInSeconds = Math.floor(lifetimeMs / 1000)
      const token = await new SignJWT({ access: [...access], ...(stamp !== undefined && { stamp }) })
        .setProtectedHeader({ alg: signing.algorithm, typ: 'JWT', kid: signing.id })
        .setIssuer(service)
        .setAudience(service)
        .setSubject(name)
        .setIssuedAt(issued)
        .setNotBefore(issued)
        .setExpirationTime(issued + expiresInSeconds)
        .setJti(randomUUID())
        .sign(signing.private)
      return { token, expiresInSeconds, issuedMs }
    },

    async prove(token) {
      const keyOf = ({ kid, alg }: { readonly kid?: string; readonly alg?: string }) => {
        const key = keys().proving.find(({ id, algorithm }) => id === kid && algorithm === alg)
        if (key === undefined) throw new Error('no key of ours signed this')
        return key.public
      }
      try {
        const { jwtVerify } = await jose()
        const { payload } = await jwtVerify(token, keyOf, {
          ...{ issuer: service, audience: service, clockTolerance: SKEW_SECONDS, algorithms: ['EdDSA', 'RS256'] },
          ...{ requiredClaims: ['sub', 'exp'], currentDate: new Date(clock.now()) },
        })
        // What our key has signed is of our form.
        const { sub = '', exp = 0, access, stamp } = payload
        const named = { name: sub, access: access as readonly AccessEntry[], expiresMs: exp * 1000 }
        return typeof stamp === 'string' ? { ...named, stamp } : named
      } catch {
        return undefined
      }
    },
  }
}
