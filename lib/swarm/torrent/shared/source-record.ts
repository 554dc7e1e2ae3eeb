import type { PeerRole } from '../../../core/index.ts'

/** What one peer did for one pull. */
export interface SourceRecord {
  readonly id: string
  /** Host and port where it listens. */
  readonly address: string
  readonly role: PeerRole
  /** Payload bytes. */
  readonly bytes: number
  /** How often it did not give in time what was asked of it, and how often it refused. */
  readonly late: number
  readonly refused: number
  /** Blocks that were asked of it, and those of them that another gave in its place. */
  readonly asked: number
  readonly outrun: number
  /** Blocks that were asked of it while another peer might still give them. */
  readonly repeats: number
  /** Pieces with bytes from it that turned out wrong. */
  readonly wrong: number
  /** Its rate at the last look; undefined until there is enough data. */
  readonly bytesPerSecond: number | undefined
}

export const noDeeds = { bytes: 0, asked: 0, outrun: 0, late: 0, refused: 0, repeats: 0, wrong: 0 } as const

/** The difference between two readings; who did nothing in between is left out. */
export function sourcesSince(before: readonly SourceRecord[], now: readonly SourceRecord[]): readonly SourceRecord[] {
  const earlier = new Map(before.map((record) => [record.id, record]))
  const kinds = Object.keys(noDeeds) as (keyof typeof noDeeds)[]
  const deeds = now.map((record) => {
    const before = earlier.get(record.id) ?? noDeeds
    return { ...record, ...Object.fromEntries(kinds.map((kind) => [kind, record[kind] - before[kind]])) }
  })
  return deeds.filter((record) => kinds.some((kind) => record[kind] > 0))
}
