import { dragonflyJobSchema, dragonflyPatchSchema, type JobRowAnswer } from '../../../lib/api/index.ts'
import { type AppError, appError, type Clock, isAbort, isAppError, toAppError } from '../../../lib/base/index.ts'
import { type Exchange, type Route, readJson, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import type { GiveJob, Job, JobStore } from '../jobs/index.ts'
import { isOpen } from '../jobs/index.ts'
import { managerRoute } from '../managed.ts'
import { distributionAnswer, dragonflyAnswer, type JobFacts } from './dragonfly-answer.ts'
import { readDragonflyJob, shownArgs } from './dragonfly-request.ts'
import type { DragonflyStore } from './dragonfly-store.ts'

const MAX_BODY_BYTES = 256 * 1024
/** Rows of a job that one answer reads. */
const MAX_ROWS = 10_000
const USUAL_PAGE = 10
const MAX_PAGE = 100
/** Rows of each job of a list. */
const LISTED_ROWS = 100
/** Between two looks at a job that is waited for. */
const LOOK_MS = 250
/** Whoever asks which hosts hold an image is answered after so long at the latest. */
const WAIT_MS = 60_000

export interface DragonflyComponents {
  readonly give: GiveJob
  readonly jobs: JobStore
  readonly store: DragonflyStore
  readonly talk: Pick<ClusterTalk, 'clusters'>
  readonly clock: Clock
}

/** What those tools expect of errors: one shape for what was said wrongly, another one for the rest. */
function sendFailure(exchange: Exchange, { code, status, message }: AppError): void {
  if (status === 400) sendJson(exchange, 422, { errors: `${code}: ${message}` })
  else sendJson(exchange, status, { message: `${code}: ${message}` })
}

const inShape =
  (handle: Route['handle']): Route['handle'] =>
  async (exchange) => {
    try {
      await handle(exchange)
    } catch (err) {
      if (isAbort(err) || exchange.res.headersSent) throw err
      if (!isAppError(err)) throw err
      sendFailure(exchange, toAppError(err))
    }
  }

export const dragonflyRoute = (
  call: { readonly method: Route['methods'][number]; readonly path: string; readonly summary: string },
  resource: 'jobs' | 'clusters',
  handle: Route['handle'],
): Route => {
  const action = call.method === 'GET' ? 'read' : 'write'
  return managerRoute({ ...call, needs: { resource, action } } as Parameters<typeof managerRoute>[0], inShape(handle))
}

const wholeNumber = (text: string | null, usual: number, max: number): number => {
  const value = /^\d{1,9}$/.test(text ?? '') ? Number(text) : usual
  return Math.min(max, Math.max(1, value))
}

/** Relative, without quotes, and with a page before the first and after the last one: the same as these. */
export function linkOf({ path, query }: Pick<Exchange, 'path' | 'query'>, page: number, last: number): string {
  const at = (number: number, rel: string) => {
    const params = new URLSearchParams(query)
    params.set('page', String(number))
    return `<${path}?${params.toString()}>;rel=${rel}`
  }
  return [
    ...[at(Math.max(1, page - 1), 'prev'), at(Math.min(last, page + 1), 'next')],
    ...[at(1, 'first'), at(last, 'last')],
  ].join(',')
}

const numberOf = ({ params }: Exchange): number =>
  /^\d{1,15}$/.test(params['id'] ?? '') ? Number(params['id']) : Number.NaN

/** In a list of jobs only some rows of each are read, and no contents of images. */
type FactsOf = (job: Job, listed?: 'listed') => Promise<JobFacts>

/** Reads all that an answer about a job is made of. */
function factsReader({ jobs, store, talk }: Pick<DragonflyComponents, 'jobs' | 'store' | 'talk'>): FactsOf {
  return async (job, listed) => {
    const most = listed === undefined ? MAX_ROWS : LISTED_ROWS
    const parts = await jobs.parts(job.id, { whole: listed === undefined })
    const rows: Omit<JobRowAnswer, 'cluster'>[] = []
    for (let after = 0; rows.length < most; after = rows.at(-1)?.seq ?? after) {
      const count = Math.min(1000, most)
      const page = await jobs.rows(job.id, { after, count })
      rows.push(...page)
      if (page.length < count) break
    }
    const named = new Map(talk.clusters().map(({ id, name }) => [id, name]))
    const ids = parts.flatMap(({ cluster, spec }) => (cluster === '' ? (spec.clusters ?? []) : [cluster]))
    const numbers = await store.numbers([...new Set(ids)])
    return { job, parts, rows, clusterNumber: (id) => numbers.get(id) ?? 0, clusterName: (id) => named.get(id) ?? id }
  }
}

/** A job is given; some of them are waited for. */
function creating({ give, jobs, store, talk, clock }: DragonflyComponents, factsOf: FactsOf): Route['handle'] {
  const clustersOf = async (wanted: readonly number[] | null | undefined) => {
    if (wanted == null || wanted.length === 0) return {}
    const ids = talk.clusters().map(({ id }) => id)
    const numbers = await store.numbers(ids)
    const clusters = wanted.map((number) => {
      const found = ids.find((id) => numbers.get(id) === number)
      if (found === undefined) throw appError('CLUSTER_UNKNOWN', { detail: { cluster: number } })
      return found
    })
    return { clusters }
  }
  /** One question blocks until its answer is there, as it does at Dragonfly. */
  const sendDistribution = async (exchange: Exchange, given: Job) => {
    const endMs = clock.monotonicMs() + WAIT_MS
    let job = given
    while (isOpen(job.state) && clock.monotonicMs() < endMs) {
      await clock.sleep(LOOK_MS, { signal: exchange.signal })
      job = await jobs.get(given.id)
    }
    if (job.state !== 'done')
      throw appError('JOB_FAILED', {
        message: [job.code, job.message].filter(Boolean).join(': ') || 'not all hosts have answered',
      })
    sendJson(exchange, 200, distributionAnswer(await factsOf(job)))
  }
  return async (exchange: Exchange) => {
    const parsed = dragonflyJobSchema.safeParse(await readJson(exchange, MAX_BODY_BYTES))
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw appError('BODY_INVALID', { message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}` })
    }
    const { bio, type, args, scheduler_cluster_ids: wanted } = parsed.data
    // Hosts are always known here.
    if (type === 'sync_peers') {
      sendJson(exchange, 200, 'OK')
      return
    }
    const { spec, credentials } = readDragonflyJob(parsed.data)
    const shown = { bio: bio ?? '', type, args: shownArgs(args ?? {}) }
    const job = await give({
      ...{ spec: { ...spec, ...(await clustersOf(wanted)) }, credentials, shown },
      actor: exchange.principal.name,
    })
    if (type === 'get_image_distribution') await sendDistribution(exchange, job)
    else sendJson(exchange, 200, dragonflyAnswer(await factsOf(job)))
  }
}

export function dragonflyJobRoutes(components: DragonflyComponents): readonly Route[] {
  const { store } = components
  const factsOf = factsReader(components)
  const list = async (exchange: Exchange) => {
    const { query } = exchange
    const page = wholeNumber(query.get('page'), 1, Number.MAX_SAFE_INTEGER)
    const count = wholeNumber(query.get('per_page'), USUAL_PAGE, MAX_PAGE)
    const state = query.get('state') || undefined
    const { jobs: found, total } = await store.page({ skip: (page - 1) * count, count, state })
    const last = Math.max(1, Math.ceil(total / count))
    const answers = await Promise.all(found.map(async (job) => dragonflyAnswer(await factsOf(job, 'listed'))))
    sendJson(exchange, 200, answers, { link: linkOf(exchange, page, last) })
  }
  const one = async (exchange: Exchange) =>
    sendJson(exchange, 200, dragonflyAnswer(await factsOf(await store.get(numberOf(exchange)))))
  const patch = async (exchange: Exchange) => {
    const parsed = dragonflyPatchSchema.safeParse(await readJson(exchange, MAX_BODY_BYTES))
    if (!parsed.success) throw appError('BODY_INVALID')
    const { bio } = parsed.data
    if (bio) await store.rename(numberOf(exchange), bio, exchange.principal.name)
    await one(exchange)
  }
  const remove = async (exchange: Exchange) => {
    await store.hide(numberOf(exchange), exchange.principal.name)
    sendEmpty(exchange, 200)
  }
  const path = '/oapi/v1/jobs'
  const [of, make] = [`${path}/:id`, dragonflyRoute]
  return [
    make(
      { method: 'POST', path, summary: 'a job as tools of Dragonfly give it' },
      'jobs',
      creating(components, factsOf),
    ),
    make({ method: 'GET', path, summary: 'such jobs, by pages' }, 'jobs', list),
    make({ method: 'GET', path: of, summary: 'one of them' }, 'jobs', one),
    make({ method: 'PATCH', path: of, summary: 'changes its description' }, 'jobs', patch),
    make({ method: 'DELETE', path: of, summary: 'takes it from these lists; what it does goes on' }, 'jobs', remove),
  ]
}
