import type { Startable } from '../../lib/base/index.ts'
import { type Runtime, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { adapterRoutes } from './adapters/open-adapters.ts'
import { auditKeeping, auditLog } from './audit-log.ts'
import { openClusters } from './clusters/open-clusters.ts'
import type { ManagerConfig } from './config.ts'
import { consoleFolder, consoleRoutes } from './console-files.ts'
import { heldWork, leases, type ManagerDatabase, managerDatabase } from './database/index.ts'
import { openJobs } from './jobs/index.ts'
import { oidcRoutes, type Passwords, type People, people } from './people/index.ts'
import { openRegistry } from './registry/open-registry.ts'
import { openRelations } from './relations/open-relations.ts'
import { managerRoutes } from './server.ts'
import { settingsPart } from './settings/settings.ts'
import type { SteeredClusters } from './settings/steered-clusters.ts'
import { streamShares } from './stream-shares.ts'
import { openViews } from './views/open-views.ts'
import { watchedRights } from './watched-rights.ts'

/** Replacements for parts of the manager, given by the herd and by tests. */
export interface ManagerComponents extends Partial<Runtime> {
  /** Replaces the usual work of passwords. */
  readonly passwords?: Passwords
  /** Hears of the link that makes the first admin, in place of the log. */
  readonly onFirstAdminLink?: (link: string) => void
  /** The clusters that get settings; default: those whose services have joined. */
  readonly steered?: SteeredClusters
  /** Default: the one of the config. */
  readonly database?: ManagerDatabase
}

export interface ManagerService extends Startable {
  /** Base URLs; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
}

/** What a link on a page elsewhere may lead a browser to: pages of the console, and the way back from a provider. */
const isPage = (path: string): boolean => !path.startsWith('/api/') || /^\/api\/v1\/oidc\/[^/]+\/callback$/.test(path)

/** Whoever can read the log has the machine, and so may let himself in. */
function firstAdminNotice(
  { logger, onFirstAdminLink }: Pick<Runtime, 'logger'> & Pick<ManagerComponents, 'onFirstAdminLink'>,
  links: Pick<People, 'firstAdminLink'>,
  baseUrl: () => string,
): Startable {
  return {
    async start() {
      const path = await links.firstAdminLink()
      if (path === undefined) return
      const link = baseUrl() + path
      if (onFirstAdminLink !== undefined) onFirstAdminLink(link)
      else logger.warn('there is no admin yet; this link makes one, once, within a day', { link })
    },
    stop: () => Promise.resolve(),
  }
}

/** One manager: people and their tools steer clusters from here. Everything else works without it. @throws INSECURE_BIND */
export function managerService(components: ManagerComponents, config: ManagerConfig): ManagerService {
  const runtime = serviceRuntime('manager', config, components)
  const database = components.database ?? managerDatabase(runtime, config)
  const persons = people({ ...runtime, database, passwords: components.passwords }, config.people, config.publicUrl)
  const audit = auditLog({ database })
  const keeping = auditKeeping({ ...runtime, audit }, config.audit.keep)
  const shared = leases({ ...runtime, database })
  const duty = (name: string, work: Startable) => heldWork(shared, name, () => work)
  const clusters = openClusters(
    { ...runtime, database, duty, wantedGeneration: (id) => settings.wantedGeneration(id) },
    config,
  )
  const { talk, roster, changes } = clusters
  const jobs = openJobs({ ...runtime, database, talk, duty: (name, work) => shared.duty(name, work) }, config.jobs)
  const views = openViews({ ...runtime, ...clusters, database, clusters: talk })
  const given = { give: jobs.give, jobs: jobs.store, talk, changes, clusters: () => roster.clusters }
  const settings = settingsPart(
    { ...runtime, database, clusters: components.steered ?? clusters.talk, duties: shared },
    config.settings,
  )
  const registry = openRegistry({ ...runtime, database, clusters: talk, duties: shared })
  const relations = openRelations({ ...runtime, database, clusters: talk, duties: shared })
  const adapters = adapterRoutes({ ...runtime, database, ...given }, config.jobs)
  const wings = [...[clusters, jobs, views, settings, registry, relations].flatMap(({ routes }) => routes), ...adapters]
  const routes = streamShares(managerRoutes({ audit, people: persons.parts, wings }))
  const watched = watchedRights({ ...runtime, identify: persons.identifyAgain }, routes)
  const pages = [...oidcRoutes(persons.oidc), ...consoleRoutes({ folder: consoleFolder() })]
  const shell = serviceShell(runtime, config, {
    kind: 'manager',
    // Whoever comes to the listener for people has to be known, also where no secret is set.
    listeners: {
      http: {
        ...{ routes: [...watched, ...pages], anonymous: 'none', identify: persons.identify },
        pages: isPage,
      },
      admin: { routes },
    },
    checks: { database: () => database.problem() },
  })
  const tellFirstAdmin = firstAdminNotice(
    { ...components, ...runtime },
    persons,
    () => config.publicUrl ?? shell.url('http'),
  )
  return {
    ...shell.around([
      ...[database, persons, keeping, ...clusters.parts, ...jobs.parts, ...views.parts, settings, registry, relations],
      ...[...shell.listeners, tellFirstAdmin],
    ]),
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
