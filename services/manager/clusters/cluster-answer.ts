import { type ClusterAnswer, type MemberAnswer, memberStates } from '../../../lib/api/index.ts'
import type { Member } from './member-store.ts'
import type { KnownCluster } from './roster.ts'

const countBy = (words: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** A cluster as the API tells it. */
export function clusterAnswer(cluster: KnownCluster): ClusterAnswer {
  const { id, name, description, scopes, isDefault, revision, createdAtMs, agents, behind, state, members } = cluster
  const none = Object.fromEntries(memberStates.map((state) => [state, 0] as const))
  return {
    ...{ id, name, description, scopes, default: isDefault, revision, createdAtMs, agents, behind, state },
    members: { ...none, ...countBy(members.map(({ health }) => health.state)) },
    versions: countBy(members.map(({ version }) => version)),
  }
}

/** A member as the API tells it: never its key. */
export function memberAnswer(member: Member, cluster: string): MemberAnswer {
  const { id, kind, member: name, urls, version, zone, network, health, generation } = member
  return {
    ...{ id, cluster, kind, member: name, urls, version },
    ...(zone !== undefined && { zone }),
    ...(network !== undefined && { network }),
    ...{ state: health.state, sinceMs: health.sinceMs, reasons: health.reasons },
    ...{ joinedAtMs: member.joinedAtMs, heartbeatAtMs: member.heartbeatAtMs, uptimeMs: member.uptimeMs },
    ...(health.answeredAtMs !== undefined && { answeredAtMs: health.answeredAtMs }),
    ...(generation !== undefined && { generation }),
    capacity: member.capacity,
  }
}
