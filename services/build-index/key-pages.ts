import type { PageOptions } from '../../lib/api/index.ts'
import type { Backend, ObjectPage } from '../../lib/backend/index.ts'
import type { AbortOptions } from '../../lib/base/index.ts'

/** Entries of one page: the default and the maximum. */
export const MAX_PAGE = 1000

/** Lists the keys behind `prefix` without the prefix, after `last`. */
export async function pageBehind(
  backend: Backend,
  prefix: string,
  { n = MAX_PAGE, last = '', signal }: PageOptions,
): Promise<{ readonly names: readonly string[]; readonly next: string | undefined }> {
  if (n === 0) return { names: [], next: undefined }
  const page = await backend.list(prefix, { signal, after: prefix + last, limit: Math.min(n, MAX_PAGE) })
  return {
    names: page.keys.map((key) => key.slice(prefix.length)),
    next: page.next?.slice(prefix.length),
  }
}

/** The keys behind `prefix` and after `after`, page by page. */
export async function* keyPages(
  backend: Backend,
  prefix: string,
  { after: start = prefix, signal }: AbortOptions & { readonly after?: string } = {},
): AsyncGenerator<readonly string[]> {
  for (let after: string | undefined = start; after !== undefined; ) {
    const page: ObjectPage = await backend.list(prefix, { signal, after })
    yield page.keys
    after = page.next
  }
}
