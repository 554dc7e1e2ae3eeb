import { appError } from '../base/index.ts'
import type { HttpRequest, Lane } from './http-client.ts'

/**
 * Counts the requests to each server in each lane, those under way and those that wait. The result of a call ends what it
 * counted. @throws CONNECTIONS_BUSY when `most` are there already
 */
export function laneQueue(most: (lane: Lane) => number): (request: HttpRequest) => () => void {
  const counts = new Map<string, number>()
  return ({ url, lane = 'control' }) => {
    if (!URL.canParse(url)) return () => undefined
    const key = `${lane} ${new URL(url).origin}`
    const count = counts.get(key) ?? 0
    if (count >= most(lane)) throw appError('CONNECTIONS_BUSY', { detail: { lane } })
    counts.set(key, count + 1)
    return () => {
      const left = (counts.get(key) ?? 1) - 1
      if (left === 0) counts.delete(key)
      else counts.set(key, left)
    }
  }
}
