import { type Backend, memoryBackend } from '../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom } from '../../lib/base/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import { type BlobStore, memoryStore, type StoredBlob } from '../../lib/store/index.ts'
import type { BlobRef } from '../../lib/swarm/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { type Ingest, ingest } from '../../services/origin/ingest.ts'
import { placement } from '../../services/origin/placement.ts'
import { type Refusals, refusals } from '../../services/origin/refusals.ts'
import type { Siblings } from '../../services/origin/siblings.ts'
import { type UploadSessions, uploadSessions } from '../../services/origin/upload-sessions.ts'
import { clusterOf, someMembers } from './cluster.ts'
import { type FaultyBackend, faultyBackend } from './faulty-backend.ts'

/** One origin's rules, without listeners: its calls to others go straight to their objects. */
export interface LabOrigin {
  readonly id: string
  readonly store: BlobStore
  readonly ingest: Ingest
  readonly uploads: UploadSessions
  readonly cluster: Cluster
  /** Calls to it fail from now on, as those to a dead process do. */
  kill(): void
}

export interface OriginLab {
  readonly origins: readonly LabOrigin[]
  readonly backend: FaultyBackend
  readonly inner: Backend
  readonly clock: FakeClock
  origin(id: string): LabOrigin
}

export interface OriginLabInit {
  readonly count: number
  readonly replicas: number
  /** The health view of one origin; default: everybody is well until a call fails. */
  readonly clusterFor?: (id: string) => Cluster
}

/** Several origins over one backend in memory. */
export function originLab(init: OriginLabInit): OriginLab {
  const clock = fakeClock()
  const members = someMembers(init.count)
  const inner = memoryBackend()
  const backend = faultyBackend(inner)
  const dead = new Set<string>()
  const origins: LabOrigin[] = []

  const origin = (id: string): LabOrigin => {
    const found = origins.find((each) => each.id === id)
    if (found === undefined || dead.has(id)) throw appError('PEER_CLOSED', { detail: { member: id } })
    return found
  }

  const siblings: Siblings = {
    async read(member, blob, options) {
      const { ingest: bring, store } = origin(member.id)
      const { size } = await bring.ensure(blob, { hop: true, ...options })
      return { size, body: await store.open(blob.digest) }
    },
    async put(member, blob, { body }) {
      const { store } = origin(member.id)
      const upload = await store.createUpload()
      await upload.append(body, { offset: 0 })
      await upload.commit(blob.digest)
    },
  }

  const labOrigin = (id: string): LabOrigin => {
    const cluster = init.clusterFor?.(id) ?? clusterOf(members, { replicas: init.replicas, clock })
    const store = memoryStore(
      { clock, random: seededRandom(id.length), logger: silentLogger() },
      { capacityBytes: 1e9 },
    )
    const refused: Refusals = refusals(clock)
    const ignore = (_blob: BlobRef, _stored: StoredBlob) => undefined
    const shared = {
      refusals: refused,
      store,
      cluster,
      siblings,
      backends: { backendFor: () => backend.backend },
      logger: silentLogger(),
      onStored: ignore,
    }
    const bring = ingest({ ...shared, onReceived: () => undefined }, { memberId: id })
    const place = placement({ ...shared, onSent: () => undefined }, { memberId: id })
    const uploads = uploadSessions({ ...shared, placement: place, onReceived: () => undefined }, { memberId: id })
    return { id, store, ingest: bring, uploads, cluster, kill: () => void dead.add(id) }
  }

  for (const { id } of members) origins.push(labOrigin(id))
  return { origins, backend, inner, clock, origin }
}
