import {
  background,
  type Clock,
  countCache,
  type Random,
  type Startable,
  tokenBucket,
} from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { Kube } from './kube.ts'
import { type KubeObject, keyOf } from './object.ts'
import { apiVersionOf, type Resource, resources } from './resource.ts'

/** Something that people see with `kubectl describe` of an object. */
export interface KubeEvent {
  readonly about: { readonly resource: Resource; readonly object: Pick<KubeObject, 'metadata'> }
  readonly type: 'Normal' | 'Warning'
  /** One word in CamelCase, for machines. */
  readonly reason: string
  /** Cut at 1,024 characters. */
  readonly message: string
}

/** Tells of events in the background: the same one once in ten minutes, few in a second, and none is waited for. */
export interface KubeEvents extends Startable {
  /** Never throws; an event that cannot be written is dropped, and counted. */
  tell(event: KubeEvent): void
}

export interface KubeEventsComponents {
  readonly kube: Pick<Kube, 'writes'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface KubeEventsInit {
  /** Who tells: `shoal-controller`. */
  readonly component: string
  /** Which process of it, such as its host name. */
  readonly instance: string
}

/** Few things happen in a second; a burst at the start of a role is usual. */
const PER_SECOND = 1
const BURST = 25
/** Events of the same words are told again after this time. */
const AGAIN_MS = 10 * 60_000
/** Different events that are remembered. */
const MOST_REMEMBERED = 1000
const MAX_MESSAGE = 1024
const SUFFIX_BYTES = 6
/** Kubernetes keeps names of at most 253 characters. */
const MAX_NAME = 200

/** See KubeEvents. */
export function kubeEvents(components: KubeEventsComponents, init: KubeEventsInit): KubeEvents {
  const { kube, clock, random, logger, metrics } = components
  const help = 'Events for Kubernetes, by what became of them.'
  const told = metrics.counter({ name: 'shoal_kube_events_total', help }, ['outcome'])
  const lately = countCache<true>(clock, { ttlMs: AGAIN_MS, maxEntries: MOST_REMEMBERED })
  const pace = tokenBucket(clock, { ratePerSecond: PER_SECOND, burst: BURST })
  let tasks = background(() => undefined)

  const write = async (event: KubeEvent, signal: AbortSignal) => {
    // `tell` has seen that there is one.
    await pace.take(1, { signal })
    const suffix = Buffer.from(random.bytes(SUFFIX_BYTES)).toString('hex')
    await kube.writes.create(resources.events, eventObject(event, { ...init, suffix, nowMs: clock.now() }), { signal })
    told.with({ outcome: 'written' }).add()
  }

  return {
    tell(event) {
      const { resource, object } = event.about
      const key = JSON.stringify([resource.plural, keyOf(object), event.type, event.reason, event.message])
      if (lately.get(key) === true) return
      lately.set(key, true)
      if (pace.available < 1) {
        told.with({ outcome: 'dropped' }).add()
        return
      }
      tasks.run('event', (signal) => write(event, signal))
    },
    async start() {
      await tasks.stop()
      tasks = background((_, err) => {
        told.with({ outcome: 'failed' }).add()
        logger.debug('failed to write an event', { err })
      })
    },
    stop: () => tasks.stop(),
  }
}

/** The namespace of events about objects that have none. */
const CLUSTER_EVENTS = 'default'

/** An Event of the core group: the form that `kubectl describe` has always shown. */
function eventObject(
  { about: { resource, object }, type, reason, message }: KubeEvent,
  by: KubeEventsInit & { readonly suffix: string; readonly nowMs: number },
): KubeObject {
  const { name, namespace, uid, resourceVersion } = object.metadata
  const at = new Date(by.nowMs).toISOString().replace(/\.\d+Z$/, 'Z')
  const about = { apiVersion: apiVersionOf(resource), kind: resource.kind, name, namespace, uid, resourceVersion }
  return {
    metadata: {
      name: `${name.slice(0, MAX_NAME).replace(/[^a-z0-9]+$/, '')}.${by.suffix}`,
      namespace: namespace ?? CLUSTER_EVENTS,
    },
    involvedObject: about,
    ...{ type, reason, message: message.slice(0, MAX_MESSAGE) },
    source: { component: by.component, host: by.instance },
    ...{ reportingComponent: by.component, reportingInstance: by.instance },
    ...{ firstTimestamp: at, lastTimestamp: at, count: 1 },
  }
}
