import type { Startable } from '../../lib/base/index.ts'
import { type Runtime, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { adapterRoutes } from './adapters/open-adapters.ts'
import { auditLog } from './audit-log.ts'
import { openClusters } from './clusters/open-clusters.ts'
import type { ManagerConfig } from './config.ts'
import { consoleFolder, consoleRoutes } from './console-files.ts'
import { managerDatabase } from './database/index.ts'
import { openJobs } from './jobs/index.ts'
import { managerRoutes } from './server.ts'
import { openViews } from './views/open-views.ts'

/** Replacements for parts of the manager, given by the herd and by tests. */
export type ManagerComponents = Partial<Runtime>

export interface ManagerService extends Startable {
  /** Base URLs; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
}

/** One manager: people and their tools steer clusters from here. Everything else works without it. @throws INSECURE_BIND */
export function managerService(components: ManagerComponents, config: ManagerConfig): ManagerService {
  const runtime = serviceRuntime('manager', config, components)
  const database = managerDatabase(runtime, config)
  const clusters = openClusters({ ...runtime, database }, config)
  const jobs = openJobs({ ...runtime, database, talk: clusters.talk }, config.jobs)
  const views = openViews({ ...runtime, ...clusters, database, clusters: clusters.talk })
  const adapters = adapterRoutes(
    {
      ...runtime,
      database,
      give: jobs.give,
      jobs: jobs.store,
      talk: clusters.talk,
      clusters: () => clusters.roster.clusters,
    },
    config.jobs,
  )
  const wings = [...clusters.routes, ...jobs.routes, ...views.routes, ...adapters]
  const routes = managerRoutes({ audit: auditLog({ database }), wings })
  const pages = consoleRoutes({ folder: consoleFolder() })
  const shell = serviceShell(runtime, config, {
    kind: 'manager',
    // Whoever comes to the listener for people has to be known, also where no secret is set.
    listeners: { http: { routes: [...routes, ...pages], anonymous: 'none' }, admin: { routes } },
  })
  return {
    ...shell.around([database, ...clusters.parts, ...jobs.parts, ...views.parts, ...shell.listeners]),
    get url() {
      return shell.url('http')
    },
    get opsUrl() {
      return shell.url('ops')
    },
    get adminUrl() {
      return shell.url('admin')
    },
  }
}
