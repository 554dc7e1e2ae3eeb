import type { SwarmLimits } from '../limits.ts'

/** Limits that a node may change while it runs; what is left out stays as it is in the table. */
export interface SettableLimits {
  /** Links to other nodes: `maxConnections`. */
  readonly connections?: number | undefined
  /** Of one blob: `maxConnectionsPerTorrentSoft`; a third more may be there, with those of peers that come. */
  readonly blobConnections?: number | undefined
  /** Peers of one blob that are served at the same time. */
  readonly uploadSlots?: number | undefined
  /** In front of a reader, at most: `maxWindowBytes`. */
  readonly windowBytes?: number | undefined
  /** Blocks that are asked of one peer at a time, at most: `maxPipelineBlocks`. */
  readonly pipelineBlocks?: number | undefined
}

/** What is said of `limits`, by the names of the table. */
export function tableOf({
  connections,
  blobConnections: soft,
  uploadSlots,
  windowBytes,
  pipelineBlocks,
}: SettableLimits): Partial<SwarmLimits> {
  return {
    ...(connections !== undefined && { maxConnections: connections }),
    ...(soft !== undefined && {
      maxConnectionsPerTorrentSoft: soft,
      maxConnectionsPerTorrentHard: Math.ceil((soft * 4) / 3),
    }),
    ...(uploadSlots !== undefined && { uploadSlots }),
    ...(windowBytes !== undefined && { maxWindowBytes: windowBytes }),
    ...(pipelineBlocks !== undefined && { maxPipelineBlocks: pipelineBlocks }),
  }
}
