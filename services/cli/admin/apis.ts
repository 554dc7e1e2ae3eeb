import { type AdminCalls, agentAdmin, originAdmin } from '../../../lib/api/index.ts'
import type { ServiceKind } from '../../../lib/service/index.ts'
import { agentVerbs } from './agent-verbs.ts'
import { originVerbs } from './origin-verbs.ts'
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
]
