import { appError } from '../base/index.ts'
import { type Digest, parseDigest, type Referrer, type Repository } from '../core/index.ts'
import { type Exchange, type Headers, type LookBudget, sendBytes } from '../http/index.ts'
import { staleWarning } from './content-facts.ts'
import { type FallbackReferrers, fallbackReferrers, mergedReferrers, referrersIndex } from './fallback-tag.ts'
import { manifestMediaTypes } from './manifest-fields.ts'
import { type AskReferrers, collectReferrers } from './referrer-pages.ts'
import type { ReferrerPage, RegistryStorage } from './storage.ts'

/**
 * After so many bytes a list goes on at its next page. Clients take 4 MiB; a page of the storage, of which the last one may
 * be added whole, has at most 3.
 */
const MAX_PAGE_BYTES = 1024 * 1024
/** Entries of one page: more than most clients ever see, since many ask for no second page. */
const MAX_PAGE = 1000

/** The list of what refers to a manifest. @throws DIGEST_INVALID, REFERRERS_UNSUPPORTED */
export type ListReferrers = (exchange: Exchange, repository: Repository, digestText: string) => Promise<void>

export interface ListReferrersComponents {
  readonly storage: Pick<RegistryStorage, 'manifests' | 'referrers'>
  readonly looks: Pick<LookBudget, 'during'>
}

export function listReferrers({ storage, looks }: ListReferrersComponents): ListReferrers {
  const { manifests, referrers } = storage
  return async (exchange, repository, digestText) => {
    const subject = parseDigest(digestText)
    const { signal, query } = exchange
    const asked = query.get('last')
    const last = asked === null || asked === '' ? undefined : parseDigest(asked)
    const look = async () => {
      const ask: AskReferrers = (after) => referrers.list(repository, subject, { signal, last: after })
      const listed = await collectReferrers(ask, last, { bytes: MAX_PAGE_BYTES, count: MAX_PAGE })
      if (listed.merged === true) return { listed, named: { referrers: [] } }
      return { listed, named: await fallbackReferrers(manifests, repository, subject, { signal }) }
    }
    const { listed, named } = await paidWhenInVain(exchange, looks, look)
    // Only those on this page; without more pages, all the rest.
    const end = listed.next
    const isHere = ({ digest }: Referrer) =>
      (last === undefined || digest > last) && (end === undefined || digest <= end)
    const page = mergedReferrers(listed.referrers, named.referrers.filter(isHere))
    const type = query.get('artifactType')
    const wanted = type === null || type === '' ? undefined : type
    const shown = wanted === undefined ? page : page.filter(({ artifactType }) => artifactType === wanted)
    const staleSinceMs = listed.staleSinceMs ?? named.staleSinceMs
    const headers: Headers = {
      'content-type': manifestMediaTypes.ociIndex,
      ...(wanted !== undefined && { 'oci-filters-applied': 'artifactType' }),
      ...(staleSinceMs !== undefined && { warning: staleWarning(staleSinceMs) }),
      ...(end !== undefined && {
        link: nextPage({ path: exchange.path, ns: query.get('ns'), last: end, type: wanted }),
      }),
    }
    sendBytes(exchange, { status: 200, headers, body: referrersIndex(shown) })
  }
}

interface Looked {
  readonly listed: ReferrerPage
  readonly named: FallbackReferrers
}

const isNothing = ({ listed, named }: Looked) => listed.referrers.length + named.referrers.length === 0

/** Nothing is an answer here, and costs the caller what a look for a name costs that is nowhere. */
async function paidWhenInVain(
  { req }: Exchange,
  looks: ListReferrersComponents['looks'],
  look: () => Promise<Looked>,
): Promise<Looked> {
  let found: Looked | undefined
  try {
    return await looks.during(req, async () => {
      found = await look()
      if (isNothing(found)) throw appError('MANIFEST_UNKNOWN')
      return found
    })
  } catch (err) {
    if (found === undefined) throw err
    return found
  }
}

interface NextPage {
  /** As it was asked for. */
  readonly path: string
  readonly ns: string | null
  readonly last: Digest
  readonly type: string | undefined
}

function nextPage({ path, ns, last, type }: NextPage): string {
  const query = new URLSearchParams({
    ...(ns !== null && { ns }),
    ...(type !== undefined && { artifactType: type }),
    last,
  })
  return `<${path}?${query.toString()}>; rel="next"`
}
