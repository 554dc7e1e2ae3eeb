import { compareSteering, type Steered, steered as steeredService, steeringWordClient } from '../../lib/api/index.ts'
import { hasCode, rounds, type Startable } from '../../lib/base/index.ts'
import { type Cluster, memberClients } from '../../lib/cluster/index.ts'
import type { PeerId } from '../../lib/core/index.ts'
import type { HttpClient } from '../../lib/http/index.ts'
import { type Runtime, shoalVersion } from '../../lib/service/index.ts'
import type { OriginConfig } from './config.ts'
import { type OriginLiveParts, originLive } from './live.ts'

/** Between two questions to the trackers; at random up to so much longer. There are few origins, so nothing is kept open. */
const PAUSE_MS = 3_000
const SPREAD_MS = 2_000

/** Where it is, and the id by which it announces itself. */
type SteeringPollsInit = Pick<OriginConfig, 'member' | 'zone' | 'labels'> & { readonly peerId: PeerId }

interface SteeringPollsComponents extends Pick<Runtime, 'clock' | 'random' | 'logger'> {
  readonly http: HttpClient
  readonly trackers: Cluster
  readonly steered: Steered
}

/** Asks every tracker again and again which settings hold for this origin. */
function steeringPolls(
  { clock, random, logger, http, trackers, steered }: SteeringPollsComponents,
  { member, peerId, zone, labels }: SteeringPollsInit,
): Startable {
  const clients = memberClients(trackers, (url) => steeringWordClient(http, url))
  const label = labels?.['host']
  const facts = { member, peerId, shoal: shoalVersion, ...(zone !== undefined && { zone }), ...(label && { label }) }
  const ask = async (id: string, signal: AbortSignal) => {
    const asked = steered.report()
    const word = await clients.at(id)?.ask({ ...facts, report: asked }, { signal })
    const ids = trackers.members.map((each) => each.id)
    steered.hear(id, { asked, word }, ids)
  }
  const missed = (err: unknown) => {
    // A tracker of an earlier version has none.
    if (!hasCode(err, 'NOT_FOUND', 'METHOD_NOT_ALLOWED')) logger.debug('failed to ask a tracker for settings', { err })
  }
  const asking = rounds(clock, {
    async work(signal) {
      const { version } = steered.report()
      await Promise.all(trackers.members.map(({ id }) => ask(id, signal).catch(missed)))
      // What was taken is told at once.
      if (compareSteering(steered.report().version, version) !== 0) return 0
      return PAUSE_MS + random.next() * SPREAD_MS
    },
    onFailure: (err) => logger.error('background task failed', { task: 'settings', err }),
    retryMs: PAUSE_MS,
  })
  return {
    async start() {
      await steered.load()
      await asking.start()
    },
    async stop() {
      await asking.stop()
      await steered.settled()
    },
  }
}

/** What this origin obeys of what a manager has given to the trackers. */
export function originSteering(
  parts: OriginLiveParts & Omit<SteeringPollsComponents, 'steered'> & Pick<Runtime, 'metrics'>,
  config: OriginConfig & SteeringPollsInit,
) {
  const live = originLive(parts, config)
  const steering = steeredService({ ...parts, live }, { folder: config.store.volumes[0] ?? config.folder })
  return { steering, asking: steeringPolls({ ...parts, steered: steering }, config) }
}
