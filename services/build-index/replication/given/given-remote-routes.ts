import {
  adminBody,
  adminRoute,
  buildIndexAdmin,
  giverOf,
  type HeldSet,
  MAX_GIVEN_REMOTES_BYTES,
  type ShownRemote,
} from '../../../../lib/api/index.ts'
import { appError } from '../../../../lib/base/index.ts'
import { type Exchange, type Route, requireSeen, sendTagged } from '../../../../lib/http/index.ts'
import type { Remote } from '../remote.ts'
import { timeText } from '../windows.ts'
import type { GiveInit, GivenRemotes } from './given-remotes.ts'

export interface GivenRemoteRoutesComponents {
  /** Undefined where the config does not let a manager give any. */
  readonly given: GivenRemotes | undefined
  readonly remotes: ReadonlyMap<string, Remote>
}

/** By which a manager gives a cluster its remotes. Any build-index takes them for all. */
export function givenRemoteRoutes({ given, remotes }: GivenRemoteRoutesComponents): readonly Route[] {
  const wanted = (): GivenRemotes => {
    if (given === undefined) throw appError('REMOTES_OFF')
    return given
  }
  const changed = async (
    exchange: Exchange,
    change: (own: GivenRemotes, init: GiveInit) => Promise<HeldSet>,
  ): Promise<void> => {
    const own = wanted()
    const check = (held: HeldSet) => requireSeen(exchange, held)
    sendTagged(exchange, await change(own, { signal: exchange.signal, check }))
  }
  return [
    adminRoute(buildIndexAdmin.givenRemotes, async (exchange) => {
      const held = await wanted().held(exchange)
      const byName = [...remotes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
      sendTagged(exchange, held, { remotes: byName.map(shown) })
    }),
    adminRoute(buildIndexAdmin.giveRemotes, (exchange) =>
      changed(exchange, async (own, init) => {
        const set = await adminBody(buildIndexAdmin.giveRemotes, exchange, { maxBytes: MAX_GIVEN_REMOTES_BYTES })
        return own.give(giverOf(exchange), set, init)
      }),
    ),
    adminRoute(buildIndexAdmin.releaseRemotes, (exchange) => changed(exchange, (own, init) => own.release(init))),
  ]
}

const shown = (remote: Remote): ShownRemote => {
  const { name, from, urls, concurrency, signatures, deletes, bytesPerSecond } = remote
  return {
    ...{ name, from, urls: [...urls], concurrency, signatures, deletes, secret: remote.secret !== undefined },
    rules: remote.rules.map(({ repository, tag }) => ({ repository, tag })),
    windows: remote.windows.map(({ from: begin, to }) => ({ from: timeText(begin), to: timeText(to) })),
    ...(bytesPerSecond !== undefined && { bandwidth: bytesPerSecond }),
  }
}
