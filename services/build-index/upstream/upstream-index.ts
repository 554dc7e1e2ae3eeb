import type { BuildIndex, LinkedManifest, ReferrerPage, TagPage } from '../../../lib/api/index.ts'
import type { Upstream, Upstreams } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, type Clock } from '../../../lib/base/index.ts'
import type { Descriptor, Digest, Repository, Tag } from '../../../lib/core/index.ts'
import { namesPage } from '../names-page.ts'
import type { Known, LastKnown } from './last-known.ts'
import { denied, isOut } from './upstream-answers.ts'
import { upstreamReferrers } from './upstream-referrers.ts'

export interface UpstreamIndexComponents {
  readonly own: BuildIndex
  readonly upstreams: Upstreams
  readonly lastKnown: LastKnown
  readonly clock: Clock
}

export interface UpstreamIndexInit {
  /** How long a tag of a registry is taken for what it was, in milliseconds. */
  readonly freshMs: (registry: Repository['registry']) => number
}

/**
 * The index, and for repositories of other registries that a rule fits what those say. A tag is asked for by HEAD, at most
 * once in the time that it counts as fresh, and so is a list of referrers; a manifest by digest is asked for once, since it never
 * changes. While an
 * upstream is out its last answers count, tags with the time of the answer. Nothing is written to an upstream. Methods for
 * such repositories: @throws UPSTREAM_UNREACHABLE, BACKEND_UNAVAILABLE, BACKEND_THROTTLED where nothing is known, UNSUPPORTED
 */
export function upstreamIndex(components: UpstreamIndexComponents, init: UpstreamIndexInit): BuildIndex {
  const { own, upstreams } = components
  const looks = upstreamLooks(components, init)
  const referrers = upstreamReferrers(components, init)

  /** `there` for a repository of an upstream, `here` for any other one. */
  const either = <T>(
    repository: Repository,
    calls: { readonly there: (upstream: Upstream) => Promise<T>; readonly here: () => Promise<T> },
  ): Promise<T> => {
    const upstream = upstreams.at(repository.registry)
    return upstream === undefined ? calls.here() : calls.there(upstream)
  }
  const onlyHere = (repository: Repository, here: () => Promise<void>) =>
    either(repository, { there: () => Promise.reject(readOnly()), here })

  return {
    ...own,
    getTag: (repository, tag, options) =>
      either(repository, {
        there: (upstream) => looks.tag(upstream, repository, tag, options),
        here: () => own.getTag(repository, tag, options),
      }),
    getManifest: (repository, digest, options) =>
      either(repository, {
        there: (upstream) => looks.manifest(upstream, repository, digest, options),
        here: () => own.getManifest(repository, digest, options),
      }),
    getBlob: (repository, digest, options) =>
      either(repository, {
        async there(upstream) {
          const size = await denied(upstream.repository(repository.name).blobs.size(digest, options))
          return size === undefined ? undefined : { digest, size }
        },
        here: () => own.getBlob(repository, digest, options),
      }),
    listTags: (repository, options = {}) =>
      either<TagPage | undefined>(repository, {
        async there(upstream) {
          const tags = await denied(upstream.tags(repository.name, options))
          if (tags === undefined) return undefined
          const { names, rest } = namesPage(tags, options)
          return { tags: names as Tag[], ...rest }
        },
        here: () => own.listTags(repository, options),
      }),
    listReferrers: (repository, subject, options) =>
      either<ReferrerPage>(repository, {
        there: (upstream) => referrers.list(upstream, repository, subject, options),
        here: () => own.listReferrers(repository, subject, options),
      }),
    putTag: (repository, ...rest) => onlyHere(repository, () => own.putTag(repository, ...rest)),
    deleteTag: (repository, ...rest) => onlyHere(repository, () => own.deleteTag(repository, ...rest)),
    putManifest: (repository, ...rest) => onlyHere(repository, () => own.putManifest(repository, ...rest)),
    deleteManifest: (repository, ...rest) => onlyHere(repository, () => own.deleteManifest(repository, ...rest)),
    putBlob: (repository, ...rest) => onlyHere(repository, () => own.putBlob(repository, ...rest)),
    deleteBlob: (repository, ...rest) => onlyHere(repository, () => own.deleteBlob(repository, ...rest)),
    putReferrer: (repository, ...rest) => onlyHere(repository, () => own.putReferrer(repository, ...rest)),
    deleteReferrer: (repository, ...rest) => onlyHere(repository, () => own.deleteReferrer(repository, ...rest)),
  }
}

function upstreamLooks({ lastKnown, clock }: UpstreamIndexComponents, { freshMs }: UpstreamIndexInit) {
  const isFresh = ({ askedMs }: Known, registry: Repository['registry']) =>
    clock.monotonicMs() < askedMs + freshMs(registry)

  /** What the upstream says now, and is remembered. */
  const ask = async (
    upstream: Upstream,
    repository: Repository,
    reference: Tag | Digest,
    options: AbortOptions,
  ): Promise<Descriptor | undefined> => {
    const [askedAtMs, askedMs] = [clock.now(), clock.monotonicMs()]
    const { manifests } = upstream.repository(repository.name)
    const manifest = await denied(manifests.describe(reference, options))
    if (manifest === undefined) {
      lastKnown.drop(repository, reference)
      return undefined
    }
    const known = { manifest, askedAtMs, askedMs }
    lastKnown.keep(repository, reference, known)
    if (reference !== manifest.digest) lastKnown.keep(repository, manifest.digest, known)
    return manifest
  }

  const follow = (manifest: Descriptor): LinkedManifest => ({ ...manifest, blobsFollow: true })

  return {
    async tag(upstream: Upstream, repository: Repository, tag: Tag, options: AbortOptions = {}) {
      const known = lastKnown.look(repository, tag)
      if (known !== undefined && isFresh(known, repository.registry)) return follow(known.manifest)
      try {
        const found = await ask(upstream, repository, tag, options)
        return found && follow(found)
      } catch (err) {
        if (!isOut(err)) throw err
        const last = known ?? (await lastKnown.find(repository, tag, options))
        if (last === undefined) throw err
        return { ...follow(last.manifest), staleSinceMs: Math.max(0, last.askedAtMs) }
      }
    },
    async manifest(upstream: Upstream, repository: Repository, digest: Digest, options: AbortOptions = {}) {
      const known = lastKnown.look(repository, digest)
      if (known !== undefined) return follow(known.manifest)
      try {
        const found = await ask(upstream, repository, digest, options)
        return found && follow(found)
      } catch (err) {
        const last = isOut(err) ? await lastKnown.find(repository, digest, options) : undefined
        if (last === undefined) throw err
        return follow(last.manifest)
      }
    },
  }
}

function readOnly() {
  return appError('UNSUPPORTED', { message: 'nothing is written to the registries of others' })
}
