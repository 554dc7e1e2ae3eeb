import type { ImageInCluster } from '../../../lib/api/index.ts'
import { type AbortOptions, codeOf, hasCode, isAbort } from '../../../lib/base/index.ts'
import type { AskedClusters, SilentCluster, ViewedCluster } from './asked-clusters.ts'
import { mergedPage } from './merged-pages.ts'
import type { SwarmViews } from './swarm-views.ts'

/** Tags, blobs and replications of an image that are shown of each cluster. */
const MAX_TAGS = 200
const MAX_BLOBS = 200
const MAX_REPLICATIONS = 200

export interface ImagesQuery extends AbortOptions {
  readonly count: number
  readonly last: string | undefined
  readonly text: string | undefined
}

export interface RepositoryRow {
  readonly repository: string
  readonly clusters: readonly string[]
}

/** Repositories of all clusters, as their build-indexes and trackers know them. */
export interface ImageViews {
  page(query: ImagesQuery): Promise<{
    readonly repositories: readonly RepositoryRow[]
    readonly next?: string
    readonly silent: readonly SilentCluster[]
  }>
  of(repository: string, options: AbortOptions): Promise<readonly ImageInCluster[]>
}

const replicationOf = ({
  remote,
  tag,
  state,
  digest,
  doneBytes,
  totalBytes,
  lastError,
}: ImageInCluster['replications'][number]): ImageInCluster['replications'][number] => ({
  ...{ remote, tag, state, doneBytes, totalBytes },
  ...(digest !== undefined && { digest }),
  ...(lastError !== undefined && { lastError }),
})

interface Parts {
  readonly clusters: AskedClusters
  readonly swarms: Pick<SwarmViews, 'page'>
}

/** What one cluster knows of a repository; never throws but for an abort. */
function inEachCluster({ clusters, swarms }: Parts) {
  const tagsOf = async (cluster: ViewedCluster, repository: string, { signal }: AbortOptions) => {
    try {
      const asked = { repository, n: String(MAX_TAGS) }
      const { tags, next } = await clusters.ofOneBuildIndex(cluster, (index, options) => index.tags(asked, options), {
        signal,
      })
      return { tags: tags.map(({ tag, digest }) => ({ tag, digest })), moreTags: next !== undefined }
    } catch (err) {
      if (hasCode(err, 'NAME_UNKNOWN')) return { tags: [], moreTags: false }
      throw err
    }
  }

  const replicationsOf = (cluster: ViewedCluster, repository: string, { signal }: AbortOptions) =>
    clusters.ofOneBuildIndex(
      cluster,
      async (index, options) =>
        (await index.replications({ repository, n: String(MAX_REPLICATIONS) }, options)).replications.map(
          replicationOf,
        ),
      { signal },
    )

  const blobsOf = async (cluster: ViewedCluster, repository: string, { signal }: AbortOptions) => {
    const asked = { state: undefined, digest: undefined, last: undefined, count: MAX_BLOBS }
    const { swarms: blobs, next, silent } = await swarms.page({ ...asked, cluster: cluster.name, repository, signal })
    return { blobs, moreBlobs: next !== undefined, code: silent[0]?.code }
  }

  return async (cluster: ViewedCluster, repository: string, options: AbortOptions): Promise<ImageInCluster> => {
    const nothing = { cluster: cluster.name, tags: [], moreTags: false, blobs: [], moreBlobs: false, replications: [] }
    try {
      const [tags, replications, { code, ...blobs }] = await Promise.all([
        tagsOf(cluster, repository, options),
        replicationsOf(cluster, repository, options),
        blobsOf(cluster, repository, options),
      ])
      return { cluster: cluster.name, ...tags, ...blobs, replications, ...(code !== undefined && { code }) }
    } catch (err) {
      if (isAbort(err)) throw err
      return { ...nothing, code: codeOf(err) ?? 'UNKNOWN' }
    }
  }
}

export function imageViews(clusters: AskedClusters, swarms: Parts['swarms']): ImageViews {
  const inCluster = inEachCluster({ clusters, swarms })
  const namesOf = async (cluster: ViewedCluster, { count, last, signal }: ImagesQuery) => {
    const asked = { n: String(count), last }
    const { repositories, next } = await clusters.ofOneBuildIndex(
      cluster,
      (index, options) => index.repositories(asked, options),
      { signal },
    )
    return { rows: repositories.map((repository) => ({ repository, cluster: cluster.name })), next }
  }

  return {
    async page(query) {
      const { found, silent } = await clusters.each(clusters.all(), (cluster) => namesOf(cluster, query))
      const pages = found.map(({ value }) => value)
      const { rows, next } = mergedPage(pages, { count: query.count, keyOf: ({ repository }) => repository })
      const named = new Map<string, string[]>()
      for (const { repository, cluster } of rows) {
        if (query.text !== undefined && !repository.includes(query.text)) continue
        named.set(repository, [...(named.get(repository) ?? []), cluster])
      }
      const repositories = [...named].map(([repository, where]) => ({ repository, clusters: where }))
      return { repositories, silent, ...(next !== undefined && { next }) }
    },
    of: (repository, options) => Promise.all(clusters.all().map((cluster) => inCluster(cluster, repository, options))),
  }
}
