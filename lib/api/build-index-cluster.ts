import type { AbortOptions } from '../base/index.ts'
import { type Cluster, memberClients, tryEach } from '../cluster/index.ts'
import { type Repository, repositoryText } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { type BuildIndex, buildIndexClient } from './build-index.ts'

export interface BuildIndexClusterComponents {
  readonly http: HttpClient
  /** The ring of build-indexes, by repository name. */
  readonly cluster: Cluster
}

/** A call about all repositories can go to any place on the ring. */
const EVERY_REPOSITORY = undefined

/**
 * All build-indexes as one. A repository's calls go to its owner on the ring, so that all its writes meet in one place,
 * and to the next member when the owner does not answer. This is safe because all members share the backend and its
 * conditional writes. A write whose connection broke may have been done; all writes can be repeated. @throws
 * NO_HEALTHY_MEMBER when no member answers
 */
export function buildIndexCluster({ http, cluster }: BuildIndexClusterComponents): BuildIndex {
  const clients = memberClients(cluster, (url) => buildIndexClient(http, url))
  const on = <T>(
    repository: Repository | undefined,
    options: AbortOptions | undefined,
    call: (index: BuildIndex) => Promise<T>,
  ) =>
    tryEach(cluster, repository === undefined ? '' : repositoryText(repository), (member) => call(clients.of(member)), {
      signal: options?.signal,
    })

  return {
    listRepositories: (options) => on(EVERY_REPOSITORY, options, (index) => index.listRepositories(options)),
    listTags: (repository, options) => on(repository, options, (index) => index.listTags(repository, options)),
    getTag: (repository, tag, options) => on(repository, options, (index) => index.getTag(repository, tag, options)),
    putTag: (repository, tag, target) => on(repository, target, (index) => index.putTag(repository, tag, target)),
    deleteTag: (repository, tag, options) =>
      on(repository, options, (index) => index.deleteTag(repository, tag, options)),
    getManifest: (repository, digest, options) =>
      on(repository, options, (index) => index.getManifest(repository, digest, options)),
    putManifest: (repository, descriptor, options) =>
      on(repository, options, (index) => index.putManifest(repository, descriptor, options)),
    deleteManifest: (repository, digest, options) =>
      on(repository, options, (index) => index.deleteManifest(repository, digest, options)),
    getBlob: (repository, digest, options) =>
      on(repository, options, (index) => index.getBlob(repository, digest, options)),
    putBlob: (repository, link, options) =>
      on(repository, options, (index) => index.putBlob(repository, link, options)),
    deleteBlob: (repository, digest, options) =>
      on(repository, options, (index) => index.deleteBlob(repository, digest, options)),
    listReferrers: (repository, subject, options) =>
      on(repository, options, (index) => index.listReferrers(repository, subject, options)),
    putReferrer: (repository, subject, referrer, options) =>
      on(repository, options, (index) => index.putReferrer(repository, subject, referrer, options)),
    deleteReferrer: (repository, subject, digest, options) =>
      on(repository, options, (index) => index.deleteReferrer(repository, subject, digest, options)),
  }
}
