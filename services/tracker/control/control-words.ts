import { createHash } from 'node:crypto'
import type { ControlEntry, ControlVersion } from '../../../lib/api/index.ts'
import { OrderedKeys } from '../../../lib/base/index.ts'

/** Words that say that something is over; beyond it the oldest is forgotten. */
const MAX_ENDED = 10_000

/** What admins have said last on each thing, whichever tracker they said it to. */
export interface ControlWords {
  of(kind: ControlEntry['kind'], target: string): ControlEntry | undefined
  /** The words and those of them that these would replace: only what is later than what is here. */
  later(entries: readonly ControlEntry[]): readonly ControlEntry[]
  take(entry: ControlEntry): void
  /** All in the order of their names, behind this one. */
  behind(name: string): Iterable<ControlEntry>
  /** The same at every tracker that has the same. */
  readonly hash: string
}

export const nameOf = ({ kind, target }: Pick<ControlEntry, 'kind' | 'target'>): string => `${kind} ${target}`

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

export function controlWords(): ControlWords {
  const byName = new Map<string, ControlEntry>()
  const order = new OrderedKeys<string>()
  const ended = new Set<string>()
  let hash: string | undefined

  const all = function* (name: string): Iterable<ControlEntry> {
    for (const each of order.from(name, { behind: true })) {
      const entry = byName.get(each)
      if (entry !== undefined) yield entry
    }
  }
  const forgetOldest = () => {
    let oldest: ControlEntry | undefined
    for (const name of ended) {
      const entry = byName.get(name)
      if (entry !== undefined && (oldest === undefined || isLater(oldest.version, entry.version))) oldest = entry
    }
    if (oldest === undefined) return
    byName.delete(nameOf(oldest))
    order.delete(nameOf(oldest))
    ended.delete(nameOf(oldest))
  }
  return {
    of: (kind, target) => byName.get(nameOf({ kind, target })),
    later: (entries) => entries.filter((entry) => isLater(entry.version, byName.get(nameOf(entry))?.version)),
    take(entry) {
      const name = nameOf(entry)
      byName.set(name, entry)
      order.add(name)
      if (entry.mark === undefined && entry.settings === undefined) ended.add(name)
      else ended.delete(name)
      if (ended.size > MAX_ENDED) forgetOldest()
      hash = undefined
    },
    behind: all,
    get hash() {
      if (hash !== undefined) return hash
      const made = createHash('sha256')
      for (const entry of all('')) made.update(`${nameOf(entry)} ${entry.version.atMs} ${entry.version.by}\n`)
      hash = made.digest('hex')
      return hash
    },
  }
}
