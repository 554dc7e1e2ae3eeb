import type { Startable } from '../../../lib/base/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { IndexRecords } from '../index-records.ts'
import type { RemoteConfig, ReplicationConfig, WebhookConfig } from './config.ts'
import type { Follower } from './follower.ts'
import { type FollowerChanges, noChanges } from './follower-changes.ts'
import { type GivenRemotes, givenRemotes } from './given/given-remotes.ts'
import { nothingKept } from './given/kept-remotes.ts'
import { liveFollowers } from './given/live-followers.ts'
import { planRemotes, type RemotePlan } from './given/remote-plan.ts'
import { roster } from './given/roster.ts'
import { type Remote, remoteCluster } from './remote.ts'
import { type Webhook, webhook } from './webhook.ts'

/** Whoever follows the tags of a cluster. The maps are those of now, as long as the service runs. */
export interface Followers {
  readonly remotes: ReadonlyMap<string, Remote>
  readonly hooks: ReadonlyMap<string, Webhook>
  /** The remotes and the webhooks. */
  readonly all: ReadonlyMap<string, Follower>
  readonly changes: FollowerChanges
  /** Starts and stops all of them. Undefined: there is none, and there never will be. */
  readonly following: Startable | undefined
  /** Undefined where the config does not let anybody give remotes. */
  readonly given: GivenRemotes | undefined
}

/** The keys of a config that name followers. */
export interface FollowersConfig {
  /** Name of this cluster. */
  readonly cluster: string
  readonly remotes: Readonly<Record<string, RemoteConfig>>
  readonly webhooks: Readonly<Record<string, WebhookConfig>>
  readonly replication: Pick<ReplicationConfig, 'managed'>
}

/** `records`: where given remotes lie; undefined without a backend that has conditional writes. */
export function openFollowers(
  runtime: Runtime,
  { cluster, remotes: config, webhooks, replication: { managed } }: FollowersConfig,
  { records }: { readonly records: IndexRecords | undefined },
): Followers {
  const hooks = new Map(Object.entries(webhooks).map(([name, hook]) => [name, webhook(runtime, name, hook)]))
  const make = (name: string, { from, rules, config: remote }: RemotePlan) =>
    remoteCluster(runtime, { ownCluster: cluster, name, from, rules }, remote)
  const init = { config, managed, taken: (name: string) => hooks.has(name) }
  if (managed === undefined || records === undefined) {
    const fixed = roster({ hooks, make }, planRemotes(init, nothingKept))
    const { remotes, all } = fixed
    const following = all.size === 0 && managed === undefined ? undefined : fixed
    return { remotes, hooks, all, changes: noChanges(), following, given: undefined }
  }
  const live = liveFollowers({ ...runtime, records, hooks, make }, init)
  const { remotes, all } = live
  return {
    ...{ remotes, hooks, all, changes: live, following: live },
    given: givenRemotes({ clock: runtime.clock, followers: live, hooks }),
  }
}
