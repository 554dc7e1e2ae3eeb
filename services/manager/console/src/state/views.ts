/** What the views of the manager answer, as far as the console reads it. */
export interface SwarmRow {
  readonly cluster: string
  readonly swarmId: string
  readonly digest?: string
  readonly repositories: readonly string[]
  readonly state: 'downloading' | 'starving' | 'seeded'
  readonly downloads: number
  readonly seeds: number
  readonly origins: number
}

export interface Peer {
  readonly peerId: string
  readonly host: string
  readonly port: number
  readonly role: string
  readonly zone?: string
  readonly complete: boolean
  readonly leftBytes?: number
  readonly health?: { readonly state: 'good' | 'out' | 'probation'; readonly why?: string }
}

export interface Feed {
  readonly from: string
  readonly to: string
  readonly bytes: number
  readonly bytesPerSecond: number
  readonly failures: number
}

/** All that trackers know of a swarm now. */
export interface WholeSwarm {
  readonly swarm: SwarmRow
  readonly peers: readonly Peer[]
  readonly feeds: readonly Feed[]
  /** There are more peers than are told. */
  readonly cut: boolean
}

/** What has changed since the last event. */
export interface SwarmDelta {
  readonly swarm: SwarmRow
  readonly peers: readonly Peer[]
  readonly gone: readonly string[]
  readonly feeds: readonly Feed[]
  readonly ended: readonly (readonly [from: string, to: string])[]
  readonly cut: boolean
}

export interface SilentCluster {
  readonly cluster: string
  readonly code: string
}

export interface SwarmsPage {
  readonly swarms: readonly SwarmRow[]
  readonly next?: string
  readonly silent: readonly SilentCluster[]
}

export interface ClusterNow {
  readonly cluster: string
  readonly away: boolean
  readonly trackers: number
  readonly swarms: number
  readonly downloads: number
  readonly copies: number
  readonly hosts: number
  readonly bans: number
  readonly drains: number
}

/** What was measured in one interval; absent: the services that count it could not be asked. */
export interface Sample {
  readonly atMs: number
  readonly downloads: number
  readonly finishedPerMinute?: number
  readonly pulledPerSecond?: number
  readonly originsPerSecond?: number
  readonly backendPerSecond?: number
}

export interface Overview {
  readonly atMs: number
  readonly clusters: readonly ClusterNow[]
  readonly samples: readonly Sample[]
}

export interface ImageTag {
  readonly tag: string
  readonly digest: string
}

export interface Replication {
  readonly remote: string
  readonly tag: string
  readonly state: string
  readonly digest?: string
  readonly doneBytes: number
  readonly totalBytes: number
  readonly lastError?: { readonly code: string; readonly message: string }
}

export interface ImageInCluster {
  readonly cluster: string
  /** Why it could not be asked. */
  readonly code?: string
  readonly tags: readonly ImageTag[]
  readonly moreTags: boolean
  readonly blobs: readonly SwarmRow[]
  readonly moreBlobs: boolean
  readonly replications: readonly Replication[]
}

export interface ImageAnswer {
  readonly repository: string
  readonly clusters: readonly ImageInCluster[]
}

export interface ContentInCluster {
  readonly cluster: string
  /** Why nothing is known of it there. */
  readonly code?: string
  readonly content?: {
    readonly digest: string
    readonly image: boolean
    readonly items: readonly { readonly digest: string; readonly size?: number; readonly mediaType?: string }[]
  }
  readonly referrers: readonly {
    readonly digest: string
    readonly size: number
    readonly mediaType: string
    readonly artifactType?: string
  }[]
  /** Tags by which older tools keep signatures, attestations and lists of packages. */
  readonly besides: readonly string[]
}

export interface ContentAnswer {
  readonly repository: string
  readonly clusters: readonly ContentInCluster[]
}

export interface RepositoriesAnswer {
  readonly repositories: readonly { readonly repository: string; readonly clusters: readonly string[] }[]
  readonly next?: string
  readonly silent: readonly SilentCluster[]
}

export interface Mark {
  readonly target: string
  readonly reason: string
  readonly by: string
  readonly atMs: number
  readonly untilMs?: number
}

export interface HostAnswer extends Omit<Peer, 'complete' | 'leftBytes'> {
  readonly cluster: string
  readonly seenAtMs: number
  readonly bytesPerSecond: { readonly in: number; readonly out: number }
  readonly downloads: number
  readonly seeds: number
  readonly labels?: Readonly<Record<string, string>>
  /** The version that it runs. */
  readonly shoal?: string
  readonly settings?: { readonly generation: number }
  readonly ban?: Mark
  readonly drain?: Mark
  readonly blobs: readonly { readonly swarmId: string; readonly digest?: string; readonly complete: boolean }[]
  readonly next?: string
}
