import { hostname } from 'node:os'
import { lifecycle, type Startable } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { AgentConfig } from '../config.ts'
import { type AssignedRings, assignment } from './assignment.ts'

const CONNECT_MS = 3_000

/** What puts the agent into its cluster, where its config names managers. */
export function assigned(
  runtime: Runtime,
  { manager, zone, labels }: Pick<AgentConfig, 'manager' | 'zone' | 'labels'>,
  { rings, folder }: { readonly rings: AssignedRings; readonly folder: string },
): readonly Startable[] {
  if (manager === undefined) return []
  const http = httpClient(runtime, { tls: runtime.tls, trustsPublic: true, connectTimeoutMs: CONNECT_MS })
  const host = labels?.['host'] ?? hostname()
  return [lifecycle([http, assignment({ ...runtime, http, rings }, { ...manager, zone, host, folder })])]
}
