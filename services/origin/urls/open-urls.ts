import { type Backends, openBackend, openUrls, type Urls, withUrls } from '../../../lib/backend/index.ts'
import { lifecycle, type Startable } from '../../../lib/base/index.ts'
import { type Digest, urlRepository, type WebUrl } from '../../../lib/core/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { CommittedBlob } from '../../../lib/store/index.ts'
import type { OriginConfig } from '../config.ts'
import { type UrlRecords, urlRecords } from './records.ts'
import { type BroughtUrls, type BroughtUrlsComponents, broughtUrls, noUrls } from './urls.ts'

type UrlsConfig = OriginConfig['urls']

/** The web as the rules name it, and where it is noted what was found there. */
export interface UrlParts extends Startable {
  /** The backends, and for repositories of URLs the web. */
  around(backends: Backends): Backends
  readonly opened: { readonly urls: Urls; readonly records: UrlRecords; readonly config: UrlsConfig } | undefined
}

/** Without a rule nothing is opened. @throws CONFIG_INVALID */
export function openUrlParts(runtime: Runtime, config: UrlsConfig): UrlParts {
  if (config.rules.length === 0) return { ...lifecycle([]), around: (backends) => backends, opened: undefined }
  const urls = openUrls(runtime, config.rules)
  const backend = openBackend(runtime, config.records)
  const records = urlRecords({ ...runtime, backend })
  return {
    ...lifecycle([backend, urls]),
    around: (backends) =>
      withUrls({ ...runtime, urls, recordOf: (name, options) => records.get(name, options) }, backends),
    opened: { urls, records, config },
  }
}

export interface UrlsForComponents extends Omit<BroughtUrlsComponents, 'urls' | 'records' | 'onStored'> {
  readonly onStored: (
    blob: { readonly digest: Digest; readonly repository: ReturnType<typeof urlRepository> },
    stored: CommittedBlob,
  ) => void
}

/** What this origin brings from there. */
export function urlsFor({ opened }: UrlParts, components: UrlsForComponents): BroughtUrls {
  if (opened === undefined) return { ...lifecycle([]), ...noUrls }
  const { urls, records, config } = opened
  const onStored = ({ digest, url }: { readonly digest: Digest; readonly url: WebUrl }, stored: CommittedBlob) =>
    components.onStored({ digest, repository: urlRepository(url) }, stored)
  return broughtUrls(
    { ...components, urls, records, onStored },
    { freshMs: config.freshFor, outageMs: config.outage, max: config.concurrency },
  )
}
