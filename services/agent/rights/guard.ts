import { openUpstreams } from '../../../lib/backend/index.ts'
import { lifecycle, type Startable } from '../../../lib/base/index.ts'
import type { Secrets } from '../../../lib/identity/index.ts'
import type { Readers, RegistryStorage } from '../../../lib/registry/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { type Closed, closed } from './closed.ts'
import type { UpstreamEntry } from './config.ts'
import { guardedStorage } from './guarded-storage.ts'
import { identities } from './identities.ts'
import { proofs } from './proofs.ts'
import { rights } from './rights.ts'
import { shownBy } from './shown.ts'

/** Stands before all that an agent gives to clients. */
export interface Guard extends Startable {
  /**
   * What the agent serves: to each caller what he may read, and to whom nothing is asked what everybody may read. `cluster`
   * must be given to no client past it.
   */
  storage(cluster: RegistryStorage): RegistryStorage
  /** For those routes that ask nothing of a caller. */
  readonly closed: Pick<Closed, 'pulls' | 'tags'>
  /** Clients show at the registry what they log in with elsewhere. */
  readonly passThrough: boolean
}

export interface GuardInit {
  /** Of the config. */
  readonly upstreams: readonly UpstreamEntry[]
  readonly secrets: Pick<Secrets, 'includes'>
}

export function guard(runtime: Runtime, { upstreams: entries, secrets }: GuardInit): Guard {
  const known = identities(entries)
  const shut = closed(known)
  if (known.rules.length === 0) {
    return { ...lifecycle([]), storage: (cluster) => cluster, closed: shut, passThrough: false }
  }
  const upstreams = openUpstreams(runtime, known.rules)
  const shown = shownBy(secrets)
  const help = 'Questions to registries whether a client may read there.'
  const asked = runtime.metrics.counter({ name: 'shoal_right_proofs_total', help }, ['outcome'])
  const decided = rights({
    ...{ upstreams, proofs: proofs(runtime), clock: runtime.clock },
    count: (outcome) => asked.with({ outcome }).add(),
  })
  const readers = (cluster: RegistryStorage): Readers => ({
    storageFor: (reader) => guardedStorage({ cluster, identities: known, rights: decided }, { shown: shown(reader) }),
    async ping(reader, registry, options) {
      if (known.guarded(registry)?.identity !== 'passThrough') return
      await upstreams
        .at(registry)
        ?.as({ kind: 'client', shown: shown(reader) })
        .ping(options)
    },
  })
  return {
    ...lifecycle([upstreams]),
    storage: (cluster) => ({ ...shut.storage(cluster), readers: readers(cluster) }),
    closed: shut,
    passThrough: known.passThrough,
  }
}
