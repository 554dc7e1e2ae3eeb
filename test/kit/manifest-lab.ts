import type { Backend } from '../../lib/backend/index.ts'
import { appError, type FakeClock, seededRandom, tokenBucket } from '../../lib/base/index.ts'
import { type Digest, digestOf, parseRepository, parseTag, type Tag } from '../../lib/core/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { catalog } from '../../services/build-index/catalog.ts'
import { lookAtManifests } from '../../services/build-index/retention/look-at-manifests.ts'
import {
  type RepositoryManifestsComponents,
  repositoryManifests,
} from '../../services/build-index/retention/repository-manifests.ts'
import { retentionRun } from '../../services/build-index/retention/retention.ts'
import { localIndex } from './local-index.ts'

export const app = parseRepository('team/app')
export const olderThanMs = 3_600_000

const TYPE = 'application/vnd.oci.image.manifest.v1+json'

export interface MadeManifest {
  readonly bytes: Buffer
  readonly descriptor: { readonly digest: Digest; readonly mediaType: string; readonly size: number }
}

/** A manifest that names others; `text` makes it another one. */
export function manifestOf(text: string, names: readonly MadeManifest[] = [], subject?: MadeManifest): MadeManifest {
  const manifests = names.map(({ descriptor }) => descriptor)
  const bytes = Buffer.from(JSON.stringify({ text, manifests, ...(subject && { subject: subject.descriptor }) }))
  return { bytes, descriptor: { digest: digestOf(bytes), mediaType: TYPE, size: bytes.length } }
}

/** What a look at the manifests of one repository needs, in a backend; the origins are a map of bytes. */
export function manifestLab({
  clock,
  backend,
  bytes = new Map(),
}: {
  readonly clock: FakeClock
  readonly backend: Backend
  /** What the origins have. */
  readonly bytes?: Map<Digest, Buffer>
}) {
  const random = seededRandom(1)
  const local = localIndex({ backend, clock, random })
  const held = new Set<Digest>()
  const { index } = local
  const parts: RepositoryManifestsComponents = {
    ...{ ...local, backend, clock, random, catalog: catalog({ backend, tags: local.tags }) },
    pace: tokenBucket(clock, { ratePerSecond: undefined }),
    stored: { held: async (digests) => digests.filter((digest) => held.has(digest)) },
    async readManifest(_, digest) {
      const found = bytes.get(digest)
      if (found === undefined) throw appError('MANIFEST_UNKNOWN', { detail: { digest } })
      return found
    },
  }
  const look = async (at: RepositoryManifestsComponents, dryRun: boolean) => {
    const run = retentionRun({ ...local, clock }, { id: 'r', dryRun })
    const manifests = repositoryManifests(at, [{ repository: 'team/*', olderThan: olderThanMs }])
    await lookAtManifests({ logger: silentLogger(), manifests }, run, app, {})
    const { condemned, removed, spared } = run.report.untagged
    return { condemned, removed, spared }
  }
  return {
    ...local,
    parts,
    bytes,
    held,
    /** As a proxy does: its parts are asked for, then it is linked, listed and tagged. False when a part is missing. */
    async push(
      made: MadeManifest,
      { tag, names = [], subject }: { tag?: string; names?: readonly MadeManifest[]; subject?: MadeManifest } = {},
    ): Promise<boolean> {
      const { descriptor } = made
      bytes.set(descriptor.digest, made.bytes)
      for (const each of names) if ((await index.getManifest(app, each.descriptor.digest)) === undefined) return false
      await index.putManifest(app, descriptor)
      if (subject !== undefined) await index.putReferrer(app, subject.descriptor.digest, descriptor)
      if (tag !== undefined) await index.putTag(app, parseTag(tag), { descriptor })
      return true
    },
    /** One look at the repository. */
    look: ({ dryRun = false }: { readonly dryRun?: boolean } = {}) => look(parts, dryRun),
    lookWith: (other: Partial<RepositoryManifestsComponents>) => look({ ...parts, ...other }, false),
    async linked(all: readonly MadeManifest[]): Promise<readonly boolean[]> {
      const stats = all.map(({ descriptor: { digest } }) =>
        backend.stat(`index/repositories/team/app/_manifests/${digest}`),
      )
      return (await Promise.all(stats)).map((stat) => stat !== undefined)
    },
    listed: async (subject: MadeManifest) =>
      (await index.listReferrers(app, subject.descriptor.digest)).referrers.map(({ digest }) => digest),
    tags: async (): Promise<readonly Tag[]> => (await index.listTags(app))?.tags ?? [],
  }
}

/** The name under which a signature of a manifest is found. */
export const signatureOf = ({ descriptor: { digest } }: MadeManifest): string => `${digest.replace(':', '-')}.sig`
