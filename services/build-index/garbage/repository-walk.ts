import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, isAppError } from '../../../lib/base/index.ts'
import { ownRepository, parseRepository, parseRepositoryName, type Repository } from '../../../lib/core/index.ts'

/** A key of a repository of ours, or of another registry's; the second group is the name. */
const SHAPE = /^index\/(?:registries\/([^/]+)\/)?repositories\/((?:[^_/][^/]*\/)+)_/
/** Sorts after all that may follow in a key. */
const END = '~'

export interface WalkedRepository {
  readonly repository: Repository
  /** Pass it as `after` to go on behind this repository. */
  readonly at: string
}

/**
 * Every repository that has an entry, whether or not it is listed, in the order of the keys, with one request for each. No
 * component of a name starts with `_`, so all entries of one repository stand together.
 */
export async function* repositoriesIn(
  backend: Backend,
  { after: start = '', signal }: AbortOptions & { readonly after?: string | undefined },
): AsyncGenerator<WalkedRepository> {
  for (let after = start; ; ) {
    const { keys } = await backend.list('index/', { after, limit: 1, signal })
    const [key] = keys
    if (key === undefined) return
    const [whole, registry, path = ''] = SHAPE.exec(key) ?? []
    // What is no repository's, as the marks of the catalog, is passed folder by folder.
    after = whole === undefined ? passed(key) : whole + END
    const repository = whole === undefined ? undefined : repositoryOf(registry, path.slice(0, -1))
    if (repository !== undefined) yield { repository, at: after }
  }
}

/** Behind the marks of a catalog, or behind the key. */
const passed = (key: string): string => {
  const [marks] = /^index\/(?:registries\/[^/]+\/)?catalog\//.exec(key) ?? []
  return marks === undefined ? key : marks + END
}

function repositoryOf(registry: string | undefined, name: string): Repository | undefined {
  try {
    return registry === undefined ? ownRepository(parseRepositoryName(name)) : parseRepository(`${registry}/${name}`)
  } catch (err) {
    if (isAppError(err)) return undefined
    throw err
  }
}
