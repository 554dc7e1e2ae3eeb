import { join } from 'node:path'
import { buildIndexCluster, type JobAnswer, type OriginCluster } from '../../../lib/api/index.ts'
import type { Startable } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { levelStorage } from '../../../lib/journal/index.ts'
import { connectionRoom, type Runtime } from '../../../lib/service/index.ts'
import type { TrackerConfig } from '../config.ts'
import type { HostReports } from '../steering/host-reports.ts'
import { steeredHosts } from '../steering/steered-hosts.ts'
import type { Steering } from '../steering/steering.ts'
import type { SteeringDesk } from '../steering/steering-desk.ts'
import { ticking } from '../ticking.ts'
import { type FleetMeters, fleetMeters } from './fleet-meters.ts'
import { jobLine } from './job-answer.ts'
import { jobRecords } from './job-records.ts'
import { type Jobs, jobs } from './jobs.ts'
import { type OrderDesk, orderDesk } from './order-desk.ts'
import { type Posts, posts } from './posts.ts'
import { type PullQuestions, pullQuestions } from './pull-questions.ts'
import { type Targets, targets } from './targets.ts'

/** How often is looked for hosts that are away, time limits and waits that are over. */
const TICK_MS = 1_000
/** Without a question, or after the time when it was told to ask again; a host that works asks every few seconds. */
const AWAY_MS = 20_000
/** Share of the connections of the listener on which hosts may wait for orders. */
const KEPT_SHARE = 0.5

export interface FleetComponents extends Runtime {
  readonly http: HttpClient
  readonly origins: OriginCluster
  readonly buildIndexes: Cluster
  /** A job was made, or has ended. */
  readonly onJob: (job: JobAnswer) => void
  /** What a manager holds. */
  readonly steering: Steering
}

/** The hosts that come here for orders, and the jobs that these orders are of. */
export interface Fleet extends Startable {
  readonly posts: Posts
  readonly jobs: Jobs
  readonly desk: OrderDesk
  readonly pullQuestions: PullQuestions
  readonly targets: Targets
  readonly reports: HostReports
  readonly steeringDesk: SteeringDesk
}

export function fleet(components: FleetComponents, { folder, fleet: init, seeds, member }: TrackerConfig): Fleet {
  const { clock, http, buildIndexes, origins, onJob, openFiles, logger } = components
  const listening = posts(clock, {
    maxPosts: seeds.maxNodes,
    maxKept: Math.floor(connectionRoom('http', openFiles) * KEPT_SHARE),
    awayMs: AWAY_MS,
  })
  const meters: FleetMeters = fleetMeters(components.metrics)
  const named = targets({ index: buildIndexCluster({ http, cluster: buildIndexes }), origins })
  const table = jobs(
    {
      ...components,
      ...{ posts: listening, meters },
      targets: named,
      journal: levelStorage({ folder: join(folder, 'fleet', 'journal') }),
      records: jobRecords(levelStorage({ folder: join(folder, 'fleet', 'jobs') }), logger),
      onChanged: (run) => onJob(jobLine(run)),
    },
    { atOnce: init.atOnce, gatherMs: init.gather, keepMs: init.keep },
  )
  const steered = steeredHosts({ ...components, posts: listening }, { member, maxHosts: seeds.maxNodes })
  const asked = pullQuestions({ ...components, posts: listening })
  const ticks = ticking(clock, TICK_MS, () => table.tick())
  return {
    posts: listening,
    jobs: table,
    targets: named,
    pullQuestions: asked,
    desk: orderDesk({ ...components, ...steered, posts: listening, jobs: table, pullQuestions: asked }),
    reports: steered.reports,
    steeringDesk: steered.steeringDesk,
    async start() {
      await table.start()
      await ticks.start()
      await steered.start()
    },
    async stop() {
      await steered.stop()
      await ticks.stop()
      await table.stop()
    },
  }
}
