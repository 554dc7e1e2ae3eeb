import { type Digest, OWN_REGISTRY, type Repository, type Tag } from '../../lib/core/index.ts'

/** One repository in the index, or one thing in it. */
export type IndexEntry =
  | { readonly kind: 'repository' }
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'manifest'; readonly digest: Digest }
  | { readonly kind: 'blob'; readonly digest: Digest }

/** What the keys of the marks of all our own repositories start with; behind it stands the name and nothing else. */
export const CATALOG_PREFIX = 'index/catalog/'

/**
 * ```
 * index/
 * ├── catalog/<name>                          0 bytes: something was pushed there. Keys sort as the names do
 * ├── repositories/<name>/
 * │   ├── _tags/<tag>                         the descriptor that the tag points to, JSON
 * │   ├── _manifests/<algorithm>:<hex>        the descriptor, JSON
 * │   └── _blobs/<algorithm>:<hex>            {"digest","size"}, JSON
 * └── registries/<host>/                      catalog/ and repositories/ as above, of another registry
 * ```
 * No component of a repository name starts with `_`, so that `a` and `a/b` keep out of each other's way.
 */
export function indexKey(repository: Repository, entry: IndexEntry): string {
  switch (entry.kind) {
    case 'repository':
      return `${rootOf(repository)}catalog/${repository.name}`
    case 'tag':
      return tagPrefix(repository) + entry.tag
    case 'manifest':
      return `${folderOf(repository)}_manifests/${entry.digest}`
    case 'blob':
      return `${folderOf(repository)}_blobs/${entry.digest}`
  }
}

/** What the keys of all tags of a repository start with; behind it stands the tag and nothing else. */
export function tagPrefix(repository: Repository): string {
  return `${folderOf(repository)}_tags/`
}

function folderOf(repository: Repository): string {
  return `${rootOf(repository)}repositories/${repository.name}/`
}

function rootOf({ registry }: Repository): string {
  return registry === OWN_REGISTRY ? 'index/' : `index/registries/${registry}/`
}
