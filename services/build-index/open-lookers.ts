import type { BuildIndex } from '../../lib/api/index.ts'
import type { Startable } from '../../lib/base/index.ts'
import type { BuildIndexConfig } from './config.ts'
import type { Collector, CollectorInit } from './garbage/collector.ts'
import { type OpenCollectorComponents, openCollector } from './garbage/open-collector.ts'
import { type OpenRetentionComponents, openRetention } from './retention/open-retention.ts'
import type { Retention } from './retention/retention.ts'

export interface OpenLookersComponents extends OpenCollectorComponents, OpenRetentionComponents {
  readonly isUpstream: OpenRetentionComponents['isUpstream']
}

/** What looks at the whole index now and then. */
export interface Lookers {
  /** Both are undefined where the index is a registry of others. */
  readonly garbage: Collector | undefined
  readonly retention: Retention | undefined
  /** The index for those who pull, if somebody wants to know of pulls. */
  readonly watched: (index: BuildIndex) => BuildIndex
  readonly lookers: readonly Startable[]
  /** From now on. */
  readonly obey: (rules: LookerRules) => void
}

/** The rules by which they look. */
export type LookerRules = Pick<BuildIndexConfig, 'garbage' | 'retention'>

export function openLookers(
  components: OpenLookersComponents,
  { garbage: rules, retention, cluster, immutableTags }: BuildIndexConfig,
  times: Partial<CollectorInit> | undefined,
): Lookers {
  const collecting = openCollector(components, { ...rules, cluster, times })
  const garbage = collecting?.collector
  const { tags, watched, parts, obey } = openRetention(components, { ...retention, immutableTags })
  return {
    ...{ garbage, retention: tags, watched },
    lookers: [...(garbage === undefined ? [] : [garbage]), ...parts],
    obey(to) {
      collecting?.obey(to.garbage)
      obey(to.retention)
    },
  }
}
