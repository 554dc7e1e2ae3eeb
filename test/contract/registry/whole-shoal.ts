import { startTopology, type Topology } from '../../kit/topology.ts'
import { TRACED_REGISTRY } from './client-traces-suite.ts'

export const startWhole = (overrides: readonly string[] = []) =>
  startTopology({ agents: 1, origins: 2, trackers: 1, processes: [], overrides })

export const listening = (shoal: Topology, id: string) => ({
  url: shoal.url(id, 'registry'),
  [Symbol.asyncDispose]: () => shoal[Symbol.asyncDispose](),
})

/** Pushed at the proxy and read at an agent, which remembers nothing of what repositories have. */
export const proxyAndAgent = async () => {
  const forgetful = ['agent.registry.linkTtl=0s', 'buildIndex.linkMemory=0s']
  const shoal = await startWhole([...forgetful, `agent.registry.ownNames=["${TRACED_REGISTRY}"]`])
  return { ...listening(shoal, 'proxy-1'), agent: listening(shoal, 'agent-1') }
}

export const PROXY_AND_AGENT = 'the proxy with the agent of a whole shoal'

export const atAgent = ({ agent }: Awaited<ReturnType<typeof proxyAndAgent>>) => agent
