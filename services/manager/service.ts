import { background, type Startable } from '../../lib/base/index.ts'
import { type Runtime, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { auditLog } from './audit-log.ts'
import type { ManagerConfig } from './config.ts'
import { type ManagerDatabase, managerDatabase } from './database/index.ts'
import { managerRoutes } from './server.ts'
import { type Duties, settingsPart } from './settings/settings.ts'
import type { SteeredClusters } from './settings/steered-clusters.ts'

/** Replacements for parts of the manager, given by the herd and by tests. */
export type ManagerComponents = Partial<Runtime> & {
  /** The clusters that it talks to; default: none. */
  readonly clusters?: SteeredClusters
}

export interface ManagerService extends Startable {
  /** Base URLs; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
}

const noClusters: SteeredClusters = { clusters: () => [], trackers: () => [] }

/** The folder of the database is of one process, which has every duty. */
function alone({ database, logger }: Pick<Runtime, 'logger'> & { readonly database: ManagerDatabase }): Duties {
  return {
    duty(name, work) {
      let tasks = background(() => undefined)
      return {
        async start() {
          if (tasks.size > 0) return
          tasks = background((_, err) => logger.error('failed at a duty of this manager', { duty: name, err }))
          tasks.run(name, (signal) => work(database, signal))
        },
        stop: () => tasks.stop(),
      }
    },
  }
}

/** One manager: people and their tools steer clusters from here. Everything else works without it. @throws INSECURE_BIND */
export function managerService(components: ManagerComponents, config: ManagerConfig): ManagerService {
  const runtime = serviceRuntime('manager', config, components)
  const database = managerDatabase(runtime, config)
  const settings = settingsPart(
    { ...runtime, database, clusters: components.clusters ?? noClusters, duties: alone({ ...runtime, database }) },
    config.settings,
  )
  const routes = managerRoutes({ audit: auditLog({ database }), wings: settings.routes })
  const shell = serviceShell(runtime, config, {
    kind: 'manager',
    // Whoever comes to the listener for people has to be known, also where no secret is set.
    listeners: { http: { routes, anonymous: 'none' }, admin: { routes } },
  })
  return {
    ...shell.around([database, settings, ...shell.listeners]),
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
