import { expect } from '@jest/globals'
import { adminClient, trackerAdmin } from '../../lib/api/index.ts'
import { eventually } from './eventually.ts'
import { disposableHttp } from './scripted-server.ts'
import type { Topology } from './topology.ts'

/** `host:port` under which the peers of an instance know it. */
export const peerAddress = (shoal: Topology, id: string): string => shoal.url(id, 'peer').replace('http://', '')

/** Checks, again and again, where the peers are that the first tracker names for the blob. */
async function untilPeers(shoal: Topology, digest: string, check: (named: readonly string[]) => void): Promise<void> {
  await using http = disposableHttp()
  const tracker = adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
  await eventually(async () => {
    const { peers } = await tracker.swarm({ swarm: digest })
    check(peers.map(({ host, port }) => `${host}:${port}`))
  })
}

/**
 * Resolves when the first tracker names these agents for the blob. An agent is healthy before it has told what it holds; who
 * pulls before that may never hear of it.
 */
export function untilNamed(shoal: Topology, digest: string, agents: readonly string[]): Promise<void> {
  const addresses = agents.map((id) => peerAddress(shoal, id))
  return untilPeers(shoal, digest, (named) =>
    expect(addresses.filter((address) => !named.includes(address))).toEqual([]),
  )
}

/** Resolves when the first tracker names the agent for the blob no longer. */
export function untilUnnamed(shoal: Topology, digest: string, agent: string): Promise<void> {
  return untilPeers(shoal, digest, (named) => expect(named).not.toContain(peerAddress(shoal, agent)))
}
