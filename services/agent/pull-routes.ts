import { adminRoute, agentAdmin } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { parseDigest } from '../../lib/core/index.ts'
import { pageRequest, type Route, sendJson } from '../../lib/http/index.ts'
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

/** Admin routes of the pulls that the agent remembers. */
export function pullRoutes(log: PullLog): readonly Route[] {
  return [
    adminRoute(agentAdmin.pulls, (exchange) => {
      const { query } = exchange
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
      const pulls: ReturnType<typeof rowOf>[] = []
      let more = false
      for (const pull of found) {
        more = pulls.length === count
        if (more) break
        pulls.push(rowOf(pull))
      }
      sendJson(exchange, 200, { pulls, ...(more && { next: pulls.at(-1)?.id }) })
    }),
    adminRoute(agentAdmin.pull, (exchange) => {
      const pull = log.get(exchange.params['id'] ?? '')
      if (pull === undefined) throw appError('PULL_UNKNOWN')
      sendJson(exchange, 200, pull)
    }),
  ]
}
