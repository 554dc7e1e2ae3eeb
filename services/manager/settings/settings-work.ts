import { type Rounds, rounds, throwIfAborted } from '../../../lib/base/index.ts'
import { afterLook } from './progress.ts'
import { followedTrackers, type PushAllComponents, type PushAllInit, pushAll } from './push-all.ts'
import type { Looked, RolloutWorkStore } from './rollout-work-store.ts'
import { isOfCluster, type Scope } from './scope.ts'
import { type ClusterSight, lookAtHosts, unseen } from './sight.ts'
import type { Rollout } from './slot.ts'
import { backLook, beginOf, joinedBy, lookOf } from './step-look.ts'

export interface SettingsWorkComponents extends PushAllComponents {
  readonly rollouts: RolloutWorkStore
}

export interface SettingsWorkInit {
  /** Between two looks at trackers and hosts. */
  readonly everyMs: number
}

/** So many times as long as looks take, it rests. */
const REST = 4

export interface SettingsRoundInit extends PushAllInit {
  readonly signal: AbortSignal
  /** Since when this manager looks. */
  readonly lookingSinceMs: number
}

/**
 * Gives trackers what they are to have, and then lets roll-outs go on as far as they can: what trackers have tells first
 * whether the database is an older copy. True when there is more to tell.
 */
export async function settingsRound(components: SettingsWorkComponents, init: SettingsRoundInit): Promise<boolean> {
  await pushAll(components, init)
  return goOn(components, init)
}

/** What the manager that has this duty does, again and again. */
export function settingsWork(components: SettingsWorkComponents, { everyMs }: SettingsWorkInit): Rounds {
  const { clock, logger, meters } = components
  const [lookingSinceMs, followed] = [Math.floor(clock.now()), followedTrackers(clock)]
  return rounds(clock, {
    async work(signal) {
      const startMs = clock.monotonicMs()
      if (await settingsRound(components, { signal, lookingSinceMs, followed })) return 0
      return Math.max(everyMs, (clock.monotonicMs() - startMs) * REST)
    },
    onFailure(err) {
      meters.failed()
      logger.warn('failed to bring settings to the trackers', { err })
    },
    retryMs: everyMs,
  })
}

/** Looks at each cluster of a scope at most once. One that has no tracker has no hosts that could be steered. */
function sights(components: SettingsWorkComponents, signal: AbortSignal) {
  const { clusters } = components
  const seen = new Map<string, Promise<ClusterSight>>()
  const sight = (cluster: string) => {
    const known = seen.get(cluster) ?? lookAtHosts(components, cluster, { signal })
    seen.set(cluster, known)
    return known
  }
  return (scope: Scope): Promise<readonly ClusterSight[]> => {
    const own = clusters.clusters().filter(({ id }) => isOfCluster(scope, id) && clusters.trackers(id).length > 0)
    return Promise.all(own.map(({ id, away }) => (away ? Promise.resolve(unseen(id)) : sight(id))))
  }
}

/** Lets all roll-outs go on as far as they can: one that cannot holds up no other. True when hosts are to be told more. */
async function goOn(
  components: SettingsWorkComponents,
  { signal, lookingSinceMs }: SettingsRoundInit,
): Promise<boolean> {
  const { rollouts, logger, meters } = components
  const look = sights(components, signal)
  const open = await rollouts.open()
  meters.open(open.map(({ progress }) => progress.state))
  let isNew = false
  for (const rollout of open) {
    try {
      const seen = await look(rollout.scope)
      isNew = (await goOnWith(components, rollout, { seen, lookingSinceMs })) || isNew
    } catch (err) {
      throwIfAborted(signal)
      meters.failed()
      logger.warn('failed to go on with a roll-out', { rollout: rollout.id, err })
    }
  }
  return isNew
}

interface Seen {
  readonly seen: readonly ClusterSight[]
  readonly lookingSinceMs: number
}

async function goOnWith(
  components: SettingsWorkComponents,
  rollout: Rollout,
  { seen, lookingSinceMs }: Seen,
): Promise<boolean> {
  const { rollouts, clock, logger, store } = components
  const { progress, id } = rollout
  if (progress.state === 'running' && !progress.begun) {
    const step = beginOf(rollout, seen, await store.wanted())
    if (step === undefined) return false
    await rollouts.begin(rollout, step)
    logger.info('a step of a roll-out begins', { rollout: id, step: progress.step, hosts: step.hosts.length })
    return true
  }
  const { look, joined } = await lookNow(components, rollout, seen)
  const nowMs = Math.floor(clock.now())
  const after = afterLook(progress, look, limitsOf(rollout), { nowMs, lookingSinceMs })
  if (!(await rollouts.looked(rollout, after, { look, joined }))) return false
  if (after.state !== progress.state) tellState(components, rollout, after.state, look)
  return after.state !== progress.state || after.step !== progress.step
}

async function lookNow(
  { rollouts, store }: SettingsWorkComponents,
  rollout: Rollout,
  seen: readonly ClusterSight[],
): Promise<Looked> {
  if (rollout.progress.state === 'rollingBack') return { look: backLook(rollout, seen), joined: [] }
  const bases = await rollouts.hosts(rollout.id)
  const joined = await joinedBy(rollout, seen, { bases, wanted: () => store.wanted() })
  return { look: lookOf(rollout, seen, [...bases, ...joined]), joined }
}

const limitsOf = ({ plan }: Rollout) => ({
  ...{ soakMs: plan.soakSeconds * 1000, applyMs: plan.applySeconds * 1000, maxRefused: plan.maxRefused },
  ...{ gonePerHundred: plan.gonePerHundred, rollBack: plan.rollBack },
})

function tellState({ logger, meters }: SettingsWorkComponents, { id }: Rollout, state: string, look: object): void {
  meters.ended(state)
  if (state === 'halted' || state === 'rollingBack')
    logger.warn('a roll-out has halted', { rollout: id, state, ...look })
  else logger.info('a roll-out has ended', { rollout: id, state })
}
