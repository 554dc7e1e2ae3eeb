import {
  keptReasons,
  MAX_SHOWN,
  type ManifestVerdict,
  noManifestCounts,
  parseBody,
  type RetentionCounts,
  type RetentionReport,
  type RetentionVerdict,
  retentionReportSchema,
} from '../../../lib/api/index.ts'
import { type AbortOptions, codeOf, inTurns, isAbort, isAppError, throwIfAborted } from '../../../lib/base/index.ts'
import { type Repository, repositoryText } from '../../../lib/core/index.ts'
import { repositoriesIn } from '../garbage/repository-walk.ts'
import { type LeasedLooks, type LooksInit, leasedLooks } from '../looks/leased-looks.ts'
import { endedBy, type LookPlace, LookRun } from '../looks/look-run.ts'
import type { LeasesComponents } from '../replication/leases.ts'
import { lookAtManifests, type ManifestLookComponents } from './look-at-manifests.ts'
import { type RepositoryRetentionComponents, repositoryRetention } from './repository-retention.ts'
import { retentionKeys } from './retention-keys.ts'

/** Tags removed at the same time. */
const REMOVALS = 4

export interface RetentionComponents extends LeasesComponents, RepositoryRetentionComponents, ManifestLookComponents {
  /** Whether the registry is one that is only looked up: what lies here of it are its answers. */
  readonly isUpstream?: ((registry: Repository['registry']) => boolean) | undefined
  /** Called for each tag that the rules did not keep. */
  readonly onRemoved?: ((outcome: 'removed' | 'spared') => void) | undefined
}

/** Deletes tags and manifests by the rules: RETENTION_RUNNING when a look is under way, RETENTION_NEVER when there was none. */
export interface Retention extends LeasedLooks<RetentionReport> {
  /** What the rules say of each tag of a repository now. @throws RETENTION_TOO_MANY_TAGS */
  verdicts(repository: Repository, options?: AbortOptions): Promise<readonly RetentionVerdict[]>
  /** What they say of each manifest, in the order of the digests. @throws RETENTION_TOO_MANY_MANIFESTS */
  manifestVerdicts(repository: Repository, options?: AbortOptions): Promise<readonly ManifestVerdict[]>
}

const ADVICE =
  'nothing may be removed: see docs/operations.md, "Retention", then set retention.remove, or order a dry run'

const place: LookPlace<RetentionReport> = {
  key: retentionKeys.run,
  parse: (value) => parseBody(retentionReportSchema, value),
}

const noCounts = (): RetentionCounts => ({
  ...{ repositories: 0, tags: 0, removed: 0, spared: 0 },
  kept: Object.fromEntries(keptReasons.map((reason) => [reason, 0])) as RetentionCounts['kept'],
})

/** A look that begins here. */
export const retentionRun = (
  components: Pick<RetentionComponents, 'records' | 'clock'>,
  look: { readonly id: string; readonly dryRun: boolean },
): LookRun<RetentionReport> => new LookRun({ ...components, place }, newReport(look, components.clock.now()))

const newReport = (look: { readonly id: string; readonly dryRun: boolean }, nowMs: number): RetentionReport => ({
  ...{ ...look, state: 'running', startedAtMs: nowMs, updatedAtMs: nowMs },
  ...{ at: '', counts: noCounts(), removed: [], unreadable: [] },
  ...{ untagged: noManifestCounts(), removedManifests: [] },
})

export function retention(components: RetentionComponents, init: LooksInit): Retention {
  const { clock } = components
  const one = repositoryRetention(components)
  const looks = leasedLooks<RetentionReport>(
    components,
    {
      place,
      lease: { of: 'tags', lease: retentionKeys.lease, members: retentionKeys.members },
      codes: { running: 'RETENTION_RUNNING', never: 'RETENTION_NEVER' },
      advice: ADVICE,
      begin: (look) => newReport(look, clock.now()),
      async work(report, options) {
        const run = new LookRun({ ...components, place }, report)
        await endedBy(components, run, options, () => lookAtTags(components, run, options))
      },
    },
    init,
  )
  return {
    start: () => looks.start(),
    stop: () => looks.stop(),
    order: (order) => looks.order(order),
    report: (options) => looks.report(options),
    end: (options) => looks.end(options),
    obey: (rules) => looks.obey(rules),
    verdicts: (repository, { signal } = {}) => one.verdicts(repository, { signal }),
    async manifestVerdicts(repository, { signal } = {}) {
      return (await components.manifests.judged(repository, { signal }))?.verdicts ?? []
    },
  }
}

type Run = LookRun<RetentionReport>

async function lookAtTags(components: RetentionComponents, run: Run, options: AbortOptions): Promise<void> {
  const { backend, logger, pace, isUpstream = () => false } = components
  for await (const { repository, at } of repositoriesIn(backend, { ...options, after: run.report.at })) {
    await pace.take(1, options)
    if (isUpstream(repository.registry)) continue
    try {
      await lookAtRepository(components, run, repository, options)
      await lookAtManifests(components, run, repository, options)
    } catch (err) {
      throwIfAborted(options.signal)
      if (isAbort(err) || !isAppError(err)) throw err
      logger.warn('a repository keeps its tags or manifests, because not all of it could be read', {
        code: codeOf(err),
        err,
      })
      const { unreadable } = run.report
      const entry = { repository: repositoryText(repository), code: codeOf(err) ?? 'UNKNOWN' }
      if (unreadable.length < MAX_SHOWN) run.change({ unreadable: [...unreadable, entry] })
    }
    await run.reached({ at }, options)
  }
}

async function lookAtRepository(
  components: RetentionComponents,
  run: Run,
  repository: Repository,
  options: AbortOptions,
): Promise<void> {
  const { logger, onRemoved } = components
  const one = repositoryRetention(components)
  const verdicts = await one.verdicts(repository, options)
  const { counts } = run.report
  run.change({ counts: { ...counted(counts, verdicts), repositories: counts.repositories + 1 } })
  const expired = verdicts.filter(({ kept }) => !kept)
  await inTurns(expired, REMOVALS, async (verdict) => {
    const isDry = run.report.dryRun
    const outcome = isDry || (await one.remove(repository, verdict, options)) ? 'removed' : 'spared'
    noted(run, repository, verdict, outcome)
    if (isDry) return
    onRemoved?.(outcome)
    const { tag, rule } = verdict
    if (outcome === 'removed')
      logger.info('a tag was deleted by retention', { repository: repositoryText(repository), tag, rule })
  })
}

function noted(run: Run, repository: Repository, verdict: RetentionVerdict, outcome: 'removed' | 'spared'): void {
  const { counts, removed } = run.report
  run.change({ counts: { ...counts, [outcome]: counts[outcome] + 1 } })
  if (outcome === 'spared' || removed.length >= MAX_SHOWN) return
  run.change({ removed: [...removed, { ...verdict, repository: repositoryText(repository) }] })
}

function counted(counts: RetentionCounts, verdicts: readonly RetentionVerdict[]): RetentionCounts {
  const kept = { ...counts.kept }
  for (const { reason } of verdicts) if (reason !== 'expired') kept[reason] += 1
  return { ...counts, kept, tags: counts.tags + verdicts.length }
}
