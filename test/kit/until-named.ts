import { expect } from '@jest/globals'
import { adminClient, trackerAdmin } from '../../lib/api/index.ts'
import { eventually } from './eventually.ts'
import { disposableHttp } from './scripted-server.ts'
import type { Topology } from './topology.ts'

/** `host:port` under which the peers of an instance know it. */
export const peerAddress = (shoal: Topology, id: string): string => shoal.url(id, 'peer').replace('http://', '')

/**
 * Resolves when the first tracker names these agents for the blob. An agent is healthy before it has told what it holds; who
 * pulls before that may never hear of it.
 */
export async function untilNamed(shoal: Topology, digest: string, agents: readonly string[]): Promise<void> {
  await using http = disposableHttp()
  const tracker = adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
  await eventually(async () => {
    const { peers } = await tracker.swarm({ swarm: digest })
    const named = peers.map(({ host, port }) => `${host}:${port}`)
    expect(agents.map((id) => peerAddress(shoal, id)).filter((address) => !named.includes(address))).toEqual([])
  })
}
