import type { AbortOptions, Startable } from '../../../../lib/base/index.ts'
import {
  type KubeObject,
  type ObjectMeta,
  type Resource,
  resources,
  type WatchedObjects,
  type WatchedObjectsComponents,
  watchedObjects,
} from '../../kubernetes/index.ts'
import { OURS, OWNER_UID } from '../rules/marks.ts'

/** An object that was made for an account. */
export interface OwnedObject {
  readonly resource: Resource
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid' | 'resourceVersion'>
  /** Of the resource of the account. */
  readonly owner: string
}

/** What there is of all accounts, as far as it is watched: secrets are not, so that nobody here may list them. */
export interface OwnedObjects {
  readonly parts: readonly Startable[]
  readonly isKnown: boolean
  /** Resolves when all of it has been listed once. @throws ABORTED */
  listed(options: AbortOptions): Promise<void>
  follows(resource: Resource): boolean
  /** The version of an object of an account; undefined: it is not there, or not of this account. */
  version(resource: Resource, place: Pick<ObjectMeta, 'name' | 'namespace'>, owner: string): string | undefined
  /** Everything of one account. */
  of(owner: string): readonly OwnedObject[]
  /** Told of the owner of each object that has changed; must not throw. */
  onChange(listener: (owner: string) => void): () => void
}

const followed: readonly Resource[] = [
  resources.namespaces,
  resources.statefulSets,
  resources.pods,
  resources.services,
  resources.configMaps,
  resources.networkPolicies,
  resources.quotas,
  resources.limitRanges,
  resources.disruptionBudgets,
]

const ownedOf = (resource: Resource, { metadata }: KubeObject): OwnedObject => {
  const { name, namespace, uid, resourceVersion, labels = {} } = metadata
  return { resource, metadata: { name, namespace, uid, resourceVersion }, owner: labels[OWNER_UID] ?? '' }
}

export function ownedObjects(components: WatchedObjectsComponents): OwnedObjects {
  const watches = new Map<Resource, WatchedObjects<OwnedObject>>(
    followed.map((resource) => [
      resource,
      watchedObjects(components, { resource, labels: OURS, keep: (object) => ownedOf(resource, object) }),
    ]),
  )
  return {
    parts: [...watches.values()],
    get isKnown() {
      return [...watches.values()].every(({ freshness }) => freshness !== 'none')
    },
    async listed(options) {
      await Promise.all([...watches.values()].map((watch) => watch.listed(options)))
    },
    follows: (resource) => watches.has(resource),
    version(resource, { name, namespace }, owner) {
      const found = watches.get(resource)?.items.get(namespace === undefined ? name : `${namespace}/${name}`)
      return found?.owner === owner ? found.metadata.resourceVersion : undefined
    },
    of: (owner) =>
      [...watches.values()].flatMap(({ items }) => [...items.values()].filter((object) => object.owner === owner)),
    onChange(listener) {
      const ends = [...watches.values()].map((watch) =>
        watch.onChange((change) => {
          if (change.type === 'put') listener(change.now.owner)
          if (change.type === 'removed') listener(change.before.owner)
        }),
      )
      return () => {
        for (const end of ends) end()
      }
    },
  }
}
