import { hostname } from 'node:os'
import type { AccountsStatus, Leadership, NamesStatus } from '../../lib/api/index.ts'
import type { Startable } from '../../lib/base/index.ts'
import type { ReadinessCheck, Runtime } from '../../lib/service/index.ts'
import type { ControllerConfig } from './config.ts'
import {
  type ElectionTimings,
  election,
  electionTimings,
  kubeEvents,
  openKube,
  registerWatchMetrics,
} from './kubernetes/index.ts'
import { leadAll } from './lead-all.ts'
import type { Role, RoleComponents } from './role.ts'

/** What the controller does in its cluster, and whether it is the one that does it. */
export interface Duty {
  readonly parts: readonly Startable[]
  readonly leadership: () => Leadership
  /** Undefined without the role `names`. */
  readonly names: () => NamesStatus | undefined
  /** Undefined without the role `accounts`. */
  readonly accounts: () => AccountsStatus | undefined
  readonly checks: Readonly<Record<string, ReadinessCheck>>
}

/** Makes the roles that the config names. */
export type MakeRoles = (components: RoleComponents, config: ControllerConfig) => readonly Role[]

export interface DutyInit {
  readonly makeRoles: MakeRoles
  /** Default: those of the config. */
  readonly timings?: ElectionTimings | undefined
}

/** Without access to a cluster there is nothing to do. */
export function openDuty(runtime: Runtime, config: ControllerConfig, init: DutyInit): Duty {
  const { access } = config.kubernetes
  return access === 'off'
    ? {
        parts: [],
        checks: {},
        leadership: () => ({ access, roles: [] }),
        names: () => undefined,
        accounts: () => undefined,
      }
    : dutyInCluster(runtime, config, init)
}

function dutyInCluster(runtime: Runtime, config: ControllerConfig, { makeRoles, timings }: DutyInit): Duty {
  const { access } = config.kubernetes
  const kube = openKube(runtime, config.kubernetes)
  const components = { ...runtime, kube }
  registerWatchMetrics(runtime.metrics)
  const instance = hostname()
  const events = kubeEvents(components, { component: 'shoal-controller', instance })
  const roles = makeRoles({ ...components, events }, config)
  const standing = election(components, {
    ...{ lease: config.lease.name, identity: instance },
    lead: (term) => leadAll(roles, term),
    timings: timings ?? electionTimings(config.lease),
  })
  const told = (): Leadership => {
    const { seenAtMs, ...state } = standing.state
    return {
      access,
      lease: {
        name: config.lease.name,
        namespace: kube.namespace,
        ...state,
        ...(seenAtMs !== undefined && { seenAtMs }),
      },
      roles: roles.map((role) => ({ name: role.name, problem: role.problem() })),
    }
  }
  const lease = () => {
    const { failure, seenAtMs } = standing.state
    if (failure !== undefined) return `the lease cannot be read or written: ${failure}`
    return seenAtMs === undefined ? 'the lease has not been read yet' : undefined
  }
  return {
    parts: [kube, events, ...roles.flatMap((role) => role.parts), standing],
    leadership: told,
    names: () => roles.find((role) => role.status !== undefined)?.status?.(),
    accounts: () => roles.find((role) => role.accounts !== undefined)?.accounts?.(),
    checks: { lease, ...Object.fromEntries(roles.map((role) => [role.name, () => role.problem()])) },
  }
}
