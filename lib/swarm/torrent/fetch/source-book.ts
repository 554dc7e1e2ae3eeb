import type { PeerRole } from '../../../core/index.ts'
import type { PeerHello } from '../../peer/index.ts'
import { type RateMeter, rateMeter } from '../../picker/index.ts'
import type { WaitedFor } from '../shared/pull-trace.ts'
import { noDeeds, type SourceRecord } from '../shared/source-record.ts'

/** What one peer has done for a torrent; it stays when the peer leaves and comes back. Counts only grow. */
export interface SourceNotes extends WaitedFor {
  bytes: number
  asked: number
  outrun: number
  late: number
  refused: number
  repeats: number
  wrong: number
  /** That of its last connection. */
  rate: RateMeter
}

/** Peers that are remembered one by one. */
const MAX_SOURCES = 128

/** Everybody of whom something was asked for one torrent. */
export class SourceBook {
  readonly #byId = new Map<string, SourceNotes>()

  /** The notes of a peer, to be written in. Of too many peers nothing is remembered. */
  of({ peerId, address, listenPort, direction, role }: PeerHello): SourceNotes {
    const known = this.#byId.get(peerId)
    if (known !== undefined) return known
    const port = direction === 'dialled' ? address.port : (listenPort ?? address.port)
    const host = address.host.includes(':') ? `[${address.host}]` : address.host
    const notes = newNotes(peerId, `${host}:${port}`, role)
    if (this.#byId.size < MAX_SOURCES) this.#byId.set(peerId, notes)
    return notes
  }

  /** A piece with bytes from it was wrong. */
  wrong(id: string): void {
    const notes = this.#byId.get(id)
    if (notes !== undefined) notes.wrong += 1
  }

  records(): readonly SourceRecord[] {
    return [...this.#byId.values()].map(({ rate, ...notes }) => ({ ...notes, bytesPerSecond: rate.bytesPerSecond }))
  }
}

function newNotes(id: string, address: string, role: PeerRole): SourceNotes {
  return { id, address, role, ...noDeeds, rate: rateMeter() }
}
