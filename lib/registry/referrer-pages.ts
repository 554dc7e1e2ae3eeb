import type { Digest, Referrer } from '../core/index.ts'
import type { ReferrerPage } from './storage.ts'

/** Asks for the page after a digest, or for the first one. */
export type AskReferrers = (last: Digest | undefined) => Promise<ReferrerPage>

/** Small pages of a storage as a large one, which ends with the page that reaches a limit. */
export async function collectReferrers(
  ask: AskReferrers,
  last: Digest | undefined,
  limits: { readonly bytes: number; readonly count?: number },
): Promise<ReferrerPage> {
  const referrers: Referrer[] = []
  let [next, bytes] = [last, 0]
  let facts: Pick<ReferrerPage, 'merged' | 'staleSinceMs'> = {}
  do {
    const page = await ask(next)
    referrers.push(...page.referrers)
    bytes += Buffer.byteLength(JSON.stringify(page.referrers))
    next = page.next
    facts = { merged: page.merged, staleSinceMs: page.staleSinceMs ?? facts.staleSinceMs }
  } while (next !== undefined && bytes < limits.bytes && referrers.length < (limits.count ?? Number.POSITIVE_INFINITY))
  return { referrers, next, ...facts }
}
