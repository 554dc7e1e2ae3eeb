import { lifecycle, type Startable } from '../../../lib/base/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import type { ManagerDatabase } from '../database/index.ts'
import type { JobsConfig } from './config.ts'
import type { Duty } from './duty.ts'
import { type GiveJob, giveJob } from './give-job.ts'
import { jobEvents } from './job-events.ts'
import { jobMeters } from './job-meters.ts'
import { jobRoutes } from './job-routes.ts'
import { jobRunner } from './job-runner.ts'
import { type JobStore, jobStore } from './job-store.ts'
import { registryAsker } from './registry-asker.ts'
import { resolver } from './resolver.ts'
import { requireMaker } from './schedules/schedule-maker.ts'
import { scheduleRounds } from './schedules/schedule-rounds.ts'
import { scheduleRoutes } from './schedules/schedule-routes.ts'
import { scheduleStore } from './schedules/schedule-store.ts'

export interface JobsComponents extends Runtime {
  readonly database: ManagerDatabase
  readonly talk: ClusterTalk
  /** Work of which one manager of several does each. */
  readonly duty: Duty
}

/** The wing of the jobs. */
export interface ManagerJobs {
  readonly routes: readonly Route[]
  readonly store: JobStore
  readonly give: GiveJob
  /** To be started in order, behind the database and the clusters. */
  readonly parts: readonly Startable[]
}

export function openJobs(components: JobsComponents, config: JobsConfig): ManagerJobs {
  const { duty, metrics, talk } = components
  const lookMs = config.look
  const registries = registryAsker(components, config)
  const asking = resolver({ ...components, registries })
  const store = jobStore(components)
  const meters = jobMeters(metrics)
  const runner = jobRunner({ ...components, meters, lookMs }, { atOnce: config.atOnce, keepMs: config.keep })
  const give = giveJob(
    { ...components, store, resolver: asking, registries, meters, talk, onGiven: () => runner.ask() },
    config,
  )
  const schedules = scheduleStore(components)
  const rounds = scheduleRounds({ ...components, schedules, give, requireMaker: requireMaker(components) })
  const events = jobEvents({ ...components, store, lookMs })
  const parts = [
    registries,
    asking,
    events,
    duty('jobs', (writer, signal) => runner.work(writer, signal)),
    duty('schedules', (writer, signal) => rounds.work(writer, signal)),
  ]
  const routes = [...jobRoutes({ store, give, events, talk }), ...scheduleRoutes({ ...components, schedules, rounds })]
  return { routes, store, give, parts: [lifecycle(parts)] }
}
