import { Readable } from 'node:stream'
import { toAppError } from '../../../lib/base/index.ts'
import type { PeerInfo } from '../../../lib/core/index.ts'
import { encodeRecord } from '../../../lib/metainfo/index.ts'
import type { RelayLog } from './relay-log.ts'

/** Small, because the log holds the chunks anyway: so a slow reader takes no memory of its own. */
const HIGH_WATER_BYTES = 16 * 1024

/**
 * What one reader gets before the records. Called with the length of the blob, once that is known, and before that for
 * what can be said without it; until it gives a result. Undefined: not without the length. Empty: nothing.
 */
export type Preface = (length: number | undefined) => Uint8Array | undefined

export interface RelayReaderInit {
  readonly preface?: Preface | undefined
  /** A hint as this reader is told of it, if it is; default: as it is. */
  readonly hinted?: ((peer: PeerInfo) => PeerInfo | undefined) | undefined
  /** Called once, however the stream ends, even if nobody read from it. */
  readonly onClose: () => void
}

/** The log as a byte stream from its beginning, at the reader's pace. A broken log destroys the stream with its error. */
export function relayReader(log: RelayLog, { preface, hinted = (peer) => peer, onClose }: RelayReaderInit): Readable {
  let due = preface
  let next = 0
  let nextHint = 0
  let seenBeats = log.beats
  let wanted = false

  const push = (chunk: Uint8Array) => {
    wanted = reader.push(chunk)
  }
  const introduce = () => {
    if (!wanted || due === undefined || (log.length === undefined && log.end !== undefined)) return
    const bytes = due(log.length)
    if (bytes === undefined) return
    due = undefined
    if (bytes.length > 0) push(bytes)
  }
  const supply = () => {
    introduce()
    for (let chunk = log.chunks[next]; wanted && chunk !== undefined; chunk = log.chunks[next]) {
      next += 1
      push(chunk)
    }
    for (let hint = log.hints[nextHint]; wanted && hint !== undefined; hint = log.hints[nextHint]) {
      nextHint += 1
      const told = hinted(hint)
      if (told !== undefined) push(encodeRecord({ kind: 'hint', peers: [told] }))
    }
    if (!wanted) return
    if (log.end?.kind === 'broken') reader.destroy(toAppError(log.end.err))
    else if (log.end !== undefined) reader.push(null)
    else if (log.beats > seenBeats) push(encodeRecord({ kind: 'heartbeat' }))
    seenBeats = log.beats
  }
  const forget = log.onChange(() => supply())
  const reader = new Readable({
    highWaterMark: HIGH_WATER_BYTES,
    read() {
      wanted = true
      supply()
    },
    destroy(err, done) {
      wanted = false
      forget()
      onClose()
      done(err)
    },
  })
  return reader
}
