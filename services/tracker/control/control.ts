import { type ControlEntry, policyNames, type TrackerSettings } from '../../../lib/api/index.ts'
import { appError, type Clock, type Startable } from '../../../lib/base/index.ts'
import type { PeerAddress, PeerId } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { IntervalPolicy } from '../announce-interval.ts'
import type { EventKind } from '../events/event-log.ts'
import type { PolicyName } from '../policy/policies.ts'
import { isOver, nameOf } from './control-ends.ts'
import type { ControlFile } from './control-file.ts'
import { type ControlWords, controlWords, isLater, versionNow } from './control-words.ts'
import { type Mark, marks } from './marks.ts'

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
  mark(kind: MarkKind, target: string, mark: Mark | undefined): Promise<ControlEntry>
  markOf(kind: MarkKind, node: Node): Mark | undefined
  marks(kind: MarkKind): readonly Mark[]
  /**
   * Replaces all settings of admins. `check` is called when nothing else is being changed.
   * @throws BODY_INVALID, and what `check` throws
   */
  set(settings: TrackerSettings, check?: () => void): Promise<ControlEntry>
  /**
   * Takes what admins have said to other trackers, where it is later than what is here. What does not fit here is left
   * out, and the rest holds. @throws CONTROL_FULL, BODY_INVALID in that case
   */
  learn(entries: readonly ControlEntry[]): Promise<void>
  /**
   * What a manager wants counts more than what admins have said; it replaces what it wanted before.
   * @throws BODY_INVALID when it does not fit what the config says, and nothing changes
   */
  steer(settings: TrackerSettings): void
  readonly settings: TrackerSettings
  readonly now: EffectiveSettings
  readonly words: Pick<ControlWords, 'behind' | 'hash'>
}

export type MarkKind = 'ban' | 'drain'
const endOf = { ban: 'unban', drain: 'undrain' } as const satisfies Record<MarkKind, EventKind>

export interface ControlComponents {
  readonly clock: Pick<Clock, 'now'>
  readonly file: ControlFile
  readonly logger: Pick<Logger, 'warn'>
  readonly onEvent: (kind: EventKind, facts: Readonly<Record<string, unknown>>) => void
  /** The name of this tracker among the others. */
  readonly member: string
}

interface Fitting {
  readonly fits: readonly ControlEntry[]
  readonly failures: readonly unknown[]
}

/** What holds now, by the words that were applied. */
function inForce({ clock, onEvent }: Pick<ControlComponents, 'clock' | 'onEvent'>, defaults: EffectiveSettings) {
  const kept = { ban: marks(clock, { max: MAX_MARKS }), drain: marks(clock, { max: MAX_MARKS }) }
  const held: { settings: TrackerSettings; steered: TrackerSettings; now: EffectiveSettings } = {
    ...{ settings: {}, steered: {}, now: defaults },
  }
  const hold = (changed: Partial<typeof held>) => {
    Object.assign(held, changed)
    held.now = together(defaults, held.settings, held.steered)
  }
  return {
    kept,
    held,
    /** Those that fit if they are taken together, in this order; and what is wrong with the others. */
    fitting(entries: readonly ControlEntry[]): Fitting {
      const room = { ban: kept.ban.room(), drain: kept.drain.room() }
      const failures: unknown[] = []
      const fits = entries.filter((entry) => {
        const { kind, target, mark, settings = {} } = entry
        try {
          if (kind === 'settings') effective(defaults, settings)
          else if (mark !== undefined && !isOver(entry, clock.now())) room[kind].take(mark.target)
          else room[kind].free(target)
          return true
        } catch (err) {
          failures.push(err)
          return false
        }
      })
      return { fits, failures }
    },
    /** @throws CONTROL_FULL, BODY_INVALID when it does not fit */
    apply(entry: ControlEntry): void {
      const { kind, target, mark, settings = {} } = entry
      if (kind === 'settings') hold({ settings })
      else if (mark !== undefined && !isOver(entry, clock.now())) kept[kind].set(mark)
      else kept[kind].remove(target)
    },
    /** @throws BODY_INVALID */
    steer(steered: TrackerSettings): void {
      effective(defaults, steered)
      hold({ steered })
    },
    tell(entry: ControlEntry): void {
      const { kind, target, mark, settings } = entry
      if (kind === 'settings') onEvent('settings', { ...settings })
      else if (mark !== undefined && !isOver(entry, clock.now())) onEvent(kind, { ...mark })
      else onEvent(endOf[kind], { target })
    },
  }
}

/**
 * `defaults` are those of the config. The start reads the file; what does not fit, it logs and leaves out.
 * @throws CONFIG_INVALID when the file cannot be read
 */
export function control(components: ControlComponents, defaults: EffectiveSettings): Control {
  const { clock, file, logger, member } = components
  const words = controlWords(clock)
  const force = inForce(components, defaults)
  const { kept, held } = force
  const { inTurn, settled } = turns()
  /** What is not kept does not hold. */
  const take = async (entries: readonly ControlEntry[]) => {
    const replaced = new Set(entries.map(nameOf))
    await file.save([...[...words.behind('')].filter((entry) => !replaced.has(nameOf(entry))), ...entries])
    for (const entry of entries) {
      force.apply(entry)
      words.take(entry)
      force.tell(entry)
    }
  }
  const say = async (said: Omit<ControlEntry, 'version'>): Promise<ControlEntry> => {
    const entry = { ...said, version: versionNow(clock.now(), member, words.of(said.kind, said.target)) }
    const { failures } = force.fitting([entry])
    if (failures.length > 0) throw failures[0]
    await take([entry])
    return entry
  }
  /** Takes those that fit. @throws what is wrong with the first one that does not */
  const learnFitting = async (entries: readonly ControlEntry[]) => {
    const { fits, failures } = force.fitting(entries)
    if (fits.length > 0) await take(fits)
    if (failures.length > 0) throw failures[0]
  }
  return {
    async start() {
      loadFitting(await file.load(), { force, words, logger })
    },
    stop: settled,
    mark: (kind, target, mark) =>
      inTurn(() => {
        const isKnown = kept[kind].all().some((each) => each.target === target)
        if (mark === undefined && !isKnown) throw appError('MARK_UNKNOWN', { detail: { target } })
        return say({ kind, target, ...(mark !== undefined && { mark }) })
      }),
    markOf: (kind, node) => kept[kind].of(node),
    marks: (kind) => kept[kind].all(),
    set: (given, check) =>
      inTurn(() => {
        check?.()
        return say({ kind: 'settings', target: '', settings: given })
      }),
    steer: (wanted) => force.steer(wanted),
    learn: (entries) => inTurn(() => learnFitting(words.later(entries))),
    words,
    get settings() {
      return held.settings
    },
    get now() {
      return held.now
    },
  }
}

/** One after the other; what fails holds up nobody. */
function turns() {
  let last: Promise<unknown> = Promise.resolve()
  return {
    inTurn: <T>(work: () => Promise<T>): Promise<T> => {
      const done = last.then(work)
      last = done.catch(() => undefined)
      return done
    },
    settled: async (): Promise<void> => {
      await last
    },
  }
}

/** Of marks that are too many, those that were said last are left out, as if they were said now. */
function loadFitting(
  entries: readonly ControlEntry[],
  {
    force,
    words,
    logger,
  }: {
    readonly force: ReturnType<typeof inForce>
    readonly words: ControlWords
    readonly logger: ControlComponents['logger']
  },
): void {
  const { fits, failures } = force.fitting(entries.toSorted(byVersion))
  for (const entry of fits) {
    force.apply(entry)
    words.take(entry)
  }
  const left = { words: failures.length, err: failures[0] }
  if (left.words > 0) logger.warn('what admins have said no longer fits, and is left out', left)
  const forgotten = fits.length - words.size
  if (forgotten > 0) logger.warn('too much of what admins have said is over, and is forgotten', { words: forgotten })
}

const byVersion = (a: ControlEntry, b: ControlEntry): number => (isLater(a.version, b.version) ? 1 : -1)

/** What a manager wants with what admins have said; without their intervals where these contradict its own. */
function together(defaults: EffectiveSettings, settings: TrackerSettings, steered: TrackerSettings): EffectiveSettings {
  try {
    return effective(defaults, { ...settings, ...steered })
  } catch {
    // Each of the two fits by itself, and only intervals can contradict each other.
    return effective(defaults, { ...settings, minIntervalMs: undefined, maxIntervalMs: undefined, ...steered })
  }
}

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

const isPolicy = (name: string): name is PolicyName => policyNames.some((known) => known === name)
