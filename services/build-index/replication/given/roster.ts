import type { Startable } from '../../../../lib/base/index.ts'
import type { Follower } from '../follower.ts'
import { type Remote, withRules } from '../remote.ts'
import type { RemotePlan } from './remote-plan.ts'

export interface RosterComponents {
  readonly hooks: ReadonlyMap<string, Follower>
  readonly make: (name: string, plan: RemotePlan) => Remote
}

interface Entry {
  readonly remote: Remote
  readonly sameness: string
}

/** The followers by name, as the last plan has them. Only `change` changes them, which is called by one at a time. */
export interface Roster extends Startable {
  readonly remotes: ReadonlyMap<string, Remote>
  /** The remotes, and the webhooks. */
  readonly all: ReadonlyMap<string, Follower>
  /**
   * Those that are new are started first; then all changes in one step, for which `inStep` is called; then those that are
   * gone are stopped. A remote of which the rules alone are others goes on with what it does.
   */
  change(plans: ReadonlyMap<string, RemotePlan>, inStep: () => void): Promise<void>
}

export function roster({ hooks, make }: RosterComponents, first: ReadonlyMap<string, RemotePlan>): Roster {
  let entries = new Map<string, Entry>()
  let isRunning = false
  const remotes = new Map<string, Remote>()
  const all = new Map<string, Follower>()

  const entryOf = (name: string, plan: RemotePlan): Entry => {
    const { sameness } = plan
    const before = entries.get(name)
    const isSame = before?.sameness === sameness
    return { sameness, remote: isSame ? withRules(before.remote, plan.rules) : make(name, plan) }
  }
  const take = (next: Map<string, Entry>) => {
    entries = next
    remotes.clear()
    all.clear()
    for (const [name, { remote }] of next) remotes.set(name, remote)
    for (const [name, follower] of [...remotes, ...hooks]) all.set(name, follower)
  }
  const planned = (plans: ReadonlyMap<string, RemotePlan>) =>
    new Map([...plans].map(([name, plan]) => [name, entryOf(name, plan)] as const))
  take(planned(first))

  return {
    remotes,
    all,
    async change(plans, inStep) {
      const before = entries
      const next = planned(plans)
      const goesOn = (name: string) => before.get(name)?.sameness === next.get(name)?.sameness
      for (const [name, { remote }] of next) if (isRunning && !goesOn(name)) await remote.start()
      take(next)
      inStep()
      for (const [name, { remote }] of before) if (!goesOn(name)) await remote.stop()
    },
    async start() {
      isRunning = true
      for (const follower of all.values()) await follower.start()
    },
    async stop() {
      isRunning = false
      await Promise.all([...all.values()].map((follower) => follower.stop()))
    },
  }
}
