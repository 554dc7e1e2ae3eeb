/** A user or a token of registries. Times are milliseconds since the epoch, booleans 0 or 1. */
export interface RegistryUserTable {
  readonly name: string
  readonly kind: string
  /** Of the secret, in hex. */
  readonly sha256: string
  readonly disabled: number
  /** JSON. */
  readonly grants: string
  /** JSON: ids of clusters; null: all. */
  readonly clusters: string | null
  readonly expiresAtMs: number | null
  readonly note: string
  readonly createdAtMs: number
  readonly rotatedAtMs: number
}

/** One row: the generation of all of them. */
export interface RegistryGenerationTable {
  readonly one: number
  readonly value: number
}

export interface RegistryTables {
  readonly registryUsers: RegistryUserTable
  readonly registryGeneration: RegistryGenerationTable
}
