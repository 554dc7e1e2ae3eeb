import type { ScheduleBody } from '../../../lib/api/index.ts'
import type { FakeClock, Random } from '../../../lib/base/index.ts'
import { parseGrant } from '../../../lib/identity/index.ts'
import { dragonflyStore } from '../../../services/manager/adapters/dragonfly-store.ts'
import { clusterStore } from '../../../services/manager/clusters/cluster-store.ts'
import { joinTokenStore } from '../../../services/manager/clusters/join-token-store.ts'
import { memberStore } from '../../../services/manager/clusters/member-store.ts'
import { seal, sharedKey } from '../../../services/manager/clusters/seal.ts'
import type { ManagerDatabase } from '../../../services/manager/database/index.ts'
import { scheduleStore } from '../../../services/manager/jobs/schedules/schedule-store.ts'
import { linkList } from '../../../services/manager/people/links.ts'
import { passwords } from '../../../services/manager/people/passwords.ts'
import { roleList } from '../../../services/manager/people/roles.ts'
import { callingUserOf } from '../../../services/manager/people/sessions.ts'
import { tokenList } from '../../../services/manager/people/tokens.ts'
import { userList } from '../../../services/manager/people/users.ts'
import { registryUserStore } from '../../../services/manager/registry/user-store.ts'
import { relationStore } from '../../../services/manager/relations/relation-store.ts'
import { settingsLab } from './settings-lab.ts'
import { simulatedFleet } from './simulated-fleet.ts'

const root = { actor: 'admin', kind: 'secret', grants: [{ resource: '*', action: '*' }] } as const
const DAY_MS = 86_400_000

interface Components {
  readonly database: ManagerDatabase
  readonly clock: FakeClock
  readonly random: Random
}

/** Users with a password and of a provider, a role of our own, tokens and invitations. */
export async function fillPeople(components: Components): Promise<void> {
  const { database, clock } = components
  const password = await passwords({ cost: 4, block: 1, parallel: 1 }).hash('correct horse battery', {})
  const grants = [{ resource: 'jobs', action: 'write' }] as const
  await roleList(components).set(root, { name: 'warmer', what: 'preheats', grants: [...grants] }, () => undefined)
  const users = userList(components)
  await users.create(root, { name: 'ada', roles: ['admin', 'warmer'], password })
  await users.create(root, { name: 'corp', roles: ['reader'], provider: { name: 'corp', subject: 's-1' } })
  await users.change(root, 'corp', { disabled: true }, () => undefined)
  const row = await database.read.selectFrom('users').selectAll().where('name', '=', 'ada').executeTakeFirstOrThrow()
  const { user } = await callingUserOf(database.read, row)
  const token = { name: 'ci', grants: [...grants], expiresAtMs: clock.now() + DAY_MS }
  await tokenList(components, { longest: 10 * DAY_MS }).create(root, user, token)
  await linkList(components).invites.make(root, ['reader'])
}

/** Two clusters, and a tracker that has joined one of them; their ids. */
export async function fillClusters(components: Components): Promise<readonly string[]> {
  const clusters = clusterStore(components)
  const scopes = { zones: ['a'], cidrs: ['10.0.0.0/8'] }
  const { id: clusterId } = await clusters.create(root.actor, { name: 'one', isDefault: true, scopes })
  const other = await clusters.create(root.actor, { name: 'two' })
  const { kept } = await joinTokenStore(components).create(root.actor, { clusterId, name: 'first', uses: 3 })
  const sealed = seal(sharedKey('secret-of-a-fixture'), components.random)
  const members = memberStore({ ...components, seal: () => sealed })
  const urls = { ops: 'http://127.0.0.1:1', admin: 'http://127.0.0.1:2', http: 'http://127.0.0.1:3' }
  const body = { kind: 'tracker', member: 'tracker-1', key: 'k'.repeat(32), version: '1', uptimeMs: 0, urls } as const
  const { credential = '' } = await members.join(body, kept)
  await members.heartbeat({ credential, version: '2', uptimeMs: 7, capacity: { blobs: 1 } })
  return [clusterId, other.id]
}

/** Schedules by time and by pushes, and what tools of Dragonfly know. */
export async function fillJobs(components: Components, clusters: readonly string[]): Promise<void> {
  const schedules = scheduleStore(components)
  const job: ScheduleBody['job'] = { kind: 'preheat', targets: ['team/app:1'], clusters: ['one'] }
  await schedules.set('nightly', { cron: '0 3 * * *', job }, root)
  await schedules.set('pushed', { onPush: { repository: 'team/*', tag: 'v*' }, job }, root)
  await dragonflyStore(components.database).numbers(clusters)
}

/** Settings of two versions, and a roll-out on its way. */
export async function fillSettings({ database, clock }: Components): Promise<void> {
  const lab = settingsLab({ database }, clock)
  await lab.identity.start()
  const fleet = simulatedFleet({ clock, clusters: { one: 4 } })
  await lab.set({ 'limits.download': '20MB/s' })
  await lab.round(fleet)
  fleet.live(5)
  await lab.set({ 'limits.download': '10MB/s' }, { steps: [{ hosts: 1 }, { percent: 100 }] })
  for (let i = 0; i < 3; i += 1) {
    await lab.round(fleet)
    clock.stall(10_000)
    fleet.live(1)
  }
}

/** A user and a token of registries. */
export async function fillRegistry(components: Components, [cluster = '']: readonly string[]): Promise<void> {
  const users = registryUserStore(components)
  const grants = [parseGrant('team/*=pull,push')]
  await users.create(root.actor, { name: 'ann', kind: 'user', grants, clusters: [cluster], note: 'hers' })
  await users.create(root.actor, { name: 'ci', kind: 'token', grants, expiresAtMs: components.clock.now() + DAY_MS })
}

/** The first cluster replicates to the second. */
export async function fillRelations(components: Components, [from = '', to = '']: readonly string[]): Promise<void> {
  await relationStore(components).create(root.actor, {
    ...{ from: { id: from, name: 'one' }, to: { id: to, name: 'two' }, note: 'for release engineers' },
    ...{ rules: [{ repository: 'team/*', tag: 'v*' }], windows: [{ from: '22:00', to: '04:00' }] },
    ...{ urls: ['http://127.0.0.1:4'], bandwidth: 1_000_000 },
  })
}
