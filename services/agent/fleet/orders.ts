import { ordersClient } from '../../../lib/api/index.ts'
import { type Background, background, type Startable, slots } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { type CarryOutComponents, carryOut } from './carry-out.ts'
import { hostKey } from './host-key.ts'
import { type HostFacts, orderPolls } from './order-polls.ts'
import { orderTable } from './order-table.ts'

/** Orders of all trackers that fetch blobs at the same time, and others. */
const PRELOADS = 1
const QUICK = 4

export interface OrdersComponents extends Runtime, CarryOutComponents {
  readonly http: HttpClient
  readonly trackers: Cluster
}

export interface OrdersInit extends Omit<HostFacts, 'key'> {
  /** Where the key of the host lies. */
  readonly folder: string
}

/** Asks every tracker of the cluster for orders, and does them. */
export function orders(components: OrdersComponents, { folder, ...facts }: OrdersInit): Startable {
  const { trackers, http, logger, metrics } = components
  const done = metrics.counter(
    { name: 'shoal_agent_orders_total', help: 'Orders of trackers, by kind and by how they ended.' },
    ['kind', 'outcome'],
  )
  const lanes = { preload: slots(PRELOADS), quick: slots(QUICK) }
  const work = carryOut(components)
  let tasks: Background = background(() => undefined)
  let key = ''
  const polls = trackers.members.map(({ id, url }) =>
    orderPolls({
      ...components,
      logger: logger.child({ tracker: id }),
      client: ordersClient(http, url),
      facts: () => ({ ...facts, key }),
      table: (onChanged) =>
        orderTable({
          ...{ carryOut: work, lanes, logger },
          tasks: { run: (...task) => tasks.run(...task) },
          onEnded({ kind }, outcome) {
            done.with({ kind, outcome }).add()
            onChanged()
          },
        }),
    }),
  )
  return {
    async start() {
      key = await hostKey(components, folder)
      tasks = background((task, err) => logger.error('background task failed', { task, err }))
      for (const each of polls) await each.start()
    },
    async stop() {
      await Promise.all(polls.map((each) => each.stop()))
      await tasks.stop()
    },
  }
}
