/** What the API of users of registries answers and takes, as far as the console reads and writes it. */
export const ruleActions = ['pull', 'push', 'delete', 'catalog'] as const
export type RuleAction = (typeof ruleActions)[number]

export const registryUserKinds = ['user', 'token'] as const
export type RegistryUserKind = (typeof registryUserKinds)[number]

export const registryProxyStates = ['applied', 'behind', 'foreign', 'refused', 'away'] as const
export type RegistryProxyState = (typeof registryProxyStates)[number]

export interface RegistryGrant {
  readonly repositories: readonly string[]
  readonly actions: readonly RuleAction[]
}

export interface RegistryUser {
  readonly name: string
  readonly kind: RegistryUserKind
  readonly disabled: boolean
  readonly grants: readonly RegistryGrant[]
  /** Names; absent: all. */
  readonly clusters?: readonly string[]
  /** Absent: never. */
  readonly expiresAtMs?: number
  readonly note: string
  readonly createdAtMs: number
  readonly rotatedAtMs: number
}

export interface RegistryUsersPage {
  readonly users: readonly RegistryUser[]
  readonly next?: string
}

/** The secret is kept nowhere. */
export interface ShownRegistryUser {
  readonly secret: string
  readonly kept: RegistryUser
}

export interface RegistryProxy {
  readonly cluster: string
  readonly proxy: string
  readonly state: RegistryProxyState
  readonly generation?: number
  readonly wanted: number
  readonly code?: string
  readonly manager?: string
}

export interface RegistryProxies {
  readonly generation: number
  readonly applied: number
  readonly of: number
  readonly proxies: readonly RegistryProxy[]
}
