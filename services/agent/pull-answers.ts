import { type PullAnswer, type PullQuestion, type PullRow, pullFailures, type TracedPull } from '../../lib/api/index.ts'
import { appError, codeOf } from '../../lib/base/index.ts'
import { parseDigest } from '../../lib/core/index.ts'
import { pageRequest } from '../../lib/http/index.ts'
import type { PullLog } from './pull-log.ts'
import { rowOf } from './traced-pull.ts'

/** Pulls on one page. */
const MAX_PAGE = 200
const USUAL_PAGE = 50

/** A number of milliseconds in the query; undefined when it is not there. @throws BODY_INVALID */
function milliseconds(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) throw appError('BODY_INVALID', { message: `${name} must be a number of milliseconds` })
  return Number(text)
}

const given = (query: URLSearchParams, name: string) => query.get(name) || undefined

/** A page of the remembered pulls that fit. @throws BODY_INVALID, DIGEST_INVALID, PAGINATION_NUMBER_INVALID */
export function pullPage(
  log: Pick<PullLog, 'find'>,
  query: URLSearchParams,
): { readonly pulls: PullRow[]; readonly next?: string } {
  const { count, last } = pageRequest(query, { max: MAX_PAGE, usual: USUAL_PAGE, least: 1 })
  const digest = given(query, 'digest')
  const found = log.find({
    digest: digest === undefined ? undefined : parseDigest(digest),
    repository: given(query, 'repository'),
    outcome: given(query, 'outcome'),
    slowerThanMs: milliseconds(query, 'slowerThan'),
    sinceMs: milliseconds(query, 'since'),
    last,
  })
  const pulls: PullRow[] = []
  for (const pull of found) {
    const next = pulls.length === count ? pulls.at(-1)?.id : undefined
    if (next !== undefined) return { pulls, next }
    pulls.push(rowOf(pull))
  }
  return { pulls }
}

/** One remembered pull. @throws PULL_UNKNOWN */
export function pullNamed(log: Pick<PullLog, 'get'>, id: string): TracedPull {
  const pull = log.get(id)
  if (pull === undefined) throw appError('PULL_UNKNOWN')
  return pull
}

/** What an agent says to somebody who asks by a tracker. */
export function pullAnswer(log: Pick<PullLog, 'find' | 'get'>, { id, pull, query }: PullQuestion): PullAnswer {
  try {
    if (pull !== undefined) return { id, pull: pullNamed(log, pull) }
    return { id, page: pullPage(log, new URLSearchParams(Object.entries(query))) }
  } catch (err) {
    const code = pullFailures.find((each) => each === codeOf(err))
    if (code === undefined) throw err
    return { id, code }
  }
}
