import {
  type AdminCalls,
  agentAdmin,
  buildIndexAdmin,
  controllerAdmin,
  managerApi,
  originAdmin,
  proxyAdmin,
  trackerAdmin,
} from '../../../lib/api/index.ts'
import type { ServiceKind } from '../../../lib/service/index.ts'
import { agentVerbs } from './agent-verbs.ts'
import { buildIndexVerbs } from './build-index-verbs.ts'
import { controllerVerbs } from './controller-verbs.ts'
import { managerVerbs } from './manager-verbs.ts'
import { originVerbs } from './origin-verbs.ts'
import { proxyVerbs } from './proxy-verbs.ts'
import { trackerVerbs } from './tracker-verbs.ts'
import type { Verb } from './verb.ts'

/** The admin API of one kind of service, and its verbs by the name of the call. */
export interface AdminApi {
  readonly kind: ServiceKind
  readonly calls: AdminCalls
  readonly verbs: Readonly<Record<string, Verb>>
}

export const adminApis: readonly AdminApi[] = [
  { kind: 'origin', calls: originAdmin, verbs: originVerbs },
  { kind: 'agent', calls: agentAdmin, verbs: agentVerbs },
  { kind: 'tracker', calls: trackerAdmin, verbs: trackerVerbs },
  { kind: 'buildIndex', calls: buildIndexAdmin, verbs: buildIndexVerbs },
  { kind: 'proxy', calls: proxyAdmin, verbs: proxyVerbs },
  { kind: 'controller', calls: controllerAdmin, verbs: controllerVerbs },
  { kind: 'manager', calls: managerApi, verbs: managerVerbs },
]
