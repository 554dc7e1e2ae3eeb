import type { AppError } from '../../base/index.ts'
import type { Contacts } from './meet/contacts.ts'
import type { Pull } from './pull.ts'
import type { PeerSetEvents } from './serve/peer-set-contract.ts'
import type { Usefulness } from './usefulness.ts'

export interface PeerListeners {
  /** Undefined when nothing is pulled. */
  readonly pull: Pull | undefined
  readonly contacts: Pick<Contacts, 'lost' | 'hint'>
  readonly use: Pick<Usefulness, 'see'>
  /** A peer has named others. */
  readonly onNamed: () => void
  readonly onUnreadable: (err: AppError) => void
}

/** Tells the parts of a torrent what its peers do. */
export function peerEvents({ pull, contacts, use, onNamed, onUnreadable }: PeerListeners): PeerSetEvents {
  return {
    onPeer: (connection) => pull?.download?.addPeer(connection),
    onGone(id, gave) {
      contacts.lost(id, gave)
      pull?.download?.removePeer(id)
      pull?.climb()
      use.see()
    },
    onHave: (id, piece) => pull?.download?.peerHas(id, piece),
    onChoke: (id) => pull?.download?.peerChoked(id),
    onSuggest: (id, piece) => pull?.download?.peerSuggests(id, piece),
    // Only who a tracker named is believed to name others.
    onNamed({ direction }, peers) {
      if (direction === 'dialled') contacts.hint(peers)
      onNamed()
    },
    onDenied: (id, denial) => pull?.download?.peerDenies(id, denial),
    onUnreadable,
  }
}
