import { MAX_SHOWN, type ManifestCounts, type RetentionReport } from '../../../lib/api/index.ts'
import { type AbortOptions, inTurns } from '../../../lib/base/index.ts'
import { type Digest, type Repository, repositoryText } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { LookRun } from '../looks/look-run.ts'
import type { DoomedManifest } from './judge-manifests.ts'
import type { FoundManifests, RepositoryManifests } from './repository-manifests.ts'

/** Manifests removed at the same time. */
const REMOVALS = 4

export interface ManifestLookComponents {
  readonly logger: Logger
  readonly manifests: RepositoryManifests
  /** Called with manifests that were condemned, and with each that the rules did not keep. */
  readonly onManifest?: ((outcome: 'condemned' | 'removed' | 'spared', count: number) => void) | undefined
}

type Run = LookRun<RetentionReport>

/**
 * Looks at the manifests of one repository, notes which of them nothing needs, and deletes those that nothing has needed for
 * long enough. What needs others goes first; if it stays after all, these stay too. @throws as `RepositoryManifests`
 */
export async function lookAtManifests(
  components: ManifestLookComponents,
  run: Run,
  repository: Repository,
  options: AbortOptions,
): Promise<void> {
  const { manifests, onManifest } = components
  const found = await manifests.judged(repository, options)
  if (found === undefined) return
  const isDry = run.report.dryRun
  run.change({ untagged: counted(run.report.untagged, found) })
  if (!isDry) {
    await manifests.note(repository, found, options)
    if (found.condemned.length > 0) onManifest?.('condemned', found.condemned.length)
  }
  const staying = new Set<Digest>()
  for (const step of found.doomed) {
    await inTurns(step, REMOVALS, async (doomed) => {
      const isNeeded = doomed.neededBy.some((digest) => staying.has(digest))
      const isGone = !isNeeded && (isDry || (await manifests.remove(repository, found, doomed, options)))
      if (!isGone) staying.add(doomed.digest)
      noted(components, run, { repository, doomed, found, isGone })
    })
  }
}

interface Removal {
  readonly repository: Repository
  readonly doomed: DoomedManifest
  readonly found: FoundManifests
  readonly isGone: boolean
}

function noted(
  { logger, onManifest }: ManifestLookComponents,
  run: Run,
  { repository: place, doomed: { digest, tags }, found, isGone }: Removal,
): void {
  const { untagged, removedManifests, dryRun } = run.report
  const outcome = isGone ? 'removed' : 'spared'
  run.change({ untagged: { ...untagged, [outcome]: untagged[outcome] + 1 } })
  const repository = repositoryText(place)
  const condemned = found.sentences.get(digest)
  if (isGone && removedManifests.length < MAX_SHOWN) {
    const entry = { repository, digest, ...(condemned && { condemnedAtMs: condemned.atMs }) }
    run.change({ removedManifests: [...removedManifests, entry] })
  }
  if (dryRun) return
  onManifest?.(outcome, 1)
  if (isGone) logger.info('a manifest was deleted by retention', { repository, digest, tags })
}

function counted(counts: ManifestCounts, { verdicts, condemned }: FoundManifests): ManifestCounts {
  const kept = { ...counts.kept }
  for (const { reason } of verdicts) if (reason !== 'expired') kept[reason] += 1
  return {
    ...counts,
    kept,
    manifests: counts.manifests + verdicts.length,
    condemned: counts.condemned + condemned.length,
  }
}
