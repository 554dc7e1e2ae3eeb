/** Rows of the clusters; all times are milliseconds since the epoch, lists and tables are JSON. */
export interface ClusterRow {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly scopes: string
  readonly isDefault: number
  readonly revision: number
  readonly createdAtMs: number
  /** Agents that its trackers knew when they were last asked. */
  readonly agents: number
  /** Hosts of it that run an older generation of settings than they should, as of then. */
  readonly behind: number
}

export interface JoinTokenRow {
  readonly id: string
  readonly clusterId: string
  readonly name: string
  readonly hash: string
  readonly createdAtMs: number
  readonly expiresAtMs: number | null
  readonly usesLeft: number | null
  readonly used: number
}

export interface MemberRow {
  readonly id: string
  readonly clusterId: string
  readonly kind: string
  readonly member: string
  readonly opsUrl: string
  readonly adminUrl: string
  readonly httpUrl: string | null
  readonly version: string
  readonly zone: string | null
  readonly network: string | null
  /** What its admin listener takes from the manager, sealed. */
  readonly sealedKey: string
  readonly credentialHash: string
  readonly joinedAtMs: number
  readonly heartbeatAtMs: number
  /** When it said that it stops; null while it runs. */
  readonly leftAtMs: number | null
  readonly uptimeMs: number
  readonly generation: number | null
  readonly capacity: string
  readonly state: string
  readonly sinceMs: number
  readonly reasons: string
  readonly answeredAtMs: number | null
}

export interface HostRow {
  readonly clusterId: string
  /** Hosts of a cluster stand in the order in which its trackers list them. */
  readonly peerId: string
  readonly host: string
  readonly port: number
  readonly role: string
  readonly zone: string
  readonly version: string
  readonly generation: number | null
  readonly state: string
  readonly why: string
  readonly seenAtMs: number
  readonly downloads: number
  readonly seeds: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** What a search looks into, in lower case. */
  readonly words: string
  /** 1: it runs an older generation of settings than it should. */
  readonly behind: number
  /** What became of its settings, and why it could not apply them; empty when its trackers do not know. */
  readonly settingsState: string
  readonly settingsCode: string
  readonly settingsMessage: string
}

export interface ClusterTables {
  readonly clusters: ClusterRow
  readonly joinTokens: JoinTokenRow
  readonly members: MemberRow
  readonly hosts: HostRow
}
