import type { TrackerControl, TrackerSettings } from '../../../lib/api/index.ts'
import { appError, type Clock, type Startable } from '../../../lib/base/index.ts'
import type { PeerAddress, PeerId } from '../../../lib/core/index.ts'
import type { IntervalPolicy } from '../announce-interval.ts'
import type { EventKind } from '../events/event-log.ts'
import { type PolicyName, policies, policyNames } from '../policy/policies.ts'
import type { ControlFile } from './control-file.ts'
import { type Mark, type Marks, marks } from './marks.ts'

/** Bans, and drains, each. */
const MAX_MARKS = 10_000

/** What holds now for announces. */
export interface EffectiveSettings extends IntervalPolicy {
  readonly policy: PolicyName
}

type Node = Pick<PeerAddress, 'host'> & { readonly peerId: PeerId }

/** What admins have said: in memory, and in a file before the answer. */
export interface Control extends Startable {
  /** Sets a mark, or takes it back when it is undefined. @throws MARK_UNKNOWN, CONTROL_FULL */
  mark(kind: MarkKind, target: string, mark: Mark | undefined): Promise<void>
  markOf(kind: MarkKind, node: Node): Mark | undefined
  marks(kind: MarkKind): readonly Mark[]
  /** Replaces all settings of admins. @throws BODY_INVALID */
  set(settings: TrackerSettings): Promise<void>
  readonly settings: TrackerSettings
  readonly now: EffectiveSettings
}

export type MarkKind = 'ban' | 'drain'
const endOf = { ban: 'unban', drain: 'undrain' } as const satisfies Record<MarkKind, EventKind>

export interface ControlComponents {
  readonly clock: Pick<Clock, 'now'>
  readonly file: ControlFile
  readonly onEvent: (kind: EventKind, facts: Readonly<Record<string, unknown>>) => void
}

/** `defaults` are those of the config. The start reads the file. @throws CONFIG_INVALID */
export function control({ clock, file, onEvent }: ControlComponents, defaults: EffectiveSettings): Control {
  let settings: TrackerSettings = {}
  let now = defaults
  let kept = marksFrom(clock, { bans: [], drains: [], settings })

  const state = (): TrackerControl => ({ bans: kept.ban.all(), drains: kept.drain.all(), settings })
  const apply = (given: TrackerSettings) => {
    now = effective(defaults, given)
    settings = given
  }
  return {
    async start() {
      const loaded = await file.load()
      kept = marksFrom(clock, loaded)
      try {
        apply(loaded.settings)
      } catch (err) {
        const message = 'what an admin has set no longer fits the config; remove it from settings in control.json'
        throw appError('CONFIG_INVALID', { message, cause: err })
      }
    },
    stop: () => Promise.resolve(),
    async mark(kind, target, mark) {
      const before = kept[kind].all().find((each) => each.target === target)
      if (mark !== undefined) kept[kind].set(mark)
      else if (!kept[kind].remove(target)) throw appError('MARK_UNKNOWN', { detail: { target } })
      await file.save(state()).catch((err: unknown) => {
        // What is not kept does not hold.
        if (before === undefined) kept[kind].remove(target)
        else kept[kind].set(before)
        throw err
      })
      onEvent(mark === undefined ? endOf[kind] : kind, mark === undefined ? { target } : { ...mark })
    },
    markOf: (kind, node) => kept[kind].of(node),
    marks: (kind) => kept[kind].all(),
    async set(given) {
      const wanted = effective(defaults, given)
      await file.save({ ...state(), settings: given })
      now = wanted
      settings = given
      onEvent('settings', { ...given })
    },
    get settings() {
      return settings
    },
    get now() {
      return now
    },
  }
}

const marksFrom = (clock: Pick<Clock, 'now'>, { bans, drains }: TrackerControl): Readonly<Record<MarkKind, Marks>> => ({
  ban: marks(clock, { max: MAX_MARKS, first: bans }),
  drain: marks(clock, { max: MAX_MARKS, first: drains }),
})

/** @throws BODY_INVALID */
function effective(defaults: EffectiveSettings, given: TrackerSettings): EffectiveSettings {
  const policy = given.policy ?? defaults.policy
  if (!isPolicy(policy)) {
    throw appError('BODY_INVALID', { message: `there is no such policy; known are: ${policyNames.join(', ')}` })
  }
  const now = {
    policy,
    perSecond: given.perSecond ?? defaults.perSecond,
    minMs: given.minIntervalMs ?? defaults.minMs,
    maxMs: given.maxIntervalMs ?? defaults.maxMs,
  }
  if (now.minMs > now.maxMs)
    throw appError('BODY_INVALID', { message: 'minIntervalMs must not be above maxIntervalMs' })
  return now
}

const isPolicy = (name: string): name is PolicyName => Object.hasOwn(policies, name)
