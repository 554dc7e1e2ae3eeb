import { appError, holders } from '../base/index.ts'
import type { HttpRequest, Lane } from './http-client.ts'

/**
 * Counts the requests to each server in each lane, those under way and those that wait. The result of a call ends what it
 * counted. @throws CONNECTIONS_BUSY when `most` are there already
 */
export function laneQueue(most: (lane: Lane) => number): (request: HttpRequest) => () => void {
  const requests = holders()
  return ({ url, lane = 'control' }) => {
    if (!URL.canParse(url)) return () => undefined
    const key = `${lane} ${new URL(url).origin}`
    if (requests.of(key) >= most(lane)) throw appError('CONNECTIONS_BUSY', { detail: { lane } })
    requests.add(key, 1)
    return () => requests.add(key, -1)
  }
}
