import {
  adminBody,
  adminRoute,
  holdings,
  jobKinds,
  jobStates,
  platformTextSchema,
  trackerAdmin,
} from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { repositoryText } from '../../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, sendJson, sendTagged } from '../../../lib/http/index.ts'
import { jobAnswer, jobHostAnswer, jobLine } from '../fleet/job-answer.ts'
import type { Jobs } from '../fleet/jobs.ts'
import type { Targets } from '../fleet/targets.ts'
import { pageOf } from './page-of.ts'

/** Jobs, or hosts of one, on a page: the default and the most. */
const PAGE = 100
const MAX_PAGE = 1000
/** Platforms of one question what an image consists of. */
const MAX_PLATFORMS = 16

export interface JobRoutesComponents {
  readonly jobs: Jobs
  readonly targets: Pick<Targets, 'content'>
}

/** A word of the query, if it is there. @throws REQUEST_INVALID */
export function oneOf<Word extends string>(
  query: URLSearchParams,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = query.get(name)
  const found = words.find((word) => word === text)
  if (text === null || found !== undefined) return found
  throw appError('REQUEST_INVALID', { message: `${name} is one of ${words.join(', ')}` })
}

const pageIn = ({ query }: Exchange) => pageRequest(query, { max: MAX_PAGE, usual: PAGE, least: 1 })

/** @throws REQUEST_INVALID */
function platformsIn(query: URLSearchParams): readonly string[] {
  const named = (query.get('platforms') ?? '').split(',').filter((each) => each !== '')
  const isGood = named.length <= MAX_PLATFORMS && named.every((each) => platformTextSchema.safeParse(each).success)
  if (!isGood)
    throw appError('REQUEST_INVALID', { message: `name at most ${MAX_PLATFORMS} platforms like linux/amd64` })
  return named
}

/** Jobs for hosts, and what an image is that they are about. */
export function jobRoutes({ jobs, targets }: JobRoutesComponents): readonly Route[] {
  const runOf = ({ params }: Exchange) => jobs.get(params['id'] ?? '')

  const order = async (exchange: Exchange) => {
    const { principal, signal } = exchange
    const run = await jobs.add(await adminBody(trackerAdmin.order, exchange), principal.name, { signal })
    sendJson(exchange, 202, jobAnswer(run))
  }
  const list = (exchange: Exchange) => {
    const { count, last } = pageIn(exchange)
    const [state, kind] = [oneOf(exchange.query, 'state', jobStates), oneOf(exchange.query, 'kind', jobKinds)]
    const fitting = jobs.all().filter((run) => {
      const { id } = run.job
      return (
        (last === undefined || id < last) &&
        (kind ?? run.job.kind) === run.job.kind &&
        (state ?? run.state) === run.state
      )
    })
    const { page, next } = pageOf({ items: fitting, keyOf: ({ job }) => job.id, row: jobLine }, { count })
    sendTagged(exchange, { jobs: page, ...(next !== undefined && { next }) })
  }
  const hosts = (exchange: Exchange) => {
    const run = runOf(exchange)
    const { count, last } = pageIn(exchange)
    const [state, holds] = [oneOf(exchange.query, 'state', jobStates), oneOf(exchange.query, 'holds', holdings)]
    const fitting = run.rows
      .filter(({ kept }) => (last === undefined || kept.host > last) && (state ?? kept.state) === kept.state)
      .map((row) => jobHostAnswer(run, row))
      .filter((row) => holds === undefined || row.holds === holds)
      .sort((a, b) => (a.host < b.host ? -1 : 1))
    const { page, next } = pageOf({ items: fitting, keyOf: ({ host }) => host, row: (row) => row }, { count })
    sendTagged(exchange, { hosts: page, ...(next !== undefined && { next }) })
  }
  const content = async (exchange: Exchange) => {
    const { query, signal } = exchange
    const { repository, ...found } = await targets.content(query.get('target') ?? '', platformsIn(query), { signal })
    sendJson(exchange, 200, { ...found, ...(repository !== undefined && { repository: repositoryText(repository) }) })
  }
  return [
    adminRoute(trackerAdmin.content, content),
    adminRoute(trackerAdmin.order, order),
    adminRoute(trackerAdmin.jobs, list),
    adminRoute(trackerAdmin.job, (exchange) => sendTagged(exchange, jobAnswer(runOf(exchange)))),
    adminRoute(trackerAdmin.jobHosts, hosts),
    adminRoute(trackerAdmin.cancelJob, async (exchange) => {
      sendJson(exchange, 200, jobAnswer(await jobs.cancel(exchange.params['id'] ?? '')))
    }),
  ]
}
