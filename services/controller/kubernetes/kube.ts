import type { AbortOptions, Startable } from '../../../lib/base/index.ts'
import type { KubeObject } from './object.ts'
import type { ObjectRef, Resource } from './resource.ts'

/** Which objects of a kind. */
export interface Selection {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined
  /** As in `kubectl get -l`: `app=shoal,zone in (a,b)`. Default: any. */
  readonly labels?: string | undefined
  /** As in `kubectl get --field-selector`: `spec.nodeName=n1`; the server says which fields a kind has. Default: any. */
  readonly fields?: string | undefined
}

/** A part of a list. All pages of one list show the objects as they were at one moment. */
export interface ObjectPage {
  readonly objects: readonly KubeObject[]
  /** A watch from here goes on where the list ends. */
  readonly resourceVersion: string
  /** What the next page is asked with; undefined on the last one. */
  readonly next: string | undefined
}

export interface PageQuery extends Selection {
  readonly limit: number
  /** `next` of the page before. */
  readonly next?: string | undefined
}

/** What a watch tells. A bookmark says only that all before this version has been told. */
export type WatchEvent =
  | { readonly type: 'put' | 'removed'; readonly object: KubeObject; readonly resourceVersion: string }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }

export interface WatchQuery extends Selection {
  /** Changes after this version are told. */
  readonly resourceVersion: string
  /** The server ends the watch after about this time; whole seconds. */
  readonly timeoutMs: number
  /** Nothing for longer than this breaks the watch off: a server that is stopped may keep it open. */
  readonly silenceMs: number
}

/**
 * Reading. All of it fails with KUBE_UNAVAILABLE (no answer, or one of 500 and more), KUBE_THROTTLED (`detail.retryAfterMs`
 * if the server says so), KUBE_UNAUTHORIZED, KUBE_FORBIDDEN, KUBE_NOT_FOUND (no such object, or no such kind), KUBE_INVALID,
 * TLS_UNTRUSTED, BODY_TOO_LARGE, BODY_INVALID, ABORTED. Nothing is tried again here.
 */
export interface KubeReads {
  get(resource: Resource, ref: ObjectRef, options?: AbortOptions): Promise<KubeObject>
  /** One page. @throws KUBE_GONE when `next` is too old: begin again with the first page */
  page(resource: Resource, query: PageQuery, options?: AbortOptions): Promise<ObjectPage>
  /**
   * Resolves when the server has begun to answer; the changes end when the server ends the watch.
   * @throws KUBE_GONE, at once or later, when the version is too old: list again
   */
  watch(resource: Resource, query: WatchQuery, options?: AbortOptions): Promise<AsyncIterable<WatchEvent>>
}

export interface WriteOptions extends AbortOptions {
  /** The server checks all and changes nothing. Default false. */
  readonly dryRun?: boolean
}

/** Which part of an object is written: its status is apart from the rest where the kind says so. */
export interface PartOptions extends WriteOptions {
  readonly subresource?: 'status'
}

export interface ApplyOptions extends PartOptions {
  /** Who owns the fields that are given; it takes back what it gave before and gives no longer. */
  readonly manager: string
  /** Takes fields from other owners instead of failing. Default false. */
  readonly force?: boolean
}

export interface RemoveOptions extends WriteOptions {
  /** Only this very object, and only while it is like this. */
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
  /** What becomes of the objects that it owns. Default: as its kind has it. */
  readonly dependents?: 'Background' | 'Foreground' | 'Orphan'
}

/**
 * Writing. Fails as reading does, and with KUBE_CONFLICT: the object is not as it was when it was read, or a field that is
 * applied belongs to another manager. An object without `metadata.namespace` goes to the namespace of the client.
 */
export interface KubeWrites {
  /** @throws KUBE_EXISTS */
  create(resource: Resource, object: KubeObject, options?: WriteOptions): Promise<KubeObject>
  /** Of a version (`metadata.resourceVersion`), or whatever is there. @throws KUBE_CONFLICT */
  replace(resource: Resource, object: KubeObject, options?: PartOptions): Promise<KubeObject>
  /** Merges into the object (RFC 7386): null takes a field away. With a resourceVersion in its metadata: @throws KUBE_CONFLICT */
  merge(resource: Resource, ref: ObjectRef, patch: object, options?: PartOptions): Promise<KubeObject>
  /** Server-side apply: makes the object if it is missing. @throws KUBE_CONFLICT */
  apply(resource: Resource, object: KubeObject, options: ApplyOptions): Promise<KubeObject>
  /** What is not there any more counts as removed. @throws KUBE_CONFLICT when it is another object, or not like this */
  remove(resource: Resource, ref: ObjectRef, options?: RemoveOptions): Promise<void>
}

/** The API of one cluster. */
export interface Kube extends Startable {
  /** Of the service account, or of the context of the kubeconfig; known after the start. */
  readonly namespace: string
  readonly reads: KubeReads
  readonly writes: KubeWrites
  /** Reads the files that say how to reach the API; it does not call it. @throws CONFIG_INVALID */
  start(): Promise<void>
}
