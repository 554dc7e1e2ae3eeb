import { Readable } from 'node:stream'
import { toAppError } from '../../../lib/base/index.ts'
import { encodeRecord } from '../../../lib/metainfo/index.ts'
import type { RelayLog } from './relay-log.ts'

/** Small, because the log holds the chunks anyway: so a slow reader takes no memory of its own. */
const HIGH_WATER_BYTES = 16 * 1024

/**
 * The log as a byte stream from its beginning, at the reader's pace. A broken log destroys the stream with its error.
 * `onClose` is called once, however the stream ends, even if nobody read from it.
 */
export function relayReader(log: RelayLog, onClose: () => void): Readable {
  let next = 0
  let seenBeats = log.beats
  let wanted = false

  const push = (chunk: Uint8Array) => {
    wanted = reader.push(chunk)
  }
  const supply = () => {
    for (let chunk = log.chunks[next]; wanted && chunk !== undefined; chunk = log.chunks[next]) {
      next += 1
      push(chunk)
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
