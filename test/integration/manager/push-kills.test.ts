import { expect, test } from '@jest/globals'
import { adminClient, buildIndexAdmin, managerApi, proxyAdmin } from '../../../lib/api/index.ts'
import { isAppError, seededRandom } from '../../../lib/base/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startTopology } from '../../kit/topology.ts'

// The long form: KILLS=50 npm run jest -- --selectProjects integration --testPathPatterns push-kills
const KILLS = Number(process.env['KILLS'] ?? 4)
const SEED = Number(process.env['SEED'] ?? 20_261_129)
/** Changes that are made until a kill, at most. */
const MOST_CHANGES = 6
const indexes = ['build-index-1', 'build-index-2']

/** A cluster with a manager that can be killed, and what is asked in it. */
const lab = () =>
  buildResource(async (own) => {
    const { path } = own.own(await tempFolder('push-kills'))
    const shoal = own.own(
      await startTopology({
        ...{ agents: 0, origins: 1, trackers: 1, managers: 1, joinToken: 'join-token-of-a-test-0123456789' },
        ...{
          processes: ['manager-1'],
          more: (kind) => (kind === 'buildIndex' ? { replication: { managed: {} } } : {}),
        },
        overrides: [...secretOverrides(), 'manager.clusters.heartbeat=500ms', `proxy.registry.access.managed=${path}`],
      }),
    )
    const http = own.own(disposableHttp({ token: everySecret.admin }))
    const proxy = adminClient(http, shoal.url('proxy-1', 'admin'), proxyAdmin)
    const admins = indexes.map((id) => adminClient(http, shoal.url(id, 'admin'), buildIndexAdmin))
    return {
      shoal,
      manager: adminClient(http, shoal.url('manager-1', 'admin'), managerApi),
      proxy: () => proxy.registryUsers({}),
      indexes: () => Promise.all(admins.map((admin) => admin.givenRemotes({}))),
    }
  })

/** Generations that only grow, as those who hold something tell them. */
function growing() {
  const last = new Map<string, number>()
  return (who: string, generation: number) => {
    expect(generation).toBeGreaterThanOrEqual(last.get(who) ?? 0)
    last.set(who, generation)
  }
}

test(
  'whenever a manager is killed, proxies and build-indexes get what it acknowledged last, and never what was before',
  async () => {
    process.stdout.write(`${KILLS} kills of a manager that gives users and relations, seed ${SEED}\n`)
    const random = seededRandom(SEED)
    await using all = await lab()
    const { shoal, manager } = all
    await manager.createCluster({ body: { name: 'far' } })
    const rules = [{ repository: 'team/*', tag: '*' }]
    await manager.createRelation({ body: { from: 'herd', to: 'far', rules, urls: ['http://127.0.0.1:1'] } })
    await manager.createRegistryUser({ body: { name: 'ann', kind: 'user', grants: [] } })
    const grew = growing()
    const look = async () => {
      grew('proxy-1', (await all.proxy()).generation)
      for (const [i, { generation }] of (await all.indexes()).entries()) grew(indexes[i] ?? '', generation)
    }
    let acknowledged = 0
    let tried = 0
    /** Both of them are changed again and again, until the manager is gone. */
    const changing = async (most: number) => {
      for (let i = 0; i < most; i += 1) {
        tried += 1
        const note = `change ${tried}`
        const body = { concurrency: (tried % 64) + 1, note }
        try {
          await manager.changeRelation({ relation: 'herd:far', body })
          await manager.changeRegistryUser({ user: 'ann', body: { disabled: tried % 2 === 0, note } })
          acknowledged = tried
        } catch (err) {
          if (!isAppError(err) || !err.retryable) throw err
          return
        }
      }
    }
    for (let kill = 0; kill < KILLS; kill += 1) {
      const work = changing(1 + Math.floor(random.next() * MOST_CHANGES))
      await look()
      if (random.next() < 0.5) await work
      await shoal.kill('manager-1')
      await work
      await look()
      await shoal.start('manager-1')
    }
    await eventually(async () => {
      await changing(1)
      expect(acknowledged).toBe(tried)
    })
    await eventually(
      async () => {
        await look()
        const [users, states] = [await manager.registryProxies({}), await manager.relationStates({})]
        expect([users.applied, users.of, states.applied, states.of]).toEqual([1, 1, 2, 2])
      },
      { timeoutMs: 60_000 },
    )
    const { users } = await all.proxy()
    expect(users).toMatchObject([{ name: 'ann', disabled: tried % 2 === 0 }])
    for (const { by, remotes } of await all.indexes())
      expect([by, remotes]).toMatchObject(['manager', [{ name: 'far', rules, concurrency: (tried % 64) + 1 }]])
  },
  120_000 + KILLS * 30_000,
)
