import { z } from 'zod'
import { anonymousRights, byteSize, rate } from '../../lib/config/index.ts'
import { commonKeys, listenerOf, rings } from '../../lib/service/index.ts'

/** Every key of an agent; `config/agent/base.yaml` shows them with their defaults. */
export const agentSchema = z.strictObject({
  ...commonKeys,
  registry: z
    .strictObject({
      /** Where docker and containerd pull from. */
      listener: listenerOf('agent', 'registry'),
      /** What clients without the token may do, read if nothing is said; beyond this machine it must be. */
      anonymous: anonymousRights.exactOptional(),
      /** Values of `ns` (the host in an image's name) that mean this cluster. */
      ownNames: z.array(z.string().min(1)).default([]),
    })
    .prefault({}),
  /** Where other agents connect to for pieces. */
  peer: listenerOf('agent', 'peer'),
  /** Probes and metrics. */
  ops: listenerOf('agent', 'ops'),
  /** What the agent holds and whom it talks to. */
  admin: listenerOf('agent', 'admin'),
  /** The local store: the cache and blobs on their way. */
  folder: z.string().min(1).default('data/agent'),
  store: z
    .strictObject({
      /** Own bytes on disk; the least recently used blobs are evicted near it. */
      capacity: byteSize.prefault('50GB'),
      /** Instead of `folder`: folders on disks of their own. The capacity is that of all of them. */
      volumes: z.array(z.string().min(1)).default([]),
      /** Left free on the disk for everybody else. */
      minFree: byteSize.prefault('512MiB'),
    })
    .prefault({}),
  origins: rings.origins,
  trackers: rings.trackers,
  buildIndexes: rings.buildIndexes,
  /** Networks whose hosts may be peers, as CIDRs. */
  allowedPeers: z.array(z.string()).default(['0.0.0.0/0', '::/0']),
  limits: z
    .strictObject({
      /** What other peers get from here, all together. */
      upload: rate.prefault('unlimited'),
      /** What comes from peers and origins, all together. */
      download: rate.prefault('unlimited'),
    })
    .prefault({}),
  /** `whole` computes the digest of each blob here as well, on top of the hashes of its pieces; `pieces` is for measuring. */
  verify: z.enum(['pieces', 'whole']).default('whole'),
})

export type AgentConfig = z.output<typeof agentSchema>
