import type { ContentInCluster } from '../../../lib/api/index.ts'
import { type AbortOptions, codeOf, hasCode, isAbort } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import type { ActOptions, AskedClusters, ViewedCluster } from './asked-clusters.ts'

export interface AskedContent extends AbortOptions {
  readonly repository: string
  /** A tag or a digest. */
  readonly reference: string
  readonly platforms: string | undefined
}

export interface TagAt {
  readonly repository: string
  readonly tag: string
}

/** What images consist of, and what is said about them. */
export interface ContentViews {
  /** In each cluster; never throws but for an abort. */
  of(asked: AskedContent): Promise<readonly ContentInCluster[]>
  /** @throws MANIFEST_UNKNOWN, CLUSTER_UNKNOWN, NO_HEALTHY_MEMBER */
  removeTag(cluster: string, at: TagAt, options: ActOptions): Promise<void>
}

/** Ends of the names under which older tools keep what they say about a manifest. */
const BESIDES = ['.att', '.sbom', '.sig']

export function contentViews(clusters: AskedClusters): ContentViews {
  const contentOf = (cluster: ViewedCluster, { repository, reference, platforms, signal }: AskedContent) => {
    const target = reference.includes(':') ? `${repository}@${reference}` : `${repository}:${reference}`
    return clusters.ofOneTracker(
      cluster,
      (tracker, within) => tracker.content({ target, ...(platforms !== undefined && { platforms }) }, within),
      { signal },
    )
  }

  const referrersOf = async (cluster: ViewedCluster, repository: string, digest: Digest, { signal }: AbortOptions) => {
    const asked = { repository, digest }
    try {
      const found = await clusters.ofOneBuildIndex(cluster, (index, within) => index.referrers(asked, within), {
        signal,
      })
      return found.referrers
    } catch (err) {
      if (hasCode(err, 'REFERRERS_UNSUPPORTED')) return []
      throw err
    }
  }

  const besidesOf = async (cluster: ViewedCluster, repository: string, digest: Digest, { signal }: AbortOptions) => {
    const name = digest.replace(':', '-')
    const asked = { repository, last: name, n: String(BESIDES.length) }
    try {
      const { tags } = await clusters.ofOneBuildIndex(cluster, (index, within) => index.tags(asked, within), { signal })
      return tags.map(({ tag }) => tag).filter((tag) => BESIDES.some((end) => tag === name + end))
    } catch (err) {
      if (hasCode(err, 'NAME_UNKNOWN')) return []
      throw err
    }
  }

  const inCluster = async (cluster: ViewedCluster, asked: AskedContent): Promise<ContentInCluster> => {
    try {
      const content = await contentOf(cluster, asked)
      const [referrers, besides] = await Promise.all([
        referrersOf(cluster, asked.repository, content.digest, asked),
        besidesOf(cluster, asked.repository, content.digest, asked),
      ])
      return { cluster: cluster.name, content, referrers, besides }
    } catch (err) {
      if (isAbort(err)) throw err
      return { cluster: cluster.name, referrers: [], besides: [], code: codeOf(err) ?? 'UNKNOWN' }
    }
  }

  return {
    of: (asked) => Promise.all(clusters.all().map((cluster) => inCluster(cluster, asked))),
    async removeTag(cluster, at, options) {
      await clusters.ofOneBuildIndex(clusters.named(cluster), (index, within) => index.deleteTag(at, within), options)
    },
  }
}
