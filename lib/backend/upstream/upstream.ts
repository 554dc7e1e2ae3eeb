import type { AbortOptions, Background, Clock, Random } from '../../base/index.ts'
import type { RegistryHost, RepositoryName } from '../../core/index.ts'
import type { HttpClient, HttpClientComponents } from '../../http/index.ts'
import type { Metrics } from '../../telemetry/index.ts'
import { type Governor, governor } from '../governor.ts'
import { defaultBackendLimits } from '../limits-config.ts'
import {
  onlyRead,
  type RegistryParts,
  type RegistryRepository,
  registryCredentials,
  registryRepository,
} from '../registry/registry.ts'
import { registryNames } from '../registry/registry-names.ts'
import { registrySession, scopes } from '../registry/registry-session.ts'
import type { UpstreamRule } from './config.ts'
import { boundedGovernor, guardedGovernor } from './guarded-governor.ts'
import type { SeeLimits } from './rate-limits.ts'
import { upstreamUrl } from './upstream-url.ts'
import { upstreamWays } from './upstream-ways.ts'

/** Tries of one request within `wait`. */
const ATTEMPTS = 2

/** An upstream registry, for reading. Every method: @throws UPSTREAM_UNREACHABLE, and what a `Registry` throws. */
export interface Upstream {
  repository(name: RepositoryName): RegistryRepository
  /** As `RegistryNames.tags`. */
  tags(name: RepositoryName, options?: AbortOptions): Promise<readonly string[] | undefined>
}

/** An upstream with what this process knows of it. */
export interface OpenUpstream extends Upstream {
  /** Somebody waits for an answer. */
  readonly isInUse: boolean
}

export interface OpenUpstreamComponents extends HttpClientComponents {
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly http: HttpClient
  readonly onAnswer: SeeLimits
  /** Told when the upstream is found out, and when it answers again. */
  readonly onChange: (isBroken: boolean) => void
  /** Told when it has given something that was asked for. */
  readonly onFound: () => void
  readonly tasks: Pick<Background, 'run'>
}

export interface OpenUpstreamInit {
  readonly registry: RegistryHost
  readonly rule: UpstreamRule
}

export function openUpstream(components: OpenUpstreamComponents, { registry, rule }: OpenUpstreamInit): OpenUpstream {
  const { clock, http, onAnswer, onFound } = components
  const { wait: answer, stall, requests, read } = rule
  const credentials = registryCredentials(components, { ...rule, host: registry })
  const session = registrySession({ http, clock, onAnswer }, { url: upstreamUrl(rule, registry), credentials })
  const plain = governor(components, {
    ...defaultBackendLimits,
    ...{ answer, stall, requests, read, wait: answer, attempts: ATTEMPTS },
  })
  const bounded = boundedGovernor(plain, clock, answer)
  /** Whatever it answers: also a refusal shows that the way is whole. */
  const ping = (options: AbortOptions) =>
    bounded.request(
      'stat',
      async (signal) => {
        await (await session.send({ method: 'GET', at: '', scope: scopes.none, signal })).discard()
      },
      options,
    )
  const ways = upstreamWays(components, { registry, waitMs: answer, ping })
  const use = usage(onFound)
  const partsOf = (name: RepositoryName): RegistryParts => ({
    session,
    clock,
    governor: use.watched(guardedGovernor({ governor: bounded, ways }, name)),
  })
  return {
    repository: (name) => onlyRead(registryRepository(partsOf(name), name, { chunkBytes: 1 })),
    tags: (name, options) => registryNames(partsOf(name)).tags(name, options),
    get isInUse() {
      return use.running > 0
    },
  }
}

/** Watches how an upstream is used. */
function usage(onFound: () => void) {
  let running = 0
  return {
    get running() {
      return running
    },
    watched: (governed: Governor): Governor => ({
      ...governed,
      async request(...asked) {
        running += 1
        try {
          const result = await governed.request(...asked)
          if (result !== undefined) onFound()
          return result
        } finally {
          running -= 1
        }
      },
    }),
  }
}
