import type { PullSummary } from '../../lib/swarm/index.ts'
import type { HerdPlan, InstancePlan } from './plan.ts'

const HOST = '127.0.0.1'

const at = (instances: readonly InstancePlan[], listener: string): readonly string[] =>
  instances.map(({ ports }) => `${HOST}:${ports[listener] ?? 0}`)

/** The addresses of all listeners, for the one JSON line of `--json`. */
export function endpointsOf(plan: HerdPlan) {
  return {
    proxy: at(plan.proxy, 'registry')[0] ?? '',
    agents: at(plan.agent, 'registry'),
    agentPeers: at(plan.agent, 'peer'),
    agentOps: at(plan.agent, 'ops'),
    agentAdmins: at(plan.agent, 'admin'),
    origins: at(plan.origin, 'http'),
    originPeers: at(plan.origin, 'peer'),
    originOps: at(plan.origin, 'ops'),
    originAdmins: at(plan.origin, 'admin'),
    trackers: at(plan.tracker, 'http'),
    trackerOps: at(plan.tracker, 'ops'),
    trackerAdmins: at(plan.tracker, 'admin'),
    buildIndexes: at(plan.buildIndex, 'http'),
    buildIndexAdmins: at(plan.buildIndex, 'admin'),
    proxyOps: at(plan.proxy, 'ops')[0] ?? '',
    proxyAdmin: at(plan.proxy, 'admin')[0] ?? '',
    /** Empty without one. */
    manager: at(plan.manager, 'http')[0] ?? '',
    managerAdmin: at(plan.manager, 'admin')[0] ?? '',
  }
}

export type HerdEndpoints = ReturnType<typeof endpointsOf>

/** Where a person looks and steers; `signIn` is the link that makes the first admin. */
function consoleLines({ manager }: HerdEndpoints, signIn: string | undefined): readonly string[] {
  if (manager === '') return []
  const once = signIn === undefined ? [] : [`sign in      ${signIn}  (once, within a day)`]
  return [`console      http://${manager}`, ...once]
}

/** The addresses as text for a person, with commands to paste. */
export function welcome(endpoints: HerdEndpoints, signIn?: string): string {
  const { proxy, agents, origins, trackers, buildIndexes, agentOps } = endpoints
  const first = agents[0] ?? ''
  return [
    '',
    `proxy        ${proxy}`,
    ...agents.map((agent, i) => `agent ${i + 1}      ${agent}`),
    `origins      ${origins.join('  ')}`,
    `trackers     ${trackers.join('  ')}`,
    `build-index  ${buildIndexes.join('  ')}`,
    `metrics      http://${agentOps[0] ?? ''}/metrics`,
    ...consoleLines(endpoints, signIn),
    '',
    '# push with docker, pull from an agent',
    `docker tag IMAGE ${proxy}/demo:1 && docker push ${proxy}/demo:1`,
    `docker pull ${first}/demo:1`,
    '',
    `# containerd: /etc/containerd/certs.d/${proxy}/hosts.toml`,
    `server = "http://${proxy}"`,
    `[host."http://${first}"]`,
    '  capabilities = ["pull", "resolve"]',
    '',
    `ctr images pull --hosts-dir /etc/containerd/certs.d ${proxy}/demo:1`,
    '',
  ].join('\n')
}

const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`

/** One line for a finished pull: the blob, bytes by source, time to the first byte, speed. */
export function pullLine(agent: string, summary: PullSummary): string {
  const { digest, size, bytes, firstByteMs, totalMs } = summary
  const sources = Object.entries(bytes)
    .filter(([, count]) => count > 0)
    .map(([source, count]) => `${source} ${mib(count)}`)
  const first = firstByteMs === undefined ? 'no byte read' : `first byte ${firstByteMs.toFixed(0)} ms`
  const speed = totalMs > 0 ? `${mib((size / totalMs) * 1000)}/s` : '-'
  return `${agent}  ${digest.slice(0, 19)}  ${mib(size)}  ${sources.join(', ') || 'cached'}  ${first}  ${speed}`
}
