import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'

/** Where the session of a browser is; the name that begins with `__Host-` is taken from no other host and no other path. */
const SESSION = { secure: '__Host-shoal-session', plain: 'shoal-session' }
/** Characters of a cookie's text that are looked at. */
const MAX_COOKIES = 8_192

/** Whether the request came by TLS, or by something in front of us that ends TLS, as the config says. */
export const isSecure = (req: Pick<IncomingMessage, 'socket'>, always: boolean): boolean =>
  always || (req.socket as Partial<TLSSocket>).encrypted === true

function cookieIn(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').slice(0, MAX_COOKIES).split(';')) {
    const at = part.indexOf('=')
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return undefined
}

const attributes = (secure: boolean) => `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

export interface SessionCookies {
  read(req: Pick<IncomingMessage, 'headers' | 'socket'>): string | undefined
  /** The header that sets it. */
  set(req: Pick<IncomingMessage, 'socket'>, value: string, maxAgeMs: number): string
  clear(req: Pick<IncomingMessage, 'socket'>): string
}

export function cookies(alwaysSecure: boolean, names = SESSION): SessionCookies {
  const nameFor = (secure: boolean) => (secure ? names.secure : names.plain)
  return {
    read: (req) => cookieIn(req.headers.cookie, nameFor(isSecure(req, alwaysSecure))),
    set(req, value, maxAgeMs) {
      const secure = isSecure(req, alwaysSecure)
      return `${nameFor(secure)}=${value}; Max-Age=${Math.ceil(maxAgeMs / 1000)}; ${attributes(secure)}`
    },
    clear(req) {
      const secure = isSecure(req, alwaysSecure)
      return `${nameFor(secure)}=; Max-Age=0; ${attributes(secure)}`
    },
  }
}
