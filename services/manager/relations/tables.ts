/** A relation: `fromId` replicates to `toId`. Times are milliseconds since the epoch, booleans 0 or 1, lists are JSON. */
export interface RelationTable {
  readonly id: string
  readonly fromId: string
  readonly toId: string
  /** Name of the remote at the build-indexes of `fromId`. */
  readonly remote: string
  readonly rules: string
  /** null: the addresses with which the build-indexes of `toId` have joined. */
  readonly urls: string | null
  readonly windows: string
  /** Bytes in a second; null: no limit. */
  readonly bandwidth: number | null
  readonly concurrency: number
  readonly signatures: number
  readonly deletes: number
  readonly isPaused: number
  readonly note: string
  readonly createdAtMs: number
  readonly changedAtMs: number
}

/** One row: the generation of all of them. */
export interface RelationGenerationTable {
  readonly one: number
  readonly value: number
}

export interface RelationTables {
  readonly relations: RelationTable
  readonly relationGeneration: RelationGenerationTable
}
