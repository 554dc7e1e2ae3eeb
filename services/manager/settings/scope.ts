import { appError } from '../../../lib/base/index.ts'

/** For whom settings are. What is more special wins: all, then clusters, zones and hosts. */
export const scopeKinds = ['all', 'cluster', 'zone', 'host'] as const

/** The name is empty for `all`. Zones and hosts are those of that name in every cluster. */
export interface Scope {
  readonly of: (typeof scopeKinds)[number]
  readonly name: string
}

/** As people and paths write it: `all`, `cluster:ID`, `zone:NAME`, `host:NAME`. */
export const scopeText = ({ of, name }: Scope): string => (of === 'all' ? 'all' : `${of}:${name}`)

/** @throws REQUEST_INVALID */
export function parseScope(text: string): Scope {
  if (text === 'all') return { of: 'all', name: '' }
  const [, of, name] = /^(cluster|zone|host):(.{1,255})$/.exec(text) ?? []
  const kind = scopeKinds.find((each) => each === of)
  if (kind === undefined || name === undefined)
    throw appError('REQUEST_INVALID', { message: 'a scope is all, cluster:ID, zone:NAME or host:NAME' })
  return { of: kind, name }
}

export const rankOf = ({ of }: Scope): number => scopeKinds.indexOf(of)

/** Whether a cluster must know of settings of a scope. */
export const isOfCluster = ({ of, name }: Scope, cluster: string): boolean => of !== 'cluster' || name === cluster
