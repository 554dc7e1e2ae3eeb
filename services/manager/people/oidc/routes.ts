import { appError, codeOf, parseJson } from '../../../../lib/base/index.ts'
import { type Exchange, type Route, sendEmpty } from '../../../../lib/http/index.ts'
import type { Logger } from '../../../../lib/telemetry/index.ts'
import { UNKEPT } from '../../managed.ts'
import type { SessionCookies } from '../cookies.ts'
import type { SignIn } from '../sign-in.ts'
import { placeOf } from '../sign-in-routes.ts'
import type { Flow, Provider } from './provider.ts'

export interface OidcRoutesComponents {
  readonly providers: readonly Provider[]
  readonly signIn: Pick<SignIn, 'byProvider'>
  readonly cookies: Pick<SessionCookies, 'set'>
  /** Of those who are on their way. */
  readonly flows: SessionCookies
  readonly logger: Logger
  readonly nowMs: () => number
}

/** How long somebody may take at a provider. */
const FLOW_MS = 10 * 60_000
/** The page that says why it did not work. */
const SIGN_IN_PAGE = '/sign-in'

/** A path of ours: nobody is led elsewhere by a link to here. */
const ownPath = (text: string | null): string =>
  text !== null && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1000}$/.test(text) ? text : '/'

const flowText = (flow: Flow) => Buffer.from(JSON.stringify(flow)).toString('base64url')

function flowIn(text: string | undefined): Flow | undefined {
  if (text === undefined) return undefined
  try {
    return parseJson(Buffer.from(text, 'base64url').toString('utf8')) as Flow
  } catch {
    return undefined
  }
}

/** Pages of a browser that signs in by a provider: on the way there, and on the way back. */
export function oidcRoutes(components: OidcRoutesComponents): readonly Route[] {
  const { providers, signIn, cookies, flows, logger, nowMs } = components
  const providerOf = ({ params }: Exchange): Provider => {
    const provider = providers.find(({ name }) => name === params['provider'])
    if (provider === undefined) throw appError('NOT_FOUND')
    return provider
  }
  const lead = (exchange: Exchange, location: string, setCookie: readonly string[]) => {
    exchange.res.setHeader('set-cookie', setCookie)
    sendEmpty(exchange, 302, { ...UNKEPT, location })
  }
  /** The session that the answer of a provider opens, and where its browser goes on. */
  const arrived = async (exchange: Exchange, provider: Provider) => {
    const flow = flowIn(flows.read(exchange.req))
    if (flow?.provider !== provider.name) throw appError('OIDC_FAILED', { message: 'this browser did not begin here' })
    const user = await provider.finish(exchange.rawQuery, flow)
    const opened = await signIn.byProvider(user, placeOf(exchange))
    return { cookie: cookies.set(exchange.req, opened.value, opened.expiresAtMs - nowMs()), to: ownPath(flow.to) }
  }
  return [
    {
      ...{ methods: ['GET'], path: '/api/v1/oidc/:provider', right: 'none' },
      summary: 'leads a browser to a provider',
      async handle(exchange) {
        const { url, flow } = await providerOf(exchange).begin(ownPath(exchange.query.get('to')))
        lead(exchange, url, [flows.set(exchange.req, flowText(flow), FLOW_MS)])
      },
    },
    {
      ...{ methods: ['GET'], path: '/api/v1/oidc/:provider/callback', right: 'none' },
      summary: 'takes a browser back from a provider',
      async handle(exchange) {
        const provider = providerOf(exchange)
        const over = flows.clear(exchange.req)
        try {
          const { cookie, to } = await arrived(exchange, provider)
          lead(exchange, to, [over, cookie])
        } catch (err) {
          logger.warn('a sign-in by a provider failed', { provider: provider.name, err })
          lead(exchange, `${SIGN_IN_PAGE}?error=${codeOf(err) ?? 'UNKNOWN'}`, [over])
        }
      },
    },
  ]
}
