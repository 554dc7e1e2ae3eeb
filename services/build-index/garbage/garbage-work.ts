import { type AbortOptions, codeOf, isAbort, isAppError, throwIfAborted } from '../../../lib/base/index.ts'
import type { Repository } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { type CleanLinksComponents, cleanLinks } from './clean-links.ts'
import type { GarbageRun } from './garbage-run.ts'
import { repositoriesIn } from './repository-walk.ts'
import { type SweepComponents, type SweepInit, sweepBlobs } from './sweep-blobs.ts'

export interface GarbageWorkComponents extends CleanLinksComponents, SweepComponents {
  readonly logger: Logger
  /** Whether the registry is one that is only looked up: what lies here of it are its answers, and no links. */
  readonly isUpstream?: ((registry: Repository['registry']) => boolean) | undefined
}

/**
 * Does one look for garbage, from where it is: first the links of each repository that is not only looked up elsewhere, then
 * the blobs of each place. What was done after the progress was last written is done again, which changes nothing.
 * @throws as `sweepBlobs`
 */
export async function lookForGarbage(
  components: GarbageWorkComponents,
  run: GarbageRun,
  init: SweepInit,
  options: AbortOptions,
): Promise<void> {
  if (run.report.phase === 'links') await lookAtLinks(components, run, options)
  await sweepBlobs(components, run, init, options)
}

async function lookAtLinks(components: GarbageWorkComponents, run: GarbageRun, options: AbortOptions): Promise<void> {
  const { backend, logger, pace, isUpstream = () => false } = components
  const walk = repositoriesIn(backend, { ...options, after: run.report.at })
  for await (const { repository, at } of walk) {
    await pace.take(1, options)
    if (isUpstream(repository.registry)) continue
    try {
      await cleanLinks(components, run, repository, options)
    } catch (err) {
      throwIfAborted(options.signal)
      // Whatever is unknown of this repository, its links stay; others are not kept waiting.
      if (isAbort(err) || !isAppError(err)) throw err
      logger.warn('a repository keeps its links, because not all of it could be read', { code: codeOf(err), err })
      run.unreadable(repository, err)
    }
    run.count('repositories')
    await run.reached({ phase: 'links', at }, options)
  }
}
