import { type Clock, freshLooks } from '../base/index.ts'
import { type Descriptor, type Digest, type Repository, repositoryText, type Tag } from '../core/index.ts'
import type { BlobLink, BuildIndex } from './build-index.ts'
import type { ReferrerPage } from './referrers.ts'

/** A name that is nowhere is looked for at most once in this time, however many ask for it. */
const PAUSE_MS = 250
/** Names that are looked for so seldom; beyond them the oldest is looked for at once. */
const MAX_NAMES = 10_000

/**
 * The same index; those who ask for the same tag, manifest, blob link or list of referrers share looks. Each gets what a look finds that
 * began after he asked: so what was pushed is there at once, through whichever build-index or proxy it was pushed.
 */
export function sharedLooks(index: BuildIndex, { clock }: { readonly clock: Clock }): BuildIndex {
  const looks = { pauseMs: PAUSE_MS, maxNames: MAX_NAMES }
  const descriptors = freshLooks<Descriptor>(clock, looks)
  const links = freshLooks<BlobLink>(clock, looks)
  const lists = freshLooks<ReferrerPage>(clock, looks)
  const nameOf = (repository: Repository, reference: Tag | Digest) => `${repositoryText(repository)} ${reference}`

  return {
    ...index,
    getTag: (repository, tag, options) =>
      descriptors.look(nameOf(repository, tag), (signal) => index.getTag(repository, tag, { signal }), options),
    async putTag(repository, tag, target) {
      try {
        await index.putTag(repository, tag, target)
      } finally {
        descriptors.came(nameOf(repository, tag))
      }
    },
    getManifest: (repository, digest, options) =>
      descriptors.look(
        nameOf(repository, digest),
        (signal) => index.getManifest(repository, digest, { signal }),
        options,
      ),
    async putManifest(repository, descriptor, options) {
      try {
        await index.putManifest(repository, descriptor, options)
      } finally {
        descriptors.came(nameOf(repository, descriptor.digest))
      }
    },
    async listReferrers(repository, subject, { last, signal } = {}) {
      if (last !== undefined) return index.listReferrers(repository, subject, { last, signal })
      const first = async (leave: AbortSignal) => {
        const page = await index.listReferrers(repository, subject, { signal: leave })
        const isNothing = page.referrers.length === 0 && page.next === undefined && page.merged !== true
        return isNothing ? undefined : page
      }
      return (await lists.look(nameOf(repository, subject), first, { signal })) ?? { referrers: [] }
    },
    async putReferrer(repository, subject, referrer, options) {
      try {
        await index.putReferrer(repository, subject, referrer, options)
      } finally {
        lists.came(nameOf(repository, subject))
      }
    },
    getBlob: (repository, digest, options) =>
      links.look(nameOf(repository, digest), (signal) => index.getBlob(repository, digest, { signal }), options),
    async putBlob(repository, link, options) {
      try {
        await index.putBlob(repository, link, options)
      } finally {
        links.came(nameOf(repository, link.digest))
      }
    },
  }
}
