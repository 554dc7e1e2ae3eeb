import { type BlobRef, type Digest, repositoryText } from '../../../lib/core/index.ts'
import type { Holds } from './holds.ts'
import type { Intake } from './intake.ts'
import type { RunReads } from './run-reads.ts'

/**
 * What a run does now.
 *
 *     queued    another run, which reads elsewhere, has the bytes of this digest in hand
 *     asking    it asks the backend and other origins who has the blob
 *     reading   bytes come
 *     resting   the backend has asked to slow down, and nothing else is read meanwhile
 *     paced     what is left waits for `ingest.fill`
 *     idle      nobody waits for what is missing, and it is not filled
 *     checking  all bytes are here, and the digest is compared
 *     ending    nobody wants the blob: what is under way is read to its end
 */
export type IngestState = 'queued' | 'asking' | 'reading' | 'resting' | 'paced' | 'idle' | 'checking' | 'ending'

/** From where the bytes come. */
export type IngestSource = { readonly from: 'backend' } | { readonly from: 'origin'; readonly member: string }

/** A blob that is being brought, as an operator sees it. */
export interface IngestReport {
  /** Names the run: a digest that lies in several backends may have several. */
  readonly id: string
  readonly digest: Digest
  /** Of whoever asked first. */
  readonly repository: string
  /** Undefined until it is known. */
  readonly size: number | undefined
  /** Bytes that are here, in whole pieces. */
  readonly heldBytes: number
  /** Bytes that this run has received. */
  readonly receivedBytes: number
  readonly from: IngestSource['from'] | undefined
  readonly member: string | undefined
  readonly state: IngestState
  /** Reads under way, also those that wait. */
  readonly reads: number
  /** How many want some of it; all peers of the swarm together are one. */
  readonly holds: number
  /** One of them wants all of it. */
  readonly whole: boolean
  readonly startedAtMs: number
}

export interface RunFacts {
  readonly blob: BlobRef
  readonly startedAtMs: number
  /** Its turn has come. */
  readonly isBegun: boolean
  readonly source: IngestSource | undefined
  readonly intake: Pick<Intake, 'partial' | 'isWhole'> | undefined
  readonly receivedBytes: number
  readonly reads: Pick<RunReads, 'count'>
  readonly holds: Pick<Holds, 'count' | 'whole' | 'over'>
}

/** A run as it is at this moment. */
export function reportOf(facts: RunFacts): Omit<IngestReport, 'id'> {
  const { blob, startedAtMs, source, intake, receivedBytes, reads, holds } = facts
  return {
    ...{ digest: blob.digest, repository: repositoryText(blob.repository) },
    ...{ size: intake?.partial.map.length, heldBytes: intake === undefined ? 0 : heldBytes(intake), receivedBytes },
    ...{ from: source?.from, member: source?.from === 'origin' ? source.member : undefined },
    ...{ state: stateOf(facts), reads: reads.count('read'), holds: holds.count, whole: holds.whole, startedAtMs },
  }
}

type StateFacts = Pick<RunFacts, 'isBegun' | 'source' | 'reads'> & {
  readonly intake: Pick<Intake, 'isWhole'> | undefined
  readonly holds: Pick<Holds, 'over'>
}

export function stateOf({ isBegun, source, intake, reads, holds }: StateFacts): IngestState {
  if (!isBegun) return 'queued'
  if (intake?.isWhole === true) return 'checking'
  if (holds.over) return 'ending'
  if (source === undefined) return 'asking'
  const [paced, resting] = [reads.count('rate'), reads.count('rest')]
  if (reads.count('read') > paced + resting) return 'reading'
  if (resting > 0) return 'resting'
  return paced > 0 ? 'paced' : 'idle'
}

/** All pieces but the last have one length. */
function heldBytes({ partial: { map, have } }: Pick<Intake, 'partial'>): number {
  const last = map.count - 1
  const lacks = have.has(last) ? map.pieceLength - map.sizeOf(last) : 0
  return have.count * map.pieceLength - lacks
}
