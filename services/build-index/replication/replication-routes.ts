import {
  adminBody,
  adminRoute,
  buildIndexAdmin,
  type RemoteAnswer,
  type ReplicationState,
  replicationStates,
} from '../../../lib/api/index.ts'
import { type AbortOptions, appError, type Clock, codeOf, deadline } from '../../../lib/base/index.ts'
import { parseRepository, parseTag } from '../../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { Remote } from './remote.ts'
import { replicateNow } from './replicate-now.ts'
import type { Replicator } from './replicator.ts'
import type { ReplicationTarget } from './status.ts'
import type { Webhook } from './webhook.ts'

/** Replications on one page: the default and the maximum. */
const MAX_REPLICATIONS = 500
/** How long a remote may take to answer when it is looked at. */
const LOOK_MS = 3_000

export interface ReplicationRoutesComponents {
  readonly clock: Clock
  /** Name of this cluster. */
  readonly cluster: string
  readonly remotes: ReadonlyMap<string, Remote>
  readonly hooks: ReadonlyMap<string, Webhook>
  readonly replication: Pick<Replicator, 'desk'>
}

/** Replication in the admin API of a build-index. Any build-index answers for all: what they share lies in the backend. */
export function replicationRoutes(components: ReplicationRoutesComponents): readonly Route[] {
  const { remotes, hooks, cluster, replication } = components
  const { desk } = replication
  const calls = buildIndexAdmin
  const atDesk = () => {
    if (desk === undefined) throw appError('REMOTE_UNKNOWN', { message: 'the config names no remotes and no webhooks' })
    return desk
  }

  const remoteNamed = (name: string) => {
    if (!remotes.has(name) && !hooks.has(name)) {
      throw appError('REMOTE_UNKNOWN', { detail: { remote: name, known: [...remotes.keys(), ...hooks.keys()] } })
    }
    return name
  }
  const targetOf = ({ params }: Exchange): ReplicationTarget => ({
    remote: remoteNamed(params['remote'] ?? ''),
    repository: parseRepository(params['repository'] ?? ''),
    tag: parseTag(params['tag'] ?? ''),
  })
  const known = async (exchange: Exchange) => {
    const target = targetOf(exchange)
    const status = await atDesk().statuses.get(target, exchange)
    if (status === undefined) throw appError('REPLICATION_UNKNOWN')
    return { target, status }
  }
  const order = (kind: 'now' | 'cancel') => async (exchange: Exchange) => {
    const { remote, ...target } = (await known(exchange)).target
    await atDesk().outbox.add({ kind, ...target, remotes: [remote] }, exchange)
    sendEmpty(exchange, 202)
  }

  return [
    adminRoute(calls.remotes, async (exchange) => {
      const answers = [...remotes.values()].map((remote) => lookAt(components, remote, exchange))
      const webhooks = [...hooks.values()].map(({ name, origin, events, rules }) => ({ name, origin, events, rules }))
      const shards = desk?.shards() ?? []
      sendJson(exchange, 200, { cluster, shards, remotes: await Promise.all(answers), webhooks })
    }),
    adminRoute(calls.replications, async (exchange) => {
      const { query, signal } = exchange
      const { count, last } = pageRequest(query, { max: MAX_REPLICATIONS, usual: 100, least: 1 })
      const repository = query.get('repository')
      const asked = {
        state: stateOf(query.get('state')),
        repository: repository === null ? undefined : parseRepository(repository),
        remote: query.get('remote') ?? undefined,
      }
      sendJson(exchange, 200, (await desk?.statuses.list({ ...asked, n: count, last, signal })) ?? { replications: [] })
    }),
    adminRoute(calls.replication, async (exchange) => sendJson(exchange, 200, (await known(exchange)).status)),
    adminRoute(calls.replicate, async (exchange) => {
      const { repository, tag, remote } = await adminBody(calls.replicate, exchange)
      const only = remote === undefined ? undefined : remoteNamed(remote)
      const asked = { remote: only, signal: exchange.signal }
      const before = await replicateNow(atDesk(), remotes)({ repository, tag }, asked)
      sendJson(exchange, 202, { remotes: before.map(({ remote: name }) => name), before })
    }),
    adminRoute(calls.retryReplication, order('now')),
    adminRoute(calls.cancelReplication, order('cancel')),
  ]
}

/** @throws REQUEST_INVALID */
function stateOf(text: string | null): ReplicationState | undefined {
  if (text === null) return undefined
  const found = replicationStates.find((state) => state === text)
  if (found !== undefined) return found
  throw appError('REQUEST_INVALID', { message: `state is one of ${replicationStates.join(', ')}` })
}

async function lookAt(
  { clock, replication: { desk } }: ReplicationRoutesComponents,
  remote: Remote,
  options: AbortOptions,
): Promise<RemoteAnswer> {
  const { name, from, urls, concurrency, signatures, deletes, bytesPerSecond } = remote
  const limit = deadline(clock, LOOK_MS, options.signal)
  try {
    const walks = desk?.backfills
    const rules =
      walks === undefined ? [] : await Promise.all(remote.rules.map((rule) => walks.progress(remote, rule, options)))
    const said = await remote.replicas
      .describe({ signal: limit.signal })
      .catch((err: unknown) => codeOf(err) ?? 'UNKNOWN')
    const answer =
      typeof said === 'string' ? { reachable: false, lastError: said } : { reachable: true, cluster: said.cluster }
    return {
      ...{
        name,
        from,
        urls,
        concurrency,
        signatures,
        deletes,
        ...answer,
        rules,
        opensInMs: remote.opensInMs(),
      },
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    }
  } finally {
    limit.release()
  }
}
