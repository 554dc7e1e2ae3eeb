import { credentialsIn, type Identify, type Principal, type Shown, shownText } from '../../../lib/identity/index.ts'
import { type Caller, principalOf } from './caller.ts'
import type { SessionCookies } from './cookies.ts'
import type { Sessions } from './sessions.ts'
import { TOKEN_PREFIX } from './shown-secrets.ts'
import type { Tokens } from './tokens.ts'

export interface CallersComponents {
  readonly sessions: Pick<Sessions, 'find'>
  readonly tokens: Pick<Tokens, 'find'>
  readonly cookies: Pick<SessionCookies, 'read'>
}

const nobody: Principal = { name: 'anonymous', rights: [] }

/** Who calls the listener for people: who shows a token, or is signed in. A wrong token is not made good by a cookie. */
export function callers({ sessions, tokens, cookies }: CallersComponents): Identify {
  const find = async (req: Shown): Promise<Caller | undefined> => {
    const shown = credentialsIn(req.headers.authorization)
    // Some tools, such as Harbor, show a token as a password.
    const token = shownText(shown)
    if (token !== undefined) return token.startsWith(TOKEN_PREFIX) ? tokens.find(token) : undefined
    if (shown.kind !== 'none') return undefined
    const cookie = cookies.read(req)
    return cookie === undefined ? undefined : sessions.find(cookie)
  }
  return async (req) => {
    const caller = await find(req)
    return caller === undefined ? nobody : principalOf(caller)
  }
}
