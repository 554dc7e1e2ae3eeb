import type { Startable } from '../../../lib/base/index.ts'
import type { HttpClient, Route } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { acts } from '../acts.ts'
import type { ManagerDatabase } from '../database/index.ts'
import { askedClusters, type ViewedClusters } from './asked-clusters.ts'
import { contentViews } from './content-views.ts'
import { type CountedRoster, countedMembers } from './counted-members.ts'
import { imageViews } from './image-views.ts'
import { liveSwarms } from './live-swarms.ts'
import { nodeViews } from './node-views.ts'
import { overview } from './overview.ts'
import { swarmViews } from './swarm-views.ts'
import { viewRoutes } from './view-routes.ts'

export interface ViewsComponents extends Runtime {
  readonly database: Pick<ManagerDatabase, 'change' | 'keep'>
  readonly clusters: ViewedClusters
  readonly roster: CountedRoster
  /** How members are asked what they have counted. */
  readonly http: HttpClient
}

/** The wing of the views: what the services of clusters know now, seen together. It keeps nothing. */
export interface Views {
  readonly routes: readonly Route[]
  /** To be started in order, behind the clusters. */
  readonly parts: readonly Startable[]
}

export function openViews(components: ViewsComponents): Views {
  const { clock, roster, http } = components
  const counted = countedMembers(roster, http)
  const clusters = askedClusters(components.clusters, clock)
  const swarms = swarmViews(clusters)
  const live = liveSwarms({ ...components, views: swarms })
  const numbers = overview({ ...components, clusters, counted })
  const images = { images: imageViews(clusters, swarms), contents: contentViews(clusters) }
  const parted = { ...images, swarms, live, overview: numbers, nodes: nodeViews(clusters) }
  return { routes: viewRoutes({ ...parted, clock, act: acts(components) }), parts: [live, numbers.rounds] }
}
