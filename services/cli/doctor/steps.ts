import { agentAdminStep, agentReady, agentRegistry, clockSkew, diskRoom, ownAddress, peerPort } from './agent-steps.ts'
import { engineConfig, engineRuns, realPull, whoAnswered } from './engine-steps.ts'
import type { Finding } from './finding.ts'
import { nydusConfig, stargzConfig } from './lazy-steps.ts'
import { certificates, members, names, ring, secrets, sources } from './member-steps.ts'
import type { Visit } from './visit.ts'

/** One thing that must hold so that a pull of this machine goes through the agent. */
export interface Step {
  /** Never changes: scripts and docs/doctor.md name it. */
  readonly id: string
  /** What it looks at. */
  readonly what: string
  look(visit: Visit): Promise<readonly Finding[]>
}

/** Every step, in the order in which they are taken; docs/doctor.md has a row for each. */
export const steps: readonly Step[] = [
  { id: 'agent-ready', what: 'the agent runs and can serve', look: agentReady },
  { id: 'agent-registry', what: 'engines can pull from the agent', look: agentRegistry },
  { id: 'agent-admin', what: 'the agent can be asked what it did', look: agentAdminStep },
  { id: 'own-address', what: 'only this machine reaches the registry of the agent', look: ownAddress },
  { id: 'peer-port', what: 'other agents can connect', look: peerPort },
  { id: 'disk', what: 'the store of the agent has room', look: diskRoom },
  { id: 'sources', what: 'the sources of members name some', look: sources },
  { id: 'names', what: 'the names of the other services have addresses', look: names },
  { id: 'members', what: 'each tracker, origin and build-index answers', look: members },
  { id: 'ring', what: 'the agent asks all of them', look: ring },
  { id: 'secrets', what: 'they accept the secret of the agent', look: secrets },
  { id: 'certificates', what: 'certificates are valid, where there are any', look: certificates },
  { id: 'clock', what: 'all clocks agree', look: clockSkew },
  { id: 'engine', what: 'the container engine runs', look: engineRuns },
  { id: 'engine-config', what: 'the effective config of the engine names the agent first', look: engineConfig },
  { id: 'nydus-config', what: 'nydusd reads through the agent', look: nydusConfig },
  { id: 'stargz-config', what: 'the snapshotter of stargz reads through the agent', look: stargzConfig },
  { id: 'pull', what: 'the engine pulls a small image', look: realPull },
  { id: 'who-answered', what: 'the agent answered the requests of that pull', look: whoAnswered },
]
