import {
  type AskingKind,
  compareSteering,
  type LiveSettings,
  type Steered,
  steered as steeredService,
  steeringWordClient,
} from '../api/index.ts'
import { hasCode, lifecycle, rounds, type Startable } from '../base/index.ts'
import { type Cluster, memberClients } from '../cluster/index.ts'
import type { PeerId } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { type Runtime, shoalVersion } from '../service/index.ts'

/** Between two questions to the trackers; at random up to so much longer. Few services ask so, so nothing is kept open. */
const PAUSE_MS = 3_000
const SPREAD_MS = 2_000

export interface SettingsPollsComponents extends Pick<Runtime, 'clock' | 'random' | 'logger' | 'metrics'> {
  readonly http: HttpClient
  /** Undefined where the config names none: then nobody is asked, and the file alone counts. */
  readonly trackers: Cluster | undefined
  readonly live: LiveSettings
}

/** Who asks, and where it is. */
export interface SettingsPollsInit {
  readonly kind: AskingKind
  /** Its name among those of its kind. */
  readonly member: string
  /** The id by which an origin announces itself. */
  readonly peerId?: PeerId | undefined
  readonly zone?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** As in `SteeredInit`. */
  readonly folder: string | undefined
}

/** A service that obeys what a manager has given to the trackers, and what asks them for it. */
export interface SettingsPolls {
  readonly steering: Steered
  /** Takes what was kept before anything else that starts later. */
  readonly asking: Startable
}

/** Asks every tracker again and again which settings hold for this service, and obeys. */
export function settingsPolls(components: SettingsPollsComponents, init: SettingsPollsInit): SettingsPolls {
  const { clock, logger, random, trackers } = components
  const steering = steeredService(components, init)
  if (trackers === undefined) return { steering, asking: lifecycle([]) }
  const ask = questions(components, trackers, steering, init)
  const missed = (err: unknown) => {
    // A tracker of an earlier version has none.
    if (!hasCode(err, 'NOT_FOUND', 'METHOD_NOT_ALLOWED')) logger.debug('failed to ask a tracker for settings', { err })
  }
  const polls = rounds(clock, {
    async work(signal) {
      const { version } = steering.report()
      await Promise.all(trackers.members.map(({ id }) => ask(id, signal).catch(missed)))
      // What was taken is told at once.
      if (compareSteering(steering.report().version, version) !== 0) return 0
      return PAUSE_MS + random.next() * SPREAD_MS
    },
    onFailure: (err) => logger.error('background task failed', { task: 'settings', err }),
    retryMs: PAUSE_MS,
  })
  const asking: Startable = {
    async start() {
      await steering.load()
      await polls.start()
    },
    async stop() {
      await polls.stop()
      await steering.settled()
    },
  }
  return { steering, asking }
}

/** Asks one tracker, by its id, and hears what it says. */
function questions(
  { http }: Pick<SettingsPollsComponents, 'http'>,
  trackers: Cluster,
  steering: Steered,
  { kind, member, peerId, zone, labels }: SettingsPollsInit,
): (id: string, signal: AbortSignal) => Promise<void> {
  const clients = memberClients(trackers, (url) => steeringWordClient(http, url, kind))
  const label = labels?.['host']
  const facts = {
    ...{ member, shoal: shoalVersion },
    ...(peerId !== undefined && { peerId }),
    ...(zone !== undefined && { zone }),
    ...(label && { label }),
  }
  return async (id, signal) => {
    const asked = steering.report()
    const word = await clients.at(id)?.ask({ ...facts, report: asked }, { signal })
    const ids = trackers.members.map((each) => each.id)
    steering.hear(id, { asked, word }, ids)
  }
}
