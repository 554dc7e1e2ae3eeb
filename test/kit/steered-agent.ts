import { expect } from '@jest/globals'
import { adminClient, trackerAdmin } from '../../lib/api/index.ts'
import { eventually } from './eventually.ts'
import { buildResource } from './resource-stack.ts'
import { disposableHttp } from './scripted-server.ts'
import type { Topology } from './topology.ts'

export interface SteeredAgent {
  /** Gives these values to all agents, by the first tracker; resolves when it has said what came of it. */
  steer(values: Readonly<Record<string, unknown>>): Promise<{ readonly state: string; readonly message?: string }>
}

/** What a manager would do for the only agent of a cluster. */
export const steeredAgent = (shoal: Topology) =>
  buildResource<SteeredAgent>(async (stack) => {
    const http = stack.own(disposableHttp())
    let generation = 0
    const tracker = () => adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
    return {
      async steer(values) {
        generation += 1
        const layer = { id: 'all', kind: 'agent' as const, generation, scope: { all: true as const }, values }
        await tracker().steer({ body: { manager: 'test', generation, layers: [layer] } })
        return eventually(async () => {
          const { hosts } = await tracker().steeringHosts({ kind: 'agent' })
          expect(hosts).toEqual([expect.objectContaining({ state: expect.stringMatching(/^(?:applied|failed)$/) })])
          const [{ state, message } = { state: 'away' }] = hosts
          return { state, ...(message !== undefined && { message }) }
        })
      },
    }
  })
