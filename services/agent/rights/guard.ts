import { openUpstreams } from '../../../lib/backend/index.ts'
import { type AbortOptions, lifecycle, type Startable } from '../../../lib/base/index.ts'
import type { Repository } from '../../../lib/core/index.ts'
import type { Secrets } from '../../../lib/identity/index.ts'
import type { Readers, RegistryStorage } from '../../../lib/registry/index.ts'
import type { Runtime, UpstreamEntry } from '../../../lib/service/index.ts'
import { type Closed, closed } from './closed.ts'
import { guardedStorage } from './guarded-storage.ts'
import { type Identities, identities } from './identities.ts'
import { proofs } from './proofs.ts'
import { type Rights, rights } from './rights.ts'
import { shownBy } from './shown.ts'
import { succession } from './succession.ts'

/** Stands before all that an agent gives to clients. */
export interface Guard extends Startable {
  /**
   * What the agent serves: to each caller what he may read, and to whom nothing is asked what everybody may read. `cluster`
   * must be given to no client past it.
   */
  storage(cluster: RegistryStorage): RegistryStorage
  /** For those routes that ask nothing of a caller. */
  readonly closed: Pick<Closed, 'pulls' | 'tags'>
  /** Whether images of that registry are given to anybody now. */
  readonly serves: Identities['serves']
  /** Whether clients show at the registry now what they log in with elsewhere. */
  passThrough(): boolean
  /**
   * From now on these entries count. A request that has begun keeps what it began with; whoever comes later gets nothing on
   * the ground of what was proven under others.
   */
  setUpstreams(entries: readonly UpstreamEntry[]): void
}

export interface GuardInit {
  /** Of the config. */
  readonly upstreams: readonly UpstreamEntry[]
  readonly secrets: Pick<Secrets, 'includes'>
}

/** What holds as long as a list of entries does; none of what it found out outlives the list. */
interface Order extends Startable {
  readonly known: Identities
  /** Undefined where no registry says itself who may read there. */
  readonly rights?: Rights
  ping(shown: string | undefined, registry: Repository['registry'], options?: AbortOptions): Promise<void>
}

export function guard(runtime: Runtime, { upstreams, secrets }: GuardInit): Guard {
  const shown = shownBy(secrets)
  const orders = succession(orderOf(runtime, upstreams))
  const identitiesNow: Pick<Identities, 'guarded' | 'serves'> = {
    guarded: (registry) => orders.now.known.guarded(registry),
    serves: (registry) => orders.now.known.serves(registry),
  }
  const shut = closed(identitiesNow)
  const readersOf = (cluster: RegistryStorage): Readers => ({
    during: (reader, work) =>
      orders.during(({ known, rights: decided }) =>
        work(
          decided === undefined
            ? cluster
            : guardedStorage({ cluster, identities: known, rights: decided }, { shown: shown(reader) }),
        ),
      ),
    ping: (reader, registry, options) => orders.during((order) => order.ping(shown(reader), registry, options)),
  })
  return {
    start: () => orders.start(),
    stop: () => orders.stop(),
    storage: (cluster) => ({ ...shut.storage(cluster), readers: readersOf(cluster) }),
    closed: shut,
    serves: identitiesNow.serves,
    passThrough: () => orders.now.known.passThrough,
    setUpstreams: (entries) =>
      orders.replace(orderOf(runtime, entries), (err) =>
        runtime.logger.error('failed to open the ways to registries that say themselves who may read', { err }),
      ),
  }
}

function orderOf(runtime: Runtime, entries: readonly UpstreamEntry[]): Order {
  const known = identities(entries)
  if (known.rules.length === 0) return { ...lifecycle([]), known, ping: () => Promise.resolve() }
  const upstreams = openUpstreams(runtime, known.rules)
  const help = 'Questions to registries whether a client may read there.'
  const asked = runtime.metrics.counter({ name: 'shoal_right_proofs_total', help }, ['outcome'])
  return {
    ...lifecycle([upstreams]),
    known,
    rights: rights({
      ...{ upstreams, proofs: proofs(runtime), clock: runtime.clock },
      count: (outcome) => asked.with({ outcome }).add(),
    }),
    async ping(shown, registry, options) {
      if (known.guarded(registry)?.identity !== 'passThrough') return
      await upstreams.at(registry)?.as({ kind: 'client', shown }).ping(options)
    },
  }
}
