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
  /** The room as it is now, to try what several changes together would need. */
  room(): MarkRoom
  /** False when there was none. */
  remove(target: string): boolean
  /** The mark that holds for a node: its own, or that of its address. */
  of(node: Pick<PeerAddress, 'host'> & { readonly peerId: PeerId }): Mark | undefined
  /** All that hold now, by target. */
  all(): readonly Mark[]
}

/** Targets that may have a mark, without the marks. */
export interface MarkRoom {
  /** @throws CONTROL_FULL */
  take(target: string): void
  free(target: string): void
}

export function marks(
  clock: Pick<Clock, 'now'>,
  init: { readonly max: number; readonly first?: readonly Mark[] },
): Marks {
  const byTarget = new Map(init.first?.map((mark) => [mark.target, mark]))
  const current = (target: string): Mark | undefined => {
    const mark = byTarget.get(target)
    if (mark?.untilMs === undefined || mark.untilMs > clock.now()) return mark
    byTarget.delete(target)
    return undefined
  }
  const assertRoom = (targets: { readonly size: number; has(target: string): boolean }, wanted: string) => {
    if (!targets.has(wanted) && targets.size >= init.max) throw appError('CONTROL_FULL')
  }
  const forgetEnded = () => {
    for (const target of [...byTarget.keys()]) current(target)
  }
  return {
    set(mark) {
      if (byTarget.size >= init.max) forgetEnded()
      assertRoom(byTarget, mark.target)
      byTarget.set(mark.target, mark)
    },
    room() {
      forgetEnded()
      const targets = new Set(byTarget.keys())
      return {
        take(target) {
          assertRoom(targets, target)
          targets.add(target)
        },
        free: (target) => void targets.delete(target),
      }
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

/** One form of an IPv6 address, that of sockets; an IPv4 address in IPv6 form becomes IPv4. */
function plainAddress(text: string): string {
  const short = new URL(`http://[${text.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? []
  if (high === undefined || low === undefined) return short
  const bytes = [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255])
  return bytes.join('.')
}

/** A target as an admin may write it. @throws REQUEST_INVALID */
export function parseTarget(text: string): string {
  if (/^[0-9a-f]{40}$/.test(text) || isIP(text) === 4) return text
  if (isIP(text) === 6) return plainAddress(text)
  throw appError('REQUEST_INVALID', { message: 'name a node by its peer id (40 hex characters) or by its IP address' })
}
