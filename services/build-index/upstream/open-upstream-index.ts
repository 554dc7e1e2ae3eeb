import { type BuildIndex, originStandings, upstreamTalk } from '../../../lib/api/index.ts'
import { openUpstreams, type UpstreamStanding } from '../../../lib/backend/index.ts'
import { type AbortOptions, lifecycle, type Startable, starPattern } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import { OWN_REGISTRY, type Repository } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { BuildIndexConfig } from '../config.ts'
import type { WorkPlace } from '../open-index.ts'
import { lastKnown } from './last-known.ts'
import { openRecordsKeeper } from './records-keeper.ts'
import { upstreamIndex } from './upstream-index.ts'

export interface OpenUpstreamIndexInit {
  /** The index of this cluster's own images. */
  readonly own: BuildIndex
  /** Where last answers are recorded; undefined keeps them in memory only. */
  readonly place: Pick<WorkPlace, 'backend' | 'records'> | undefined
  /** With whom is shared what is found out. */
  readonly originRing: Cluster
  readonly http: HttpClient
}

export interface UpstreamIndexPart extends Startable {
  readonly index: BuildIndex
  readonly isUpstream: (registry: Repository['registry']) => boolean
  /** What this process knows of each upstream. */
  readonly standings: () => readonly UpstreamStanding[]
  /** What each origin knows. */
  readonly elsewhere: (options: AbortOptions) => ReturnType<typeof originStandings>
}

/** The index with the registries of others that the config names. */
export function openUpstreamIndex(
  runtime: Runtime,
  { upstreams: rules, upstreamRecords }: Pick<BuildIndexConfig, 'upstreams' | 'upstreamRecords'>,
  { own, place, http, originRing }: OpenUpstreamIndexInit,
): UpstreamIndexPart {
  const ring = { http, cluster: originRing }
  const known = lastKnown({ ...runtime, records: place?.records })
  const upstreams = openUpstreams({ ...runtime, talk: upstreamTalk(ring) }, rules)
  const freshness = rules.map(({ registry, fresh }) => ({ fits: starPattern(registry), fresh }))
  const freshMs = (registry: string) => freshness.find(({ fits }) => fits.fits(registry))?.fresh ?? 0
  const index = upstreamIndex({ ...runtime, own, upstreams, lastKnown: known }, { freshMs })
  const isUpstream = (registry: Repository['registry']) =>
    registry !== OWN_REGISTRY && freshness.some(({ fits }) => fits.fits(registry))
  const keeper =
    place === undefined || rules.length === 0
      ? []
      : [openRecordsKeeper({ ...runtime, ...place, isUpstream }, upstreamRecords)]
  return {
    ...lifecycle([upstreams, known, ...keeper]),
    index,
    isUpstream,
    standings: () => upstreams.standings(),
    elsewhere: (options) => originStandings(ring, options),
  }
}
