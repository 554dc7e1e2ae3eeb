import type { AbortOptions, Clock, Random, Startable } from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { KubeReads, Selection } from './kube.ts'
import type { KubeObject } from './object.ts'
import type { Resource } from './resource.ts'

/**
 * How far what is known can be trusted: `none` has not been listed yet; `fresh` follows a watch that the server serves;
 * `lastKnown` was so when the server last answered.
 */
export type Freshness = 'none' | 'fresh' | 'lastKnown'

export type ObjectChange<T> =
  | { readonly type: 'put'; readonly key: string; readonly now: T; readonly before: T | undefined }
  | { readonly type: 'removed'; readonly key: string; readonly before: T }
  | { readonly type: 'freshness'; readonly freshness: Freshness }

/** The objects of one kind, kept up to date by list and watch. */
export interface WatchedObjects<T> extends Startable {
  /**
   * By `namespace/name`, or by name for kinds without namespaces; the same map, whose entries change. Empty until the first
   * list is whole.
   */
  readonly items: ReadonlyMap<string, T>
  readonly freshness: Freshness
  /** When the server last sent anything of them, by the monotonic clock; undefined before it has. */
  readonly heardMs: number | undefined
  /** Called after `items` and `freshness` have changed, once for each change; must not throw. Returns how to end it. */
  onChange(listener: (change: ObjectChange<T>) => void): () => void
  /** Resolves when they have been listed once. @throws ABORTED */
  listed(options?: AbortOptions): Promise<void>
  /** Begins in the background: an API server that does not answer fails no start. */
  start(): Promise<void>
  /** What is known stays, as `lastKnown`. */
  stop(): Promise<void>
}

export interface WatchedObjectsComponents {
  readonly kube: { readonly reads: KubeReads }
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface WatchedObjectsInit<T> extends Selection {
  readonly resource: Resource
  /**
   * What is kept of an object, so that memory holds no more than is used; undefined: it is as if it were not there. Must not
   * throw.
   */
  readonly keep: (object: KubeObject) => T | undefined
  /** Most objects; with more of them the list fails, and what was known stays. Default 50,000. */
  readonly most?: number
  /** As in WatchQuery. Default 150 s: the server sends a bookmark about once a minute. */
  readonly silenceMs?: number
}
