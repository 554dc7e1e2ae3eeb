import { adminClient, originAdmin } from '../../../../lib/api/index.ts'
import { type AbortOptions, deadline } from '../../../../lib/base/index.ts'
import { type HttpClient, type HttpClientComponents, httpClient } from '../../../../lib/http/index.ts'
import { portOf } from '../rules/component.ts'
import { type Place, serviceHost } from '../rules/configs.ts'
import type { HandOver, SeenPod } from '../rules/rollout.ts'

/** What the controller asks the origins of one account, and tells them. */
export interface OriginTalk {
  /** @throws what the call throws when it does not answer */
  ask(pod: SeenPod, options: AbortOptions): Promise<HandOver>
  tell(pod: SeenPod, what: 'walk' | 'leave' | 'stay', options: AbortOptions): Promise<void>
  stop(): Promise<void>
}

export interface OriginTalkInit {
  readonly place: Place
  /** Secret of the account by which its admin listeners know an admin. */
  readonly admin: string
  /** PEM: the authority of the account, which alone is trusted. */
  readonly authority: string
}

/** Begins to talk with the origins of an account. */
export type OpenTalk = (init: OriginTalkInit) => Promise<OriginTalk>

/** An origin that is busy still says this; one that hangs must not hold up the account. */
const ANSWER_MS = 5_000

/** Over the admin listeners of the pods, by their names in the headless Service. */
export const httpTalk =
  (components: HttpClientComponents): OpenTalk =>
  async ({ place, admin, authority }) => {
    const tls = { now: { certificate: undefined, key: undefined, authorities: [authority] } }
    const http = httpClient(components, { token: admin, tls, connectionsPerOrigin: 1 })
    await http.start()
    const call = async <T>(outer: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
      const cut = deadline(components.clock, ANSWER_MS, outer)
      try {
        return await work(cut.signal)
      } finally {
        cut.release()
      }
    }
    return {
      ask: (pod, { signal }) =>
        call(signal, async (cut) => {
          const { state, walk } = await of(http, pod, place).drain({}, { signal: cut })
          return {
            state: state === 'left' || state === 'leaving' ? state : 'staying',
            isWalked: walk?.endedAtMs !== undefined,
            unsafe: walk?.unsafe ?? 0,
            failures: walk?.failures ?? 0,
          }
        }),
      tell: (pod, what, { signal }) =>
        call(signal, async (cut) => {
          const calls = of(http, pod, place)
          if (what === 'walk') await calls.handOverNow({}, { signal: cut })
          if (what === 'leave') await calls.leave({}, { signal: cut })
          if (what === 'stay') await calls.stay({}, { signal: cut })
        }),
      stop: () => http.stop(),
    }
  }

const of = (http: HttpClient, { name }: SeenPod, place: Place) =>
  adminClient(http, `https://${name}.${serviceHost('origin', place)}:${portOf('origin', 'admin')}`, originAdmin)
