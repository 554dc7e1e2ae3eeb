import { type OrdersClient, ordersClient, type Steered } from '../../../lib/api/index.ts'
import { appError, type Background, background, type Startable, slots } from '../../../lib/base/index.ts'
import { type Cluster, type MemberClient, memberClients } from '../../../lib/cluster/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { pullAnswer } from '../pull-answers.ts'
import type { PullLog } from '../pull-log.ts'
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
  readonly steered: Steered
  readonly pulls: Pick<PullLog, 'find' | 'get'>
}

export interface OrdersInit extends Omit<HostFacts, 'key'> {
  /** Where the key of the host lies. */
  readonly folder: string
}

/** Asks every tracker of the cluster for orders, whoever comes and goes, and does them. */
export function orders(components: OrdersComponents, { folder, ...facts }: OrdersInit): Startable {
  const { trackers, http, logger, metrics, steered, pulls } = components
  const done = metrics.counter(
    { name: 'shoal_agent_orders_total', help: 'Orders of trackers, by kind and by how they ended.' },
    ['kind', 'outcome'],
  )
  const lanes = { preload: slots(PRELOADS), quick: slots(QUICK) }
  const work = carryOut(components)
  let tasks: Background = background(() => undefined)
  let key = ''
  const clients = memberClients(trackers, (url) => ordersClient(http, url))
  const pollsOf = (id: string) => {
    const client = clientOf(clients, id)
    return orderPolls({
      ...components,
      client,
      logger: logger.child({ tracker: id }),
      onQuestion: (question) =>
        tasks.run('answer what is asked of pulls', (signal) =>
          client.tell({ ...pullAnswer(pulls, question), key }, { signal }),
        ),
      facts: () => ({ ...facts, key }),
      steered: {
        report: () => steered.report(),
        hear: (asked, word) => steered.hear(id, { asked, word }, membersOf(trackers)),
      },
      table: (onChanged) =>
        orderTable({
          ...{ carryOut: work, lanes, logger },
          tasks: { run: (...task) => tasks.run(...task) },
          onEnded({ kind }, outcome) {
            done.with({ kind, outcome }).add()
            onChanged()
          },
        }),
    })
  }
  const polls = new Map<string, Startable>()
  const follow = () => followTrackers(trackers, polls, { pollsOf, tasks })
  let unfollow: (() => void) | undefined
  return {
    async start() {
      key = await hostKey(components, folder)
      tasks = background((task, err) => logger.error('background task failed', { task, err }))
      follow()
      unfollow ??= trackers.onChange(follow)
    },
    async stop() {
      unfollow?.()
      unfollow = undefined
      const asking = [...polls.values()]
      polls.clear()
      await Promise.all(asking.map((each) => each.stop()))
      await tasks.stop()
      await steered.settled()
    },
  }
}

const membersOf = ({ members }: Pick<Cluster, 'members'>) => members.map(({ id }) => id)

/** A tracker that moves is the same one at another address: it has given the orders that are in hand. */
const clientOf = (clients: MemberClient<OrdersClient>, id: string): OrdersClient => ({
  poll: async (...asked) => theOne(clients, id).poll(...asked),
  tell: async (...said) => theOne(clients, id).tell(...said),
})

/** @throws NO_HEALTHY_MEMBER */
function theOne(clients: MemberClient<OrdersClient>, id: string): OrdersClient {
  const client = clients.at(id)
  if (client === undefined) throw appError('NO_HEALTHY_MEMBER', { message: `the tracker ${id} is gone` })
  return client
}

interface Following {
  readonly pollsOf: (id: string) => Startable
  readonly tasks: Background
}

/** Begins to ask trackers that have come, and ends it for those that have gone. */
function followTrackers(
  trackers: Pick<Cluster, 'members'>,
  polls: Map<string, Startable>,
  { pollsOf, tasks }: Following,
): void {
  const ids = new Set(trackers.members.map(({ id }) => id))
  for (const [id, each] of polls) {
    if (ids.has(id) || !polls.delete(id)) continue
    tasks.run('stop asking a tracker', () => each.stop())
  }
  for (const id of ids) {
    if (polls.has(id)) continue
    const each = pollsOf(id)
    polls.set(id, each)
    tasks.run('begin asking a tracker', () => each.start())
  }
}
