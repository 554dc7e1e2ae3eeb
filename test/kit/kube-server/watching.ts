import type { ServerResponse } from 'node:http'
import { apiVersionOf, type Kind } from './kinds.ts'
import type { KubeStore, Matches, StoreChange } from './kube-store.ts'
import { Refusal, statusOf } from './refusal.ts'
import type { Stored } from './stored.ts'

export interface Watching {
  /** Says how far the watch is, if its client wants that. */
  bookmark(): void
  end(): void
}

export interface WatchInit {
  readonly kind: Kind
  readonly matches: Matches
  /** Changes after this one; undefined: all objects that there are, and then changes. */
  readonly since: number | undefined
  readonly bookmarks: boolean
  readonly timeoutMs: number
  readonly onEnd: () => void
}

/** Answers with a stream of events, until its time is over or the client leaves. */
export function watching(store: KubeStore, response: ServerResponse, init: WatchInit): Watching {
  const { kind, matches, since, bookmarks, timeoutMs, onEnd } = init
  let stop: (() => void) | undefined
  const write = (type: string, object: object) => void response.write(`${JSON.stringify({ type, object })}\n`)
  const end = () => {
    stop?.()
    clearTimeout(timer)
    response.end()
    onEnd()
  }
  const bookmark = () => {
    const metadata = { resourceVersion: String(store.revision) }
    if (bookmarks) write('BOOKMARK', { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata })
  }
  const timer = setTimeout(() => {
    bookmark()
    end()
  }, timeoutMs)
  timer.unref()
  response.on('close', end)
  response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
  const told = (change: StoreChange) => {
    if (change.kind.plural !== kind.plural || change.kind.group !== kind.group) return
    const event = eventOf(change, matches)
    if (event !== undefined) write(...event)
  }
  try {
    if (since === undefined) for (const object of store.all(kind).filter(matches)) write('ADDED', object)
    stop = store.follow(since ?? store.revision, told)
  } catch (err) {
    if (!(err instanceof Refusal)) throw err
    write('ERROR', statusOf(err))
    end()
  }
  return {
    bookmark,
    end,
  }
}

/** What a change is to somebody who sees only the objects that match. */
function eventOf({ revision, now, before }: StoreChange, matches: Matches): [string, object] | undefined {
  const [is, was] = [now !== undefined && matches(now), before !== undefined && matches(before)]
  if (now !== undefined && is) return [was ? 'MODIFIED' : 'ADDED', now]
  if (!was) return undefined
  const last = (now ?? before) as Stored
  return ['DELETED', { ...last, metadata: { ...last.metadata, resourceVersion: String(revision) } }]
}
