import { join } from 'node:path'
import { expect } from '@jest/globals'
import { adminClient, type JobBody, ordersClient, trackerAdmin } from '../../lib/api/index.ts'
import { loadConfig } from '../../lib/config/index.ts'
import { digestOf } from '../../lib/core/index.ts'
import { recordingLogger, silentMetrics } from '../../lib/telemetry/index.ts'
import { trackerDoor } from '../../services/tracker/index.ts'
import { eventually } from './eventually.ts'
import { type OrderHostInit, orderHost } from './order-host.ts'
import { buildResource, type ResourceStack } from './resource-stack.ts'
import { disposableHttp } from './scripted-server.ts'
import { everySecret } from './secrets.ts'
import { tempFolder } from './temp-folder.ts'
import { testPorts } from './test-ports.ts'

export const target = digestOf(Buffer.from('a blob that hosts are asked for'))
const CONNECTIONS = 1_200
/** A thousand hosts in one process need minutes on a busy machine; a job says itself how long it may take. */
const AS_LONG_AS_A_JOB = { timeoutMs: 300_000 }

/** What hosts and an admin do at a tracker. */
export function orderCallers(
  stack: ResourceStack,
  url: { readonly http: string; readonly admin: string },
  secrets: boolean,
) {
  const client = (token: string) =>
    stack.own(disposableHttp({ connectionsPerOrigin: CONNECTIONS, ...(secrets && { token }) }))
  const [node, admin] = [client(everySecret.node), client(everySecret.admin)]
  const api = adminClient(admin, url.admin, trackerAdmin)
  const orders = ordersClient(node, url.http)
  return {
    ...{ api, url },
    watcher: adminClient(client(everySecret.adminRead), url.admin, trackerAdmin),
    client: (token: string) => ordersClient(client(token), url.http),
    host: (init: OrderHostInit, from = orders) => stack.own(orderHost(from, init)),
    gathered: (count: number) =>
      eventually(async () => expect(await api.statistics({})).toMatchObject({ listening: count }), AS_LONG_AS_A_JOB),
    order: async (body: Partial<JobBody>) =>
      (await api.order({ body: { kind: 'query', target, all: true, ...body } })).id,
    ended: (id: string) =>
      eventually(async () => {
        const job = await api.job({ id })
        expect(job.endedAtMs).toBeDefined()
        return job
      }, AS_LONG_AS_A_JOB),
  }
}

/** A tracker with secrets that may open many files. */
export function orderTracker() {
  return buildResource(async (stack) => {
    const { path } = stack.own(await tempFolder('orders'))
    const ports = (await testPorts(3)).take(0, { http: 0, ops: 0, admin: 0 })
    const { node, admin, adminRead } = everySecret
    const overrides = [
      ...Object.entries(ports).map(([name, port]) => `${name}.bind=127.0.0.1:${port}`),
      `folder=${JSON.stringify(join(path, 'tracker'))}`,
      `secrets=${JSON.stringify({ node, admin, adminRead })}`,
      'fleet.gather=0s',
    ]
    const config = await loadConfig(trackerDoor.schema, { overrides })
    const parts = { logger: recordingLogger(), metrics: silentMetrics(), openFiles: 100_000 }
    const service = trackerDoor.make(parts, config)
    await service.start()
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    const url = { http: `http://127.0.0.1:${ports['http']}`, admin: `http://127.0.0.1:${ports['admin']}` }
    return orderCallers(stack, url, true)
  })
}
