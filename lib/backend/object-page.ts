import type { ObjectPage } from './backend.ts'

export const DEFAULT_PAGE = 1000

/** Takes the first `limit` keys (at least one) of an ordered walk, and reads one more to learn whether any are left. */
export async function firstPage(
  walk: AsyncIterable<string> | Iterable<string>,
  limit = DEFAULT_PAGE,
): Promise<ObjectPage> {
  const most = Math.max(1, limit)
  const keys: string[] = []
  for await (const key of walk) {
    if (keys.length === most) return { keys, next: keys.at(-1) }
    keys.push(key)
  }
  return { keys, next: undefined }
}
