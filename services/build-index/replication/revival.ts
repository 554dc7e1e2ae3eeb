import type { AbortOptions, Clock } from '../../../lib/base/index.ts'
import type { Journal, Task } from '../../../lib/journal/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { REPLICATE, remoteOf, targetOf } from './executor.ts'
import type { Follower } from './follower.ts'
import type { HeldStatuses } from './status.ts'
import { newStatus } from './tag-status.ts'

/** Pause between two looks at the dead tasks of a shard. */
const LOOK_MS = 60_000
/** So much of the time that a task has been there before it was given up, it rests. */
const REST_PART = 0.125
/** Tasks of one remote that one look revives. */
const MAX_REVIVED = 10

export interface RevivalComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly statuses: HeldStatuses
  readonly followers: ReadonlyMap<string, Follower>
}

/** Tasks that were given up are tried again, slowly, when their remote answers: what kept them may be over. */
export interface Revival {
  look(options: AbortOptions): Promise<void>
}

export function revival(
  components: RevivalComponents,
  journal: Journal,
  { reviveMs }: { readonly reviveMs: number },
): Revival {
  const { clock, followers } = components
  let nextMs = clock.monotonicMs() + LOOK_MS
  return {
    async look(options) {
      if (clock.monotonicMs() < nextMs) return
      nextMs = clock.monotonicMs() + LOOK_MS
      const byRemote = new Map<string, Task[]>()
      for (const task of deadTasks(journal)) {
        if (clock.now() - task.dueAtMs < restMs(task, reviveMs)) continue
        const name = remoteOf(task)
        byRemote.set(name, [...(byRemote.get(name) ?? []), task])
      }
      for (const [name, tasks] of byRemote) {
        const follower = followers.get(name)
        if (follower !== undefined && !(await follower.answers(options))) continue
        const oldest = tasks.sort((a, b) => a.dueAtMs - b.dueAtMs).slice(0, MAX_REVIVED)
        for (const task of oldest) await tryRevive(components, journal, task, options)
      }
    },
  }
}

/** A part of the time since it was added; so the pauses grow. */
const restMs = ({ dueAtMs, createdAtMs }: Task, leastMs: number) =>
  Math.max(leastMs, (dueAtMs - createdAtMs) * REST_PART)

function* deadTasks(journal: Journal): Iterable<Task> {
  for (let after = ''; ; ) {
    const { tasks, next } = journal.list({ state: 'dead', after })
    yield* tasks
    if (next === undefined) return
    after = next
  }
}

/** One that fails is tried again with the next look, and keeps no other one from being revived. */
async function tryRevive(
  components: RevivalComponents,
  journal: Journal,
  task: Task,
  options: AbortOptions,
): Promise<void> {
  try {
    await revive(components, journal, task, options)
  } catch (err) {
    if (options.signal?.aborted === true) throw err
    const message = 'a replication that was given up could not be tried again; the next look does'
    components.logger.warn(message, { key: task.key, err })
  }
}

async function revive(
  { statuses, clock, logger }: RevivalComponents,
  journal: Journal,
  { key }: Task,
  options: AbortOptions,
): Promise<void> {
  const target = targetOf({ key })
  const before = (await statuses.get(target, options)) ?? newStatus(target, clock.now())
  await statuses.set(target, { ...before, state: 'waiting', updatedAtMs: clock.now() }, options)
  await journal.add({ kind: REPLICATE, key, payload: {}, background: true })
  logger.info('a replication that was given up is tried again', { key })
}
