import type { ClusterMarks, GarbageReport, MarkingCluster, StoredGarbage } from '../../../lib/api/index.ts'
import { rehearseConditions } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, background } from '../../../lib/base/index.ts'
import { type LeasedLooks, type LookKind, type LookRules, type LooksInit, leasedLooks } from '../looks/leased-looks.ts'
import { endedBy } from '../looks/look-run.ts'
import { garbageKeys } from './garbage-keys.ts'
import { GarbageRun, garbagePlace, newRun, type RunComponents } from './garbage-run.ts'
import { type GarbageWorkComponents, lookForGarbage } from './garbage-work.ts'
import { indexId } from './index-id.ts'
import { markPlaces } from './mark-places.ts'

export interface CollectorComponents extends GarbageWorkComponents, Pick<RunComponents, 'onCounted'> {
  readonly stored: StoredGarbage & ClusterMarks
}

/** What changes while looks for garbage go on. */
export interface CollectorRules extends LookRules {
  /** Also counts for a look that goes on by them. */
  readonly graceMs: number
}

export interface CollectorInit extends LooksInit, CollectorRules {
  /** The name of this cluster, for people. */
  readonly cluster: string
}

/** Looks for garbage: GARBAGE_RUNNING when one is under way, GARBAGE_NEVER when there was none. */
export interface Collector extends LeasedLooks<GarbageReport> {
  obey(rules: CollectorRules): void
  /** Says that no other cluster writes in the backends of the blobs any more; whose marks were removed. */
  takeOver(options?: AbortOptions): Promise<readonly MarkingCluster[]>
}

const ADVICE = 'nothing may be removed: see docs/operations.md, "Garbage", then set garbage.remove, or order a dry run'

export function collector(components: CollectorComponents, init: CollectorInit): Collector {
  const { backend, random, stored, clock, logger } = components
  let { graceMs } = init
  const self = async (options: AbortOptions): Promise<MarkingCluster> => ({
    id: await indexId(components, options),
    cluster: init.cluster,
  })
  /** What has to hold before anything is condemned. @throws BACKEND_CONDITIONS_IGNORED, GARBAGE_FOREIGN */
  const mayRemoveNow = async (own: MarkingCluster, options: AbortOptions) => {
    await rehearseConditions(backend, { folder: 'garbage/', clock, random, ...options })
    const clusters = await stored.enter(own, options)
    if (clusters.length > 0) throw appError('GARBAGE_FOREIGN', { detail: { clusters } })
  }
  const kind: LookKind<GarbageReport> = {
    place: garbagePlace,
    lease: { of: 'garbage', lease: garbageKeys.lease, members: garbageKeys.members },
    codes: { running: 'GARBAGE_RUNNING', never: 'GARBAGE_NEVER' },
    advice: ADVICE,
    begin: (look) => newRun({ ...look, graceMs }, clock.now()),
    async work(report, options) {
      const run = new GarbageRun(components, { ...report, graceMs })
      await endedBy(components, run, options, async () => {
        const own = await self(options)
        if (!report.dryRun) await mayRemoveNow(own, options)
        await lookForGarbage(components, run, { owner: own.id }, options)
      })
    },
  }
  const looks = leasedLooks(components, kind, init)
  let marking = background(() => undefined)
  return {
    async start() {
      await looks.start()
      marking = background((task, err) => logger.error('background task failed', { task, err }))
      marking.run('marks the backends of the blobs', (signal) => markPlaces({ ...components, self }, signal))
    },
    async stop() {
      await marking.stop()
      await looks.stop()
    },
    order: (order) => looks.order(order),
    report: (options) => looks.report(options),
    end: (options) => looks.end(options),
    obey(rules) {
      graceMs = rules.graceMs
      looks.obey(rules)
    },
    takeOver: async ({ signal } = {}) => stored.takeOver(await self({ signal }), { signal }),
  }
}
