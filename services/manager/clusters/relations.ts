import { managerApi, type RelationAnswer } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, codeOf, deadline, inTurns } from '../../../lib/base/index.ts'
import { type Route, sendJson } from '../../../lib/http/index.ts'
import { managerRoute } from '../managed.ts'
import type { ClusterTalk } from './talk.ts'

export interface RelationsComponents {
  readonly talk: Pick<ClusterTalk, 'clusters' | 'buildIndexes'>
  readonly clock: Clock
}

/** Clusters that are asked at the same time, and how long one build-index may take. */
const ASKED_AT_ONCE = 16
const ASK_MS = 5_000

interface Told {
  readonly relations: readonly RelationAnswer[]
  readonly silent: readonly { readonly cluster: string; readonly code: string }[]
}

/** Which cluster replicates to which: as the first build-index of each cluster says that answers. */
async function ask(
  { talk, clock }: RelationsComponents,
  cluster: { readonly id: string; readonly name: string },
  options: AbortOptions,
): Promise<Told> {
  let code = 'NO_MEMBER'
  for (const { admin } of talk.buildIndexes(cluster.id)) {
    const limit = deadline(clock, ASK_MS, options.signal)
    try {
      const { remotes } = await admin.remotes({}, limit)
      const relations = remotes.map(
        ({ name, urls, cluster: to, reachable, lastError, rules }): RelationAnswer => ({
          ...{ from: cluster.name, remote: name, urls, reachable },
          ...(to !== undefined && { to }),
          ...(lastError !== undefined && { lastError }),
          rules: rules.map(({ repository, tag }) => ({ repository, tag })),
        }),
      )
      return { relations, silent: [] }
    } catch (err) {
      options.signal?.throwIfAborted()
      code = codeOf(err) ?? 'UNKNOWN'
    } finally {
      limit.release()
    }
  }
  return { relations: [], silent: code === 'NO_MEMBER' ? [] : [{ cluster: cluster.name, code }] }
}

export const relationsRoute = (components: RelationsComponents): Route =>
  managerRoute(managerApi.relations, async (exchange) => {
    const told = await inTurns(components.talk.clusters(), ASKED_AT_ONCE, (cluster) =>
      ask(components, cluster, exchange),
    )
    sendJson(exchange, 200, {
      relations: told.flatMap(({ relations }) => relations),
      silent: told.flatMap(({ silent }) => silent),
    })
  })
