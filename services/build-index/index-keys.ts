import { type Digest, OWN_REGISTRY, type Repository, type Tag } from '../../lib/core/index.ts'

/** A repository of the index, or an entry in it. */
export type IndexEntry =
  | { readonly kind: 'repository' }
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'deleted'; readonly tag: Tag }
  | { readonly kind: 'change'; readonly tag: Tag }
  | { readonly kind: 'pull'; readonly tag: Tag }
  | { readonly kind: 'manifest'; readonly digest: Digest }
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'referrer'; readonly subject: Digest; readonly digest: Digest }

/** Prefix of the keys that mark our own repositories; the rest of the key is the repository's name. */
export const CATALOG_PREFIX = 'index/catalog/'

/**
 * ```
 * index/
 * ├── catalog/<name>                          0 bytes: the repository has a manifest or a tag. Keys sort as the names do
 * ├── repositories/<name>/
 * │   ├── _tags/<tag>                         the descriptor that the tag points to and its version, JSON; of a
 * │   │                                       deleted tag the version alone, for a while
 * │   ├── _deleted/<tag>                      the tag was deleted once: whoever lists tags looks whether it still is
 * │   ├── _changes/<tag>                      a change of a tag that lies in a registry is under way
 * │   ├── _pulls/<tag>                        when somebody asked for the tag, to the hour, where a rule of retention asks
 * │   ├── _manifests/<algorithm>:<hex>        the descriptor, JSON; with "condemned" while nothing needs it
 * │   ├── _blobs/<algorithm>:<hex>            {"digest","size"}, JSON; with "condemned" while no manifest names it
 * │   └── _referrers/<subject>/<digest>       the descriptor of a manifest with that subject, JSON: one object for each, so
 * │                                           that parallel pushes lose none
 * └── registries/<host>/                      catalog/ and repositories/ as above, of another registry
 * ```
 * No component of a repository name starts with `_`, so the keys of `a` and of `a/b` cannot collide.
 */
export function indexKey(repository: Repository, entry: IndexEntry): string {
  switch (entry.kind) {
    case 'repository':
      return `${rootOf(repository)}catalog/${repository.name}`
    case 'tag':
      return tagPrefix(repository) + entry.tag
    case 'deleted':
      return deletedPrefix(repository) + entry.tag
    case 'change':
      return `${folderOf(repository)}_changes/${entry.tag}`
    case 'pull':
      return `${folderOf(repository)}_pulls/${entry.tag}`
    case 'manifest':
      return `${folderOf(repository)}_manifests/${entry.digest}`
    case 'blob':
      return `${folderOf(repository)}_blobs/${entry.digest}`
    case 'referrer':
      return referrerPrefix(repository, entry.subject) + entry.digest
  }
}

/** Prefix of the keys of a repository's tags; the rest of the key is the tag. */
export function tagPrefix(repository: Repository): string {
  return `${folderOf(repository)}_tags/`
}

/** Prefix of the keys that mark tags as deleted; the rest of the key is the tag. */
export function deletedPrefix(repository: Repository): string {
  return `${folderOf(repository)}_deleted/`
}

/** Prefix of the keys of a repository's blob links; the rest of the key is a digest. */
export function blobPrefix(repository: Repository): string {
  return `${folderOf(repository)}_blobs/`
}

/** Prefix of the keys of a repository's manifests; the rest of the key is a digest. */
export function manifestPrefix(repository: Repository): string {
  return `${folderOf(repository)}_manifests/`
}

/** Prefix of the keys of what refers to a manifest; the rest of the key is a digest. */
export function referrerPrefix(repository: Repository, subject: Digest): string {
  return `${folderOf(repository)}_referrers/${subject}/`
}

function folderOf(repository: Repository): string {
  return `${rootOf(repository)}repositories/${repository.name}/`
}

function rootOf({ registry }: Repository): string {
  return registry === OWN_REGISTRY ? 'index/' : `index/registries/${registry}/`
}
