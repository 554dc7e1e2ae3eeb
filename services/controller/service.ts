import type { Startable } from '../../lib/base/index.ts'
import { type Runtime, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import type { ControllerConfig } from './config.ts'
import { type MakeRoles, openDuty } from './duty.ts'
import type { ElectionTimings } from './kubernetes/index.ts'
import { rolesOf } from './roles.ts'
import { controllerAdminRoutes } from './server.ts'

/** Replacements for parts of the controller, given by the herd and by tests. */
export interface ControllerComponents extends Partial<Runtime> {
  /** Replaces the roles that the config names. */
  readonly roles?: MakeRoles
  /** Replaces those of Kubernetes: no config has shorter ones. */
  readonly leaseTimings?: ElectionTimings
}

export interface ControllerService extends Startable {
  readonly opsUrl: string
  readonly adminUrl: string
}

/** One controller of a Kubernetes cluster: of those with the same lease, one works. @throws INSECURE_BIND */
export function controllerService(components: ControllerComponents, config: ControllerConfig): ControllerService {
  const runtime = serviceRuntime('controller', config, components)
  const { parts, checks, ...told } = openDuty(runtime, config, {
    makeRoles: components.roles ?? rolesOf,
    timings: components.leaseTimings,
  })
  const shell = serviceShell(runtime, config, {
    kind: 'controller',
    checks,
    listeners: { admin: { routes: controllerAdminRoutes(told) } },
  })
  return {
    ...shell.around([...parts, ...shell.listeners]),
    get opsUrl() {
      return shell.url('ops')
    },
    get adminUrl() {
      return shell.url('admin')
    },
  }
}
