import type { ControlEntry } from '../../../lib/api/index.ts'
import type { Clock } from '../../../lib/base/index.ts'

export const nameOf = ({ kind, target }: Pick<ControlEntry, 'kind' | 'target'>): string => `${kind} ${target}`

/** When what a word says is over, in milliseconds since the epoch, the same at every tracker; Infinity: not by itself. */
function endMsOf({ version, mark, settings }: ControlEntry): number {
  if (settings !== undefined) return Number.POSITIVE_INFINITY
  return mark === undefined ? version.atMs : (mark.untilMs ?? Number.POSITIVE_INFINITY)
}

/** Whether a word takes something back, or is of a mark that has ended by itself. */
export const isOver = (entry: ControlEntry, nowMs: number): boolean =>
  (entry.mark === undefined && entry.settings === undefined) || (entry.mark !== undefined && endMsOf(entry) <= nowMs)

interface End {
  readonly entry: ControlEntry
  readonly endMs: number
}

/** The first end is first. No two are equal, so every tracker forgets the same. */
const byEnd = (a: End, b: End): number => {
  if (a.endMs !== b.endMs) return a.endMs - b.endMs
  return nameOf(a.entry) < nameOf(b.entry) ? -1 : 1
}

/** When words of admins are over, and which of those are too many to keep. */
interface ControlEnds {
  /** The last word on its thing. */
  take(entry: ControlEntry): void
  /** Forgets those that are over beyond the most, what ended first, and gives their names. */
  tooMany(): readonly string[]
}

export function controlEnds(clock: Pick<Clock, 'now'>, { max }: { readonly max: number }): ControlEnds {
  /** Marks that will end by themselves; and what is over. */
  const ending = new Map<string, End>()
  const ended = new Map<string, End>()
  let nextEndMs = Number.POSITIVE_INFINITY

  const look = (nowMs: number) => {
    if (nowMs < nextEndMs) return
    nextEndMs = Number.POSITIVE_INFINITY
    for (const [name, end] of ending) {
      if (end.endMs > nowMs) {
        nextEndMs = Math.min(nextEndMs, end.endMs)
        continue
      }
      ending.delete(name)
      ended.set(name, end)
    }
  }
  return {
    take(entry) {
      const name = nameOf(entry)
      const end = { entry, endMs: endMsOf(entry) }
      ended.delete(name)
      ending.delete(name)
      if (isOver(entry, clock.now())) ended.set(name, end)
      else if (end.endMs < Number.POSITIVE_INFINITY) {
        ending.set(name, end)
        nextEndMs = Math.min(nextEndMs, end.endMs)
      }
    },
    tooMany() {
      look(clock.now())
      if (ended.size <= max) return []
      const first = [...ended.values()].toSorted(byEnd).slice(0, ended.size - max)
      const names = first.map(({ entry }) => nameOf(entry))
      for (const name of names) ended.delete(name)
      return names
    },
  }
}
