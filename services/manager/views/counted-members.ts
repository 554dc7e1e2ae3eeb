import { appError } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { CountedMember } from './counts.ts'

/** Most bytes of what a service has counted. */
const MAX_BYTES = 4 * 1024 * 1024

/** Members of clusters, and where each tells what it has counted. */
export interface CountedRoster {
  readonly clusters: readonly {
    readonly members: readonly {
      readonly id: string
      readonly kind: string
      readonly urls: { readonly ops: string }
      readonly health: { readonly state: string }
    }[]
  }[]
}

/** Trackers and origins that answer the manager. */
export function countedMembers(roster: CountedRoster, http: HttpClient): () => readonly CountedMember[] {
  return () =>
    roster.clusters
      .flatMap(({ members }) => members)
      .filter(({ health }) => health.state === 'ok' || health.state === 'degraded')
      .flatMap(({ id, kind, urls }): readonly CountedMember[] => {
        if (kind !== 'tracker' && kind !== 'origin') return []
        const metrics: CountedMember['metrics'] = async (options) => {
          const answer = await http.request({ method: 'GET', url: `${urls.ops}/metrics`, ...options })
          if (answer.status !== 200) throw appError('UNKNOWN')
          return Buffer.from(await answer.bytes(MAX_BYTES)).toString()
        }
        return [{ id, kind, metrics }]
      })
}
