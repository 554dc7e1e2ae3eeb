import { type Clock, lifecycle, type Random, rounds, type Startable } from '../../../lib/base/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import type { Identify } from '../../../lib/identity/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { ManagerDatabase } from '../database/index.ts'
import { callers } from './callers.ts'
import type { PeopleConfig } from './config.ts'
import { cookies } from './cookies.ts'
import { linkList } from './links.ts'
import { type OidcRoutesComponents, oidcProvider } from './oidc/index.ts'
import { type Passwords, passwords } from './passwords.ts'
import { type PeopleRoutesComponents, peopleRoutes } from './people-routes.ts'
import { roleList } from './roles.ts'
import { sessionList } from './sessions.ts'
import { signIn } from './sign-in.ts'
import { type SignInRoutesComponents, signInRoutes } from './sign-in-routes.ts'
import { throttle } from './throttle.ts'
import { tokenList } from './tokens.ts'
import { userList } from './users.ts'

const SWEEP_MS = 10 * 60_000
const RETRY_MS = 60_000
const FLOW_COOKIES = { secure: '__Host-shoal-oidc', plain: 'shoal-oidc' }

export interface PeopleComponents {
  readonly database: ManagerDatabase
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  /** Default: with the usual work. */
  readonly passwords?: Passwords | undefined
}

/** Who may do what at the manager, and how he is known. */
export interface People extends Startable {
  /** Who calls the listener for people. */
  readonly identify: Identify
  /** The same; but it is no use of a session. */
  readonly identifyAgain: Identify
  readonly parts: PersonRoutesComponents
  /** Of browsers that come from providers and go to them. */
  readonly oidc: OidcRoutesComponents
  /** The path of a link for the first admin, to be told to whoever can read the log. Undefined when there is an admin. */
  firstAdminLink(): Promise<string | undefined>
}

export interface PersonRoutesComponents extends SignInRoutesComponents, PeopleRoutesComponents {}

/** Everything of the API that is about people. */
export const personRoutes = (parts: PersonRoutesComponents): readonly Route[] => [
  ...signInRoutes(parts),
  ...peopleRoutes(parts),
]

export function people(components: PeopleComponents, config: PeopleConfig, publicUrl = ''): People {
  const { database, clock, logger, metrics } = components
  const hashes = components.passwords ?? passwords()
  const sessions = sessionList(components, config.sessions)
  const tokens = tokenList(components, config.tokens)
  const links = linkList(components)
  const cookie = cookies(config.sessions.secure)
  const comingIn = signIn({ ...components, sessions, links, passwords: hashes, throttle: throttle(clock) })
  const providers = (config.oidc ?? []).map((each) => oidcProvider(components, each, publicUrl))
  const sessionsOpen = metrics.gauge({ name: 'shoal_manager_sessions', help: 'Sessions that are open.' }).with({})
  const tokensKept = metrics.gauge({ name: 'shoal_manager_tokens', help: 'Personal access tokens.' }).with({})

  const countOf = async (table: 'sessions' | 'tokens') => {
    const all = database.read.selectFrom(table).select((each) => each.fn.countAll<number>().as('count'))
    return (await all.executeTakeFirstOrThrow()).count
  }
  const sweeps = rounds(clock, {
    retryMs: RETRY_MS,
    onFailure: (err) => logger.warn('failed to forget what has ended', { err }),
    async work() {
      for (const list of [sessions, tokens, links]) await list.sweep()
      sessionsOpen.set(await countOf('sessions'))
      tokensKept.set(await countOf('tokens'))
      return SWEEP_MS
    },
  })
  return {
    ...lifecycle([sweeps]),
    identify: callers({ sessions, tokens, cookies: cookie }),
    identifyAgain: callers({ sessions: { find: (value) => sessions.look(value) }, tokens, cookies: cookie }),
    parts: {
      ...{ signIn: comingIn, sessions, cookies: cookie, nowMs: () => clock.now() },
      ...{ users: userList(components), roles: roleList(components), tokens, passwords: hashes },
      ways: { passwords: true, providers: providers.map(({ name, title }) => ({ name, title })) },
      invites: links.invites,
    },
    oidc: {
      ...{ providers, signIn: comingIn, cookies: cookie, logger, nowMs: () => clock.now() },
      flows: cookies(config.sessions.secure, FLOW_COOKIES),
    },
    firstAdminLink: () => links.forFirstAdmin(),
  }
}
