import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'
import type { KubeReads, Selection } from './kube.ts'
import { type KubeObject, keyOf } from './object.ts'
import type { Resource } from './resource.ts'

/** What is kept of an object, and the version that it had. */
export interface Kept<T> {
  readonly item: T
  readonly version: string
}

export interface ListInit<T> extends Selection {
  readonly resource: Resource
  readonly keep: (object: KubeObject) => T | undefined
  /** Most objects that are kept. */
  readonly most: number
}

/** Most objects that are kept unless somebody says otherwise. */
export const MOST_OBJECTS = 50_000
/** Objects of a page: more of them cost the server more at a time. */
const PAGE = 500

/**
 * All objects as they were at one moment, page by page; a page that is too large is asked for again in smaller parts.
 * @throws KUBE_TOO_MANY, KUBE_GONE when it took so long that the moment is forgotten, and what reading throws
 */
export async function listAll<T>(
  reads: KubeReads,
  { resource, keep, most, ...selection }: ListInit<T>,
  options: AbortOptions,
): Promise<{ readonly all: ReadonlyMap<string, Kept<T>>; readonly resourceVersion: string }> {
  const all = new Map<string, Kept<T>>()
  let [limit, next]: [number, string | undefined] = [PAGE, undefined]
  for (;;) {
    try {
      const page = await reads.page(resource, { ...selection, limit, next }, options)
      for (const object of page.objects) {
        const item = keep(object)
        if (item !== undefined) all.set(keyOf(object), { item, version: object.metadata.resourceVersion ?? '' })
      }
      if (all.size > most) throw tooMany(resource, most)
      if (page.next === undefined) return { all, resourceVersion: page.resourceVersion }
      next = page.next
    } catch (err) {
      if (!hasCode(err, 'BODY_TOO_LARGE') || limit === 1) throw err
      limit = Math.ceil(limit / 4)
    }
  }
}

/** All objects once, for who does not follow them. @throws as `listAll` does */
export async function listedOnce<T>(
  reads: KubeReads,
  init: Omit<ListInit<T>, 'most'>,
  options: AbortOptions,
): Promise<ReadonlyMap<string, T>> {
  const { namespace, labels } = init
  const { all } = await listAll(reads, { ...init, namespace, labels, most: MOST_OBJECTS }, options)
  return new Map([...all].map(([key, { item }]) => [key, item]))
}

export const tooMany = ({ plural }: Resource, most: number) =>
  appError('KUBE_TOO_MANY', { detail: { resource: plural, most } })
