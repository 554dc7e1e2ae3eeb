import { adminBody, adminClient, type JoinBody, joiningCalls, proxyAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, type Clock, deadline } from '../../../lib/base/index.ts'
import {
  type Exchange,
  type HttpClient,
  isLinkHost,
  type RequestRate,
  type Route,
  sendEmpty,
  sendJson,
} from '../../../lib/http/index.ts'
import { isLoopback } from '../../../lib/identity/index.ts'
import { managerRoute } from '../managed.ts'
import type { JoinToken, JoinTokenStore } from './join-token-store.ts'
import type { Joined, Member, MemberStore } from './member-store.ts'
import type { Roster } from './roster.ts'
import { withKey } from './talk.ts'

export interface JoiningRoutesComponents {
  readonly members: MemberStore
  readonly tokens: JoinTokenStore
  readonly roster: Roster
  readonly http: HttpClient
  readonly clock: Clock
  readonly rate: RequestRate
  /** Somebody has joined: he is to be asked how he is. */
  readonly onJoined: () => void
}

export interface JoiningTimes {
  readonly heartbeatMs: number
  /** A member that has not been heard of for so long may be replaced. */
  readonly awayMs: number
}

/** Most bytes of what a member says. */
const MAX_JOIN_BODY = 32 * 1024
const PROOF_MS = 3_000

const refused = (message: string) => appError('JOIN_REFUSED', { message })

/** @throws MEMBER_INSECURE */
function assertSecret({ urls, insecure }: JoinBody): void {
  const { protocol, hostname } = new URL(urls.admin)
  if (protocol === 'https:' || isLoopback(hostname) || insecure === true) return
  throw appError('MEMBER_INSECURE', { detail: { admin: urls.admin } })
}

/** Where clouds keep credentials no member lives, and the manager asks its members by itself. @throws JOIN_REFUSED */
function assertMemberUrls({ urls }: JoinBody): void {
  const isLink = Object.values(urls).some((url) => url !== undefined && isLinkHost(new URL(url).hostname))
  if (isLink) throw refused('a listener of the member has an address of the link, which no other machine reaches')
}

/** The calls by which services join and live. They show what they have in the body, and need no right. */
export function joiningRoutes(components: JoiningRoutesComponents, times: JoiningTimes): readonly Route[] {
  const { members, roster, rate } = components
  const { heartbeatMs } = times
  const open = (call: (typeof joiningCalls)[keyof typeof joiningCalls], handle: Route['handle']) =>
    managerRoute({ ...call, needs: 'none' }, async (exchange) => {
      rate.count(exchange.req)
      await handle(exchange)
    })
  const join = async (exchange: Exchange) => {
    const body = await adminBody(joiningCalls.join, exchange, { maxBytes: MAX_JOIN_BODY })
    assertSecret(body)
    assertMemberUrls(body)
    const { credential, token } = body
    const joined = await (credential === undefined
      ? joinByToken(components, times, { ...body, token: token ?? '' }, exchange)
      : members.rejoin({ ...body, credential }))
    await roster.refresh()
    components.onJoined()
    const cluster = roster.find(joined.clusterId)?.name ?? ''
    sendJson(exchange, 200, {
      cluster,
      heartbeatMs,
      ...(joined.credential !== undefined && { credential: joined.credential }),
    })
  }
  return [
    open(joiningCalls.join, join),
    open(joiningCalls.heartbeat, async (exchange) => {
      await members.heartbeat(await adminBody(joiningCalls.heartbeat, exchange, { maxBytes: MAX_JOIN_BODY }))
      sendJson(exchange, 200, { heartbeatMs })
    }),
    open(joiningCalls.leave, async (exchange) => {
      const { credential } = await adminBody(joiningCalls.leave, exchange, { maxBytes: MAX_JOIN_BODY })
      await members.leave(credential)
      await roster.refresh()
      sendEmpty(exchange, 204)
    }),
  ]
}

/** @throws JOIN_REFUSED */
async function validToken(tokens: JoinTokenStore, text: string): Promise<JoinToken> {
  const token = await tokens.find(text)
  if (token === undefined) throw refused('this manager does not know the join token')
  if (token.state !== 'valid')
    throw refused(token.state === 'expired' ? 'the join token has expired' : 'the join token is used up')
  return token
}

/**
 * Whoever has a token of the cluster may take a name that is free, or whose member is silent or has said that it stops. A
 * living member is replaced only by one that answers with the new key where it answered: the same service, which has started
 * again and remembers nothing. @throws JOIN_REFUSED, MEMBER_TAKEN, CLUSTER_FULL
 */
async function joinByToken(
  components: JoiningRoutesComponents,
  { awayMs }: JoiningTimes,
  body: JoinBody & { readonly token: string },
  options: AbortOptions,
): Promise<Joined> {
  const { members, tokens, roster, clock } = components
  const token = await validToken(tokens, body.token)
  await roster.refresh()
  const held = roster
    .find(token.clusterId)
    ?.members.find(({ kind, member }) => kind === body.kind && member === body.member)
  const lives = held !== undefined && held.leftAtMs === undefined && clock.now() - held.heartbeatAtMs < awayMs
  if (lives && !(await isSame(components, held, body, options)))
    throw appError('MEMBER_TAKEN', { detail: { kind: body.kind, member: body.member } })
  return members.join(body, token)
}

/** Whether the service where the member answers takes the key that the one who joins has brought. */
async function isSame(
  { http, clock }: JoiningRoutesComponents,
  { urls }: Member,
  body: JoinBody,
  { signal }: AbortOptions,
): Promise<boolean> {
  if (urls.admin !== body.urls.admin) return false
  const limit = deadline(clock, PROOF_MS, signal)
  try {
    await adminClient(
      withKey(http, () => body.key),
      urls.admin,
      proxyAdmin,
    ).rings({}, limit)
    return true
  } catch {
    return false
  } finally {
    limit.release()
  }
}
