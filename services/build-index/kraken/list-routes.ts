import type { RepositoryCatalog, TagIndex } from '../../../lib/api/index.ts'
import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import { ownRepository, parseRepository, parseTag, type RepositoryName } from '../../../lib/core/index.ts'
import type { Exchange, Route } from '../../../lib/http/index.ts'
import { type ListPage, type ListRequest, listRequest, parseImageTag, sendList } from '../../../lib/kraken/index.ts'

export interface NamesOfKraken extends RepositoryCatalog, Pick<TagIndex, 'listTags'> {}

/** Kraken's own lists of names. */
export function krakenListRoutes(index: NamesOfKraken): readonly Route[] {
  const tags = async (exchange: Exchange) => {
    const repository = parseRepository(exchange.params['repository'] ?? '')
    const { limit, offset } = listRequest(exchange)
    const last = offset === undefined ? undefined : parseTag(offset)
    const page = await index.listTags(repository, { n: limit, last, signal: exchange.signal })
    sendList(exchange, { names: page?.tags ?? [], offset: page?.next })
  }
  const list = async (exchange: Exchange) => {
    const asked = listRequest(exchange)
    sendList(exchange, await imagePage(index, exchange.params['prefix'] ?? '', { ...asked, signal: exchange.signal }))
  }
  const read = (path: string, summary: string, handle: Route['handle']): Route => ({
    ...{ methods: ['GET'], right: 'read', path, summary, handle },
  })
  return [
    read('/repositories/:repository/tags', 'tags of a repository', tags),
    read('/list/', 'all tags of all repositories', list),
    read('/list/*prefix', 'all tags of the repositories whose names begin so', list),
  ]
}

interface ImageRequest extends ListRequest, AbortOptions {}

/**
 * A page of `repository:tag`, of our own repositories whose names begin with `prefix`, in the order of the names. The
 * offset is the last image of the page before. @throws REQUEST_INVALID, TAG_INVALID, NAME_INVALID for an offset of another list
 */
async function imagePage(index: NamesOfKraken, prefix: string, asked: ImageRequest): Promise<ListPage> {
  const { limit, offset, signal } = asked
  const names: string[] = []
  /** False when the page is full. */
  const take = async (repository: RepositoryName, last?: string): Promise<boolean> => {
    let after = last
    do {
      const page = await index.listTags(ownRepository(repository), { n: limit - names.length, last: after, signal })
      names.push(...(page?.tags ?? []).map((tag) => `${repository}:${tag}`))
      after = page?.next
    } while (after !== undefined && names.length < limit)
    return names.length < limit
  }
  const from = offset === undefined ? undefined : imageAfter(offset, prefix)
  if (from !== undefined && !(await take(from.name, from.tag))) return { names, offset: names.at(-1) }
  for await (const name of repositoriesFrom(index, prefix, { after: from?.name, signal })) {
    if (!(await take(name))) return { names, offset: names.at(-1) }
  }
  return { names, offset: undefined }
}

function imageAfter(offset: string, prefix: string) {
  const { repository, tag } = parseImageTag(offset)
  if (!repository.name.startsWith(prefix))
    throw appError('REQUEST_INVALID', { message: 'the offset is of another list' })
  return { name: repository.name, tag }
}

/** Names that begin with `prefix`, after `after`, in their order. */
async function* repositoriesFrom(
  index: RepositoryCatalog,
  prefix: string,
  { after, signal }: AbortOptions & { readonly after: RepositoryName | undefined },
): AsyncGenerator<RepositoryName> {
  // No name that begins with the prefix stands before this.
  let last: string | undefined = after ?? (prefix.slice(0, -1) || undefined)
  do {
    const page = await index.listRepositories({ last, signal })
    for (const name of page.repositories) {
      if (name.startsWith(prefix)) yield name
      else if (name > prefix) return
    }
    last = page.next
  } while (last !== undefined)
}
