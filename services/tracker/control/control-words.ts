import { createHash } from 'node:crypto'
import type { ControlEntry, ControlVersion } from '../../../lib/api/index.ts'
import { type Clock, OrderedKeys } from '../../../lib/base/index.ts'
import { controlEnds, nameOf } from './control-ends.ts'

/** Words of what is over, taken back or ended by itself; beyond it what ended first is forgotten. */
const MAX_ENDED = 10_000

/** What admins have said last on each thing, whichever tracker they said it to. */
export interface ControlWords {
  of(kind: ControlEntry['kind'], target: string): ControlEntry | undefined
  /** Those of these that are later than what is here; of several on one thing, the last one. */
  later(entries: readonly ControlEntry[]): readonly ControlEntry[]
  take(entry: ControlEntry): void
  /** How many words are kept. */
  readonly size: number
  /** All in the order of their names, behind this one. */
  behind(name: string): Iterable<ControlEntry>
  /** The same at every tracker that has the same. */
  readonly hash: string
}

/** Of two versions the later one holds; of two of one moment, that of the greater name. */
export function isLater(a: ControlVersion, b: ControlVersion | undefined): boolean {
  if (b === undefined || a.atMs !== b.atMs) return a.atMs > (b?.atMs ?? -1)
  return a.by > b.by
}

/** The version of a change that is made here and now: later than what it replaces, whatever the clocks say. */
export const versionNow = (nowMs: number, by: string, before: ControlEntry | undefined): ControlVersion => ({
  atMs: Math.max(nowMs, (before?.version.atMs ?? -1) + 1),
  by,
})

/**
 * What is over is forgotten when somebody looks, not when it is taken: trackers that have heard the same then have the same,
 * also when something ended by itself since.
 */
export function controlWords(clock: Pick<Clock, 'now'>): ControlWords {
  const byName = new Map<string, ControlEntry>()
  const order = new OrderedKeys<string>()
  const ends = controlEnds(clock, { max: MAX_ENDED })
  let hash: string | undefined

  const settle = () => {
    for (const name of ends.tooMany()) {
      byName.delete(name)
      order.delete(name)
      hash = undefined
    }
  }
  const all = function* (name: string): Iterable<ControlEntry> {
    settle()
    for (const each of order.from(name, { behind: true })) {
      const entry = byName.get(each)
      if (entry !== undefined) yield entry
    }
  }
  return {
    of(kind, target) {
      settle()
      return byName.get(nameOf({ kind, target }))
    },
    later(entries) {
      settle()
      const last = new Map<string, ControlEntry>()
      for (const entry of entries) {
        const name = nameOf(entry)
        if (isLater(entry.version, (last.get(name) ?? byName.get(name))?.version)) last.set(name, entry)
      }
      return [...last.values()]
    },
    take(entry) {
      const name = nameOf(entry)
      byName.set(name, entry)
      order.add(name)
      ends.take(entry)
      hash = undefined
    },
    behind: all,
    get size() {
      settle()
      return byName.size
    },
    get hash() {
      settle()
      if (hash !== undefined) return hash
      const made = createHash('sha256')
      for (const entry of all('')) made.update(`${nameOf(entry)} ${entry.version.atMs} ${entry.version.by}\n`)
      hash = made.digest('hex')
      return hash
    },
  }
}
