import type { AppError } from '../../base/index.ts'
import type { Given } from './given.ts'
import type { Contacts } from './meet/contacts.ts'
import type { Pull } from './pull.ts'
import type { PeerSetEvents } from './serve/peer-set-contract.ts'
import type { Usefulness } from './usefulness.ts'

export interface PeerListeners {
  /** Undefined when nothing is pulled. */
  readonly pull: Pull | undefined
  /** Undefined when something is pulled. */
  readonly given: Pick<Given, 'wants' | 'left'> | undefined
  readonly contacts: Pick<Contacts, 'lost' | 'hint'>
  readonly use: Pick<Usefulness, 'see'>
  /** A peer has named others. */
  readonly onNamed: () => void
  readonly onUnreadable: (err: AppError) => void
}

/** Tells the parts of a torrent what its peers do. */
export function peerEvents({ pull, given, contacts, use, onNamed, onUnreadable }: PeerListeners): PeerSetEvents {
  return {
    onPeer: (connection) => pull?.supply?.addPeer(connection),
    onGone(id, gave) {
      contacts.lost(id, gave)
      pull?.supply?.removePeer(id)
      given?.left(id)
      pull?.climb()
      use.see()
    },
    onHave: (id, piece) => pull?.supply?.download.peerHas(id, piece),
    onChoke: (id) => pull?.supply?.download.peerChoked(id),
    onSuggest: (id, piece) => pull?.supply?.download.peerSuggests(id, piece),
    // Only who a tracker named is believed to name others.
    onNamed({ direction }, peers) {
      if (direction === 'dialled') contacts.hint(peers)
      onNamed()
    },
    onDenied: (id, denial) => pull?.supply?.download.peerDenies(id, denial),
    onWant: (id, want) => given?.wants(id, want),
    onUnreadable,
  }
}
