import { type Slots, untilAborted } from '../../../lib/base/index.ts'
import type { Term, WatchedObjects } from '../kubernetes/index.ts'
import type { AccountObserver } from './account/account-observer.ts'
import type { ReconcilerComponents } from './account/reconciler.ts'
import { type Worker, worker } from './account/worker.ts'
import type { AccountsConfig } from './config.ts'
import type { ControlPlane } from './resource/control-plane.ts'

export interface WorkersInit {
  readonly config: AccountsConfig
  readonly planes: WatchedObjects<ControlPlane>
  readonly slots: Slots
  readonly observer: AccountObserver
}

/** Works on all accounts until the term ends: one worker for each, so that none waits for another one. */
export async function workOnAll(components: ReconcilerComponents, init: WorkersInit, term: Term): Promise<void> {
  const { planes } = init
  const { owned } = components
  const byUid = new Map<string, Worker>()
  const ending = new Set<Promise<void>>()

  const begin = (key: string, { uid }: ControlPlane) => {
    const made = worker(components, {
      ...init,
      term,
      plane: () => {
        const now = planes.items.get(key)
        return now?.uid === uid ? now : undefined
      },
    })
    byUid.set(uid, made)
    made.start().catch(() => undefined)
  }
  const end = (uid: string) => {
    const found = byUid.get(uid)
    byUid.delete(uid)
    if (found === undefined) return
    const stopped: Promise<void> = found.stop().finally(() => ending.delete(stopped))
    ending.add(stopped)
  }
  const seen = (key: string, now: ControlPlane) => {
    const known = byUid.get(now.uid)
    if (known === undefined) begin(key, now)
    else known.ask()
  }

  const unfollow = [
    planes.onChange((change) => {
      if (change.type === 'freshness') return
      const { before } = change
      if (before !== undefined && (change.type === 'removed' || change.now.uid !== before.uid)) end(before.uid)
      if (change.type === 'put') seen(change.key, change.now)
    }),
    owned.onChange((owner) => byUid.get(owner)?.ask()),
  ]
  for (const [key, plane] of planes.items) seen(key, plane)
  try {
    await untilAborted(term.signal)
  } finally {
    for (const stop of unfollow) stop()
    await Promise.all([...ending, ...[...byUid.values()].map((each) => each.stop())])
  }
}
