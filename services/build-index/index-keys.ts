import type { Digest, RepositoryName, Tag } from '../../lib/core/index.ts'

/** One repository in the index, or one thing in it. */
export type IndexEntry =
  | { readonly kind: 'repository' }
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'manifest'; readonly digest: Digest }
  | { readonly kind: 'blob'; readonly digest: Digest }

/** What the keys of the marks of all repositories start with; behind it stands the name and nothing else. */
export const CATALOG_PREFIX = 'index/catalog/'

/**
 * ```
 * index/
 * ├── catalog/<repository>                    0 bytes: something was pushed there. Keys sort as the names do
 * └── repositories/<repository>/
 *     ├── _tags/<tag>                         the descriptor that the tag points to, JSON
 *     ├── _manifests/<algorithm>:<hex>        the descriptor, JSON
 *     └── _blobs/<algorithm>:<hex>            {"digest","size"}, JSON
 * ```
 * No component of a repository name starts with `_`, so that `a` and `a/b` keep out of each other's way.
 */
export function indexKey(repository: RepositoryName, entry: IndexEntry): string {
  switch (entry.kind) {
    case 'repository':
      return CATALOG_PREFIX + repository
    case 'tag':
      return tagPrefix(repository) + entry.tag
    case 'manifest':
      return `index/repositories/${repository}/_manifests/${entry.digest}`
    case 'blob':
      return `index/repositories/${repository}/_blobs/${entry.digest}`
  }
}

/** What the keys of all tags of a repository start with; behind it stands the tag and nothing else. */
export function tagPrefix(repository: RepositoryName): string {
  return `index/repositories/${repository}/_tags/`
}
