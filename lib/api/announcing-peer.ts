import type { PeerId, PeerRole } from '../core/index.ts'
import { table, text } from './bounded.ts'
import { type AnnouncingPeer, announceLimits } from './tracker.ts'

const shortText = text(255).min(1)

/** Config keys of a node that announces: where it is, for the order in which trackers name peers. */
export const placeKeys = {
  /** Nodes with the same zone are near each other. */
  zone: shortText.exactOptional(),
  /** `rack` and `host` say more exactly where it is; others are only shown. */
  labels: table(shortText, { max: announceLimits.maxLabels, maxKey: 255 }).exactOptional(),
}

/** Where a node is, as its config says; undefined when it does not. */
export interface NodePlace {
  /** The network that it is in. */
  readonly network?: string | undefined
  /** Where nodes of other networks reach it; only a member of the services may say so. */
  readonly addresses?: AnnouncingPeer['addresses'] | undefined
  readonly zone?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/** A node as it announces itself, and the `key` that proves to trackers that a later announce comes from it. */
export function announcingPeer(
  node: {
    readonly peerId: PeerId
    readonly port: number
    readonly role: PeerRole
    readonly spareBytesPerSecond?: number | undefined
  },
  { key, zone, labels, network, addresses }: NodePlace & { readonly key: string },
): AnnouncingPeer {
  const { peerId, port, role, spareBytesPerSecond } = node
  return {
    ...{ peerId, key, port, role },
    ...(zone !== undefined && { zone }),
    ...(labels !== undefined && { labels }),
    ...(network !== undefined && { network }),
    ...(addresses !== undefined && { addresses }),
    ...(spareBytesPerSecond !== undefined && { spareBytesPerSecond }),
  }
}
