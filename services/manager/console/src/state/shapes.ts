/** What the console reads of the manager's answers. A test compares the recorded answers with the schemas of lib/api. */

export interface Grant {
  readonly resource: string
  readonly action: string
}

export interface Me {
  readonly name: string
  readonly kind: 'user' | 'token' | 'secret'
  readonly roles: readonly string[]
  readonly grants: readonly Grant[]
  readonly hasPassword: boolean
}

export interface SignInWays {
  readonly passwords: boolean
  readonly providers: readonly { readonly name: string; readonly title: string }[]
}

export interface User {
  readonly name: string
  readonly roles: readonly string[]
  readonly disabled: boolean
  readonly hasPassword: boolean
  readonly provider?: string
  readonly createdAtMs: number
  readonly signedInAtMs?: number
}

export interface Role {
  readonly name: string
  readonly what: string
  readonly grants: readonly Grant[]
}

export interface Invite {
  readonly id: string
  readonly roles: readonly string[]
  readonly createdBy: string
  readonly expiresAtMs: number
}

export interface Token {
  readonly id: string
  readonly user: string
  readonly name: string
  readonly grants: readonly Grant[]
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly usedAtMs?: number
  readonly madeBy?: string
}

export interface Session {
  readonly id: string
  readonly current: boolean
  readonly usedAtMs: number
  readonly address: string
  readonly agent: string
}

export interface AuditRow {
  readonly id: string
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly detail?: unknown
  readonly outcome?: 'unknown' | 'done' | 'refused'
  readonly code?: string
}

export type Health = 'ok' | 'degraded' | 'unreachable' | 'away' | 'empty'

export interface Cluster {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly scopes: {
    readonly cidrs: readonly string[]
    readonly zones: readonly string[]
    readonly hosts: readonly string[]
  }
  readonly default: boolean
  readonly state: Health
  readonly members: Readonly<Record<string, number>>
  readonly agents: number
  readonly versions: Readonly<Record<string, number>>
}

export interface Member {
  readonly id: string
  readonly cluster: string
  readonly kind: string
  readonly member: string
  readonly urls: { readonly ops: string; readonly admin: string }
  readonly version: string
  readonly zone?: string
  readonly state: Health
  readonly sinceMs: number
  readonly reasons: readonly string[]
  readonly heartbeatAtMs: number
  readonly generation?: number
}

export interface JoinToken {
  readonly id: string
  readonly name: string
  readonly expiresAtMs?: number
  readonly usesLeft?: number
  readonly used: number
  readonly state: string
}

export interface Host {
  readonly cluster: string
  readonly peerId: string
  readonly host: string
  readonly port: number
  readonly role: string
  readonly zone?: string
  readonly version?: string
  readonly generation?: number
  readonly state: string
  readonly why?: string
  readonly seenAtMs: number
  readonly downloads: number
  readonly seeds: number
  readonly bytesInPerSecond: number
  readonly bytesOutPerSecond: number
  /** It runs an older generation of settings than it should. */
  readonly behind: boolean
  readonly settings?: { readonly state: string; readonly code?: string; readonly message?: string }
}
