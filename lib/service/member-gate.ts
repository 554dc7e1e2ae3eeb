import { abortController, appError, hasCode, lifecycle, type Startable, WAITS_OF_LIFE } from '../base/index.ts'
import type { ReadinessChecks } from './ops-routes.ts'
import type { ServiceCluster } from './service-cluster.ts'

/** What `/readyz` says of the members: which are not known yet, and what is wrong although they are. */
export function memberChecks(rings: readonly ServiceCluster[]): {
  readonly checks: ReadinessChecks
  readonly notes: ReadinessChecks
} {
  const said = (say: (ring: ServiceCluster) => string | undefined) => () => {
    const all = rings.flatMap((ring) => say(ring) ?? [])
    return all.length === 0 ? undefined : all.join('; ')
  }
  return {
    checks: { members: said(({ feed }) => feed.missing()) },
    notes: { members: said(({ feed }) => feed.trouble()) },
  }
}

/** Follows the members of all rings from its start on, which waits for those that are needed. */
export interface MemberGate extends Startable {
  /** The whole service, whose stop ends that wait. */
  around(life: Startable): Startable
}

export function memberGate(rings: readonly ServiceCluster[], needs: readonly ServiceCluster[]): MemberGate {
  const feeds = lifecycle(rings.map(({ feed }) => feed))
  let leaving = abortController(WAITS_OF_LIFE)
  return {
    async start() {
      await feeds.start()
      try {
        for (const { feed } of needs) await feed.known({ signal: leaving.signal })
      } catch (err) {
        await feeds.stop()
        throw hasCode(err, 'ABORTED') ? appError('SHUTTING_DOWN', { cause: err }) : err
      }
    },
    stop: () => feeds.stop(),
    around: (life) => ({
      start() {
        if (leaving.signal.aborted) leaving = abortController(WAITS_OF_LIFE)
        return life.start()
      },
      stop() {
        leaving.abort()
        return life.stop()
      },
    }),
  }
}
