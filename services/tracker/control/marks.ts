import { isIP } from 'node:net'
import { appError, type Clock } from '../../../lib/base/index.ts'
import type { PeerAddress, PeerId } from '../../../lib/core/index.ts'

/** What an admin has said of one node, or of all nodes at one address. */
export interface Mark {
  /** A peer id, or an IP address. */
  readonly target: string
  readonly reason: string
  /** The name of the secret that was shown. */
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** When it ends by itself; undefined: never. */
  readonly untilMs?: number | undefined
}

/** Marks of one kind, e.g. bans. */
export interface Marks {
  /** Sets or replaces the mark of its target. @throws CONTROL_FULL */
  set(mark: Mark): void
  /** False when there was none. */
  remove(target: string): boolean
  /** The mark that holds for a node: its own, or that of its address. */
  of(node: Pick<PeerAddress, 'host'> & { readonly peerId: PeerId }): Mark | undefined
  /** All that hold now, by target. */
  all(): readonly Mark[]
}

export function marks(
  clock: Pick<Clock, 'now'>,
  init: { readonly max: number; readonly first: readonly Mark[] },
): Marks {
  const byTarget = new Map(init.first.map((mark) => [mark.target, mark]))
  const current = (target: string): Mark | undefined => {
    const mark = byTarget.get(target)
    if (mark?.untilMs === undefined || mark.untilMs > clock.now()) return mark
    byTarget.delete(target)
    return undefined
  }
  return {
    set(mark) {
      if (!byTarget.has(mark.target) && byTarget.size >= init.max)
        for (const target of [...byTarget.keys()]) current(target)
      if (!byTarget.has(mark.target) && byTarget.size >= init.max) throw appError('CONTROL_FULL')
      byTarget.set(mark.target, mark)
    },
    remove(target) {
      const known = current(target) !== undefined
      byTarget.delete(target)
      return known
    },
    of: ({ peerId, host }) => (byTarget.size === 0 ? undefined : (current(peerId) ?? current(host))),
    all: () => [...byTarget.keys()].toSorted().flatMap((target) => current(target) ?? []),
  }
}

/** A target as an admin may write it. @throws REQUEST_INVALID */
export function parseTarget(text: string): string {
  if (/^[0-9a-f]{40}$/.test(text) || isIP(text) !== 0) return text
  throw appError('REQUEST_INVALID', { message: 'name a node by its peer id (40 hex characters) or by its IP address' })
}
