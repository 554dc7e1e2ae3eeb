import type { AdminClient, trackerAdmin } from '../../../lib/api/index.ts'

type SteeringApi = Pick<typeof trackerAdmin, 'steering' | 'steer' | 'unsteer' | 'steeringHosts'>

export interface SteeredTrackerClient {
  /** Its name in the cluster. */
  readonly id: string
  readonly admin: AdminClient<SteeringApi>
}

/** The clusters of this manager, as this wing needs them; wing `clusters` has them. */
export interface SteeredClusters {
  clusters(): readonly { readonly id: string; readonly name: string; readonly away: boolean }[]
  /** Those that answered lately come first. */
  trackers(cluster: string): readonly SteeredTrackerClient[]
}
