import { isDeepStrictEqual } from 'node:util'
import { controlPlanes } from '../resource/control-plane.ts'
import { componentFacts, componentNames } from '../rules/component.ts'
import { conditionsOf, dated, timeText, type Verdict } from '../rules/conditions.ts'
import { MANAGER } from '../rules/marks.ts'
import type { AccountTurn } from './context.ts'
import type { Observed } from './observe.ts'

export interface StatusInit {
  readonly nowMs: number
  readonly endpoints: Observed['endpoints'] | undefined
  /** Of the image that all pods run; undefined while some do not. */
  readonly version: string | undefined
}

/** The status as it is to be, without anything secret. */
export function statusOf({ plane, place }: AccountTurn, verdict: Verdict, init: StatusInit): object {
  const { nowMs, endpoints, version } = init
  const { trouble, counts } = verdict
  const before = plane.status
  const ran = version ?? before['version']
  const error = trouble === undefined ? before['lastError'] : { ...trouble, time: errorTime(before, trouble, nowMs) }
  return {
    observedGeneration: plane.generation,
    namespace: place.namespace,
    ...(ran !== undefined && { version: ran }),
    ...(counts === undefined
      ? before['components'] !== undefined && { components: before['components'] }
      : { components: Object.fromEntries(componentNames.map((name) => [componentFacts[name].key, counts[name]])) }),
    ...(endpoints !== undefined && {
      endpoints: Object.fromEntries(
        componentNames.map((name) => [
          componentFacts[name].key,
          endpoints[name].map(({ pod, address }) => `${pod}=${address}`),
        ]),
      ),
    }),
    ...(error !== undefined && { lastError: error }),
    conditions: dated(conditionsOf(verdict), before, { generation: plane.generation, nowMs }),
  }
}

/** An error that stays has the time at which it was first seen. */
function errorTime(before: AccountTurn['plane']['status'], trouble: object, nowMs: number): unknown {
  const { time, ...same } = (before['lastError'] ?? {}) as Readonly<Record<string, unknown>>
  return isDeepStrictEqual(same, trouble) ? time : timeText(nowMs)
}

/** Writes the status when it is another one. */
export async function writeStatus(turn: AccountTurn, verdict: Verdict, init: StatusInit): Promise<void> {
  const { plane, writes, signal } = turn
  const status = statusOf(turn, verdict, init)
  if (isDeepStrictEqual(status, plane.status)) return
  const { name, namespace } = plane
  const options = { manager: MANAGER, force: true, subresource: 'status', signal } as const
  await writes.apply(controlPlanes, { metadata: { name, namespace }, status }, options)
}
