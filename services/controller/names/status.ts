import type { NamesStatus } from '../../../lib/api/index.ts'
import type { NamesConfig } from './config.ts'
import type { KeeperState } from './keeper-state.ts'

/** More caches or names are not shown. */
const MOST_SHOWN = 5_000

/** What an admin is told of the names. */
export function statusOf(state: KeeperState, { base = '', zone: { driver } }: NamesConfig): NamesStatus {
  const { power, judgement, found, plan, failure, writtenMs } = state
  const names = new Set([...(judgement?.wanted.keys() ?? []), ...(found ?? []).map(({ name }) => name)])
  return {
    ...{ base, driver, power },
    ...(writtenMs !== undefined && { writtenAtMs: writtenMs }),
    ...(failure !== undefined && { failure }),
    next: {
      put: plan.put.slice(0, MOST_SHOWN).map(({ name, address }) => ({ name, address })),
      remove: plan.remove.slice(0, MOST_SHOWN).map(({ name, address }) => ({ name, address })),
    },
    names: [...names].slice(0, MOST_SHOWN).map((name) => ({
      name,
      wanted: [...(judgement?.wanted.get(name) ?? [])],
      published: (found ?? []).filter((record) => record.name === name).map(({ address, own }) => ({ address, own })),
    })),
    caches: (judgement?.verdicts ?? []).slice(0, MOST_SHOWN).map(({ pod, why, load }) => ({
      ...{ pod: pod.pod, kind: pod.kind },
      ...(pod.address !== undefined && { address: pod.address }),
      ...(pod.node !== undefined && { node: pod.node }),
      ...(pod.zone !== undefined && { zone: pod.zone }),
      ...(why !== undefined && { why }),
      ...(load !== undefined && { bytesPerSecond: load.bytesPerSecond }),
    })),
  }
}
