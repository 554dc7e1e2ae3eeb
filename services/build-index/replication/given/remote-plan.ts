import type { GivenRemote } from '../../../../lib/api/index.ts'
import { glob } from '../../../../lib/core/index.ts'
import type { ManagedConfig, RemoteConfig } from '../config.ts'
import type { TagRule } from '../rules.ts'
import type { KeptRemotes } from './kept-remotes.ts'

/** One remote as it is to be. */
export interface RemotePlan {
  readonly from: 'config' | 'given'
  readonly config: RemoteConfig
  /** The rules, and since when each is there; see `ruleHash`. */
  readonly rules: readonly TagRule[]
  /** The same as long as nothing but the rules has changed. */
  readonly sameness: string
}

export interface PlanInit {
  readonly config: Readonly<Record<string, RemoteConfig>>
  readonly managed: ManagedConfig | undefined
  /** Names that no remote has: those of the webhooks. */
  readonly taken: (name: string) => boolean
}

/** The remotes of the config and those that are given. A name that is in both is the given one. */
export function planRemotes({ config, managed, taken }: PlanInit, kept: KeptRemotes): ReadonlyMap<string, RemotePlan> {
  const plans = new Map<string, RemotePlan>()
  for (const [name, remote] of Object.entries(config)) {
    const since = kept.gone[name] ?? 0
    const rules = remote.rules.map((rule) => ({ ...rule, since }))
    plans.set(name, { from: 'config', config: remote, rules, sameness: 'config' })
  }
  const { given } = kept
  for (const [at, remote] of (given?.set.remotes ?? []).entries()) {
    if (taken(remote.name)) continue
    const rules = remote.rules.map((rule, which) => ({ ...rule, since: given?.since[at]?.[which] ?? 0 }))
    const secret = secretFor(managed, remote.urls)
    plans.set(remote.name, {
      from: 'given',
      config: configOf(remote, secret),
      rules,
      sameness: JSON.stringify([{ ...remote, rules: [] }, secret]),
    })
  }
  return plans
}

/** The first secret that may be shown to all hosts of a remote: a manager must not have it sent anywhere else. */
export function secretFor(managed: ManagedConfig | undefined, urls: readonly string[]): string | undefined {
  const hosts = urls.map((url) => new URL(url).hostname)
  const mayShow = (patterns: readonly string[]) => {
    const regexes = patterns.map(glob)
    return hosts.every((host) => regexes.some((regex) => regex.test(host)))
  }
  return managed?.secrets?.find((each) => mayShow(each.hosts))?.secret()
}

const configOf = (remote: GivenRemote, secret: string | undefined): RemoteConfig => ({
  urls: [...remote.urls],
  ...(secret !== undefined && { secret: () => secret }),
  rules: remote.rules.map(({ repository, tag }) => ({ repository, tag })),
  windows: remote.windows.map(({ from, to }) => ({ from: minuteOf(from), to: minuteOf(to) })),
  bandwidth: remote.bandwidth,
  concurrency: remote.concurrency,
  signatures: remote.signatures,
  deletes: remote.deletes,
})

const minuteOf = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
