import { adminBody, jobStates, type ManagedJobBody, managedJobKinds, managerApi } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Exchange, pageRequest, type Route, sendJson } from '../../../lib/http/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import { managerRoute } from '../managed.ts'
import { namedCluster } from '../named-cluster.ts'
import { anyText, oneOf } from '../query-words.ts'
import type { GiveJob } from './give-job.ts'
import { jobAnswer, jobLine, partAnswer } from './job-answer.ts'
import type { JobEvents } from './job-events.ts'
import type { JobStore } from './job-store.ts'
import type { Job } from './model.ts'

const PAGE = { max: 1000, usual: 100, least: 1 }
/** Jobs on a page: each of them may be large. */
const JOBS = { max: 200, usual: 50, least: 1 }

export interface JobRoutesComponents {
  readonly store: JobStore
  readonly give: GiveJob
  readonly events: JobEvents
  readonly talk: Pick<ClusterTalk, 'clusters'>
}

/** @throws BODY_INVALID when the header and the body name different keys */
function keyOf({ req }: Exchange, inBody: string | undefined): string | undefined {
  const header = req.headers['idempotency-key']
  if (typeof header !== 'string' || header === '') return inBody
  if (header.length > 128 || (inBody !== undefined && inBody !== header))
    throw appError('BODY_INVALID', {
      message: 'the key in the body and the header Idempotency-Key differ, or are too long',
    })
  return header
}

/** The id of the cluster that a list is for. @throws CLUSTER_UNKNOWN */
function clusterOf(talk: Pick<ClusterTalk, 'clusters'>, query: URLSearchParams): string | undefined {
  const given = anyText(query, 'cluster')
  return given === undefined ? undefined : namedCluster(talk.clusters(), given).id
}

const idOf = ({ params }: Exchange): string => params['id'] ?? ''

/** What became of each host and blob of a job, and of what it consists. */
function detailRoutes({ store }: Pick<JobRoutesComponents, 'store'>): readonly Route[] {
  const rows = async (exchange: Exchange) => {
    const { id } = await store.get(idOf(exchange))
    const { count, last } = pageRequest(exchange.query, PAGE)
    if (last !== undefined && !/^\d{1,15}$/.test(last))
      throw appError('REQUEST_INVALID', { message: 'last is `next` of the page before' })
    const state = oneOf(exchange.query, 'state', jobStates)
    const found = await store.rows(id, { after: Number(last ?? 0), count: count + 1, state })
    const clusters = new Map((await store.parts(id)).map(({ n, cluster }) => [n, cluster]))
    const page = found.slice(0, count).map((row) => ({ ...row, cluster: clusters.get(row.part) ?? '' }))
    const next = found.length > count ? String(page.at(-1)?.seq) : undefined
    sendJson(exchange, 200, { rows: page, ...(next !== undefined && { next }) })
  }
  const contents = async (exchange: Exchange) => {
    const { id } = await store.get(idOf(exchange))
    const known = (await store.parts(id, { whole: true })).flatMap(({ cluster, spec, content }) =>
      content === undefined
        ? []
        : [{ cluster, target: spec.target ?? spec.url ?? '', digest: content.digest, blobs: content.items }],
    )
    sendJson(exchange, 200, { contents: known })
  }
  return [managerRoute(managerApi.jobRows, rows), managerRoute(managerApi.jobContents, contents)]
}

/** Jobs of the manager. */
export function jobRoutes({ store, give, events, talk }: JobRoutesComponents): readonly Route[] {
  const shown = async (job: Job) => jobAnswer(job, await store.sums(job))
  const whole = async (job: Job) => ({
    ...(await shown(job)),
    parts: (await store.parts(job.id)).slice(0, PAGE.max).map(partAnswer),
  })
  const create = async (exchange: Exchange) => {
    const { key, credentials, ...spec }: ManagedJobBody = await adminBody(managerApi.createJob, exchange)
    const given = { spec, key: keyOf(exchange, key), credentials, actor: exchange.principal.name }
    sendJson(exchange, 202, await whole(await give(given)))
  }
  const list = async (exchange: Exchange) => {
    const { query } = exchange
    const filter = {
      ...{ state: oneOf(query, 'state', jobStates), kind: oneOf(query, 'kind', managedJobKinds) },
      ...{ cluster: clusterOf(talk, query), actor: anyText(query, 'by') },
    }
    const { jobs, next } = await store.page(pageRequest(query, JOBS), filter)
    sendJson(exchange, 200, {
      jobs: (await Promise.all(jobs.map(shown))).map(jobLine),
      ...(next !== undefined && { next }),
    })
  }
  return [
    managerRoute(managerApi.createJob, create),
    managerRoute(managerApi.jobs, list),
    managerRoute(managerApi.job, async (exchange) =>
      sendJson(exchange, 200, await whole(await store.get(idOf(exchange)))),
    ),
    ...detailRoutes({ store }),
    managerRoute(managerApi.jobEvents, (exchange) => events.send(exchange, idOf(exchange))),
    managerRoute(managerApi.cancelJob, async (exchange) =>
      sendJson(exchange, 202, await whole(await store.cancel(idOf(exchange), exchange.principal.name))),
    ),
  ]
}
