import { z } from 'zod'
import { clusterNameSchema, liveKeys, placeKeys } from '../../lib/api/index.ts'
import { backendSchema, decidesConditions, upstreamRuleKeys, upstreamRulesOf } from '../../lib/backend/index.ts'
import { duration, listenerOff, membersOrSource } from '../../lib/config/index.ts'
import { managerKey } from '../../lib/joining/index.ts'
import { commonKeys, listenerOf, rings, secretsOf, tagRuleSchema } from '../../lib/service/index.ts'
import { garbageSchema } from './garbage/config.ts'
import { remotesSchema, replicationSchema, webhooksSchema } from './replication/config.ts'
import { retentionSchema } from './retention/config.ts'
import { upstreamRecordsSchema } from './upstream/config.ts'

const MOST_FRESH_MS = 24 * 60 * 60_000

const buildIndexUpstreamKeys = {
  ...upstreamRuleKeys,
  /** How long a tag is taken for what it was without asking the upstream again. */
  fresh: duration.refine((ms) => ms <= MOST_FRESH_MS, 'at most 1d').prefault('1m'),
}

/** Every key of a build-index; `config/build-index/base.yaml` shows them with their defaults. */
const buildIndexKeys = z.strictObject({
  ...commonKeys,
  ...placeKeys,
  secrets: secretsOf('buildIndex'),
  /** Its name, different from those of the other build-indexes. Default: `manager.member`; with trackers it needs one. */
  member: z.string().min(1).max(128).exactOptional(),
  /** The API for proxies and agents. */
  http: listenerOf('buildIndex', 'http'),
  /** Probes and metrics. */
  ops: listenerOf('buildIndex', 'ops'),
  /** The admin API. */
  admin: listenerOf('buildIndex', 'admin'),
  /** The manager that it joins, if there is one. */
  manager: managerKey,
  /** Kraken's own paths: tags and lists of them. */
  kraken: listenerOff,
  /** Where the index is stored. All build-indexes of a cluster use the same backend. */
  backend: backendSchema
    .refine((backend) => !('repository' in backend) || backend.repository.includes('{repository}'), {
      message: 'repository must hold {repository}, so that the tags of different repositories stay apart',
    })
    .prefault({ driver: 'file', folder: 'data/backend' }),
  /** Registries of others, whose tags and manifests are looked up there; the first rule that matches counts. */
  upstreams: upstreamRulesOf(buildIndexUpstreamKeys).prefault([]),
  /** What is kept of their last answers. */
  upstreamRecords: upstreamRecordsSchema,
  /** How long agents are told of a blob or manifest in a repository without a new look at the backend. */
  linkMemory: liveKeys['build-index'].linkMemory.prefault('5s'),
  /** Tags that are not moved to other bytes: those that fit one of the rules. */
  immutableTags: z.array(tagRuleSchema).prefault([]),
  /** Name of this cluster, different from those of the clusters that it replicates to or from. */
  cluster: clusterNameSchema.default('local'),
  /** The origins of this cluster: replication reads from them and sends by them. */
  origins: rings.origins,
  /** The trackers of this cluster, which it asks for the settings that a manager holds. Default: it asks nobody. */
  trackers: z.strictObject({ members: membersOrSource }).exactOptional(),
  /** Where the last of these settings, and what shows its manager who it is, are kept. Default: in memory. */
  folder: z.string().min(1).exactOptional(),
  /** The clusters that tags are replicated to, by the names that they have here. */
  remotes: remotesSchema,
  /** Who is told of tags over HTTP, by names that no remote has. */
  webhooks: webhooksSchema,
  replication: replicationSchema,
  garbage: garbageSchema,
  retention: retentionSchema,
  /** Pause between two checks of the backend, for /readyz. */
  probeInterval: duration.prefault('5s'),
})

export const buildIndexSchema = buildIndexKeys
  .refine(({ trackers, member, manager }) => trackers === undefined || (member ?? manager?.member) !== undefined, {
    path: ['member'],
    message: 'trackers tell build-indexes apart by their names; give it one',
  })
  .refine(({ remotes, webhooks }) => !Object.keys(webhooks).some((name) => name in remotes), {
    path: ['webhooks'],
    message: 'a webhook has the name of a remote; give it another one',
  })
  .refine(({ backend, garbage }) => !garbage.remove || decidesConditions(backend), {
    path: ['garbage', 'remove'],
    message:
      'needs a backend with conditional writes and deletions: without them a push and a removal do not see each other',
  })
  .refine(({ backend, retention }) => !retention.remove || decidesConditions(backend), {
    path: ['retention', 'remove'],
    message: 'needs a backend with conditional writes and deletions: without them a tag that was moved just now may go',
  })

export type BuildIndexConfig = z.output<typeof buildIndexSchema>
