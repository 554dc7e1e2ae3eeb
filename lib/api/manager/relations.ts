import { z } from 'zod'
import { baseUrl } from '../../config/index.ts'
import { adminCall } from '../admin.ts'
import { list, text } from '../bounded.ts'
import { managerCall } from './manager-call.ts'
import { MAX_ROWS, paging } from './people-shapes.ts'

/** Relations of one manager. */
export const MAX_RELATIONS = 2_000
/** Relations of which one cluster is the source: they go to its build-indexes in one body. */
export const MAX_RELATIONS_OF_CLUSTER = 32
/** Rules of one relation, its windows, its addresses, and characters of a pattern. */
const MAX_RULES = 256
const MAX_WINDOWS = 16
const MAX_URLS = 16
const MAX_URL = 2_048
const MAX_PATTERN = 255
const MAX_NOTE = 255
/** Addresses and rules of a remote that stands in the config of build-indexes. */
const MAX_OF_FILE = 1_000
const MAX_TEXT = 4_096
/** Build-indexes in an answer, and clusters. */
const MAX_BUILD_INDEXES = 10_000
const MAX_CLUSTERS = 1_000
/** Blobs that one build-index sends at the same time. */
const MAX_AT_ONCE = 64

const countSchema = z.number().int().min(0)
/** Milliseconds since the epoch. */
const timeSchema = z.number().int().min(0)
/** Name or id of a cluster. */
const clusterWord = text(64).min(1)
const pattern = text(MAX_PATTERN).min(1)

const some = <S extends z.ZodType<readonly unknown[]>>(schema: S) =>
  schema.refine((items) => items.length > 0, 'must not be empty')

/** Tags of repositories; both patterns have to fit. `*` stands for any characters. */
const ruleSchema = z.strictObject({ repository: pattern, tag: pattern })
export type RelationRule = z.output<typeof ruleSchema>
const rulesSchema = some(list(ruleSchema, MAX_RULES))
const minuteOfDay = text(5).regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time of day is written like 22:30, in UTC')
const windowSchema = z.strictObject({ from: minuteOfDay, to: minuteOfDay })
const windowsSchema = list(windowSchema, MAX_WINDOWS)
const bandwidthSchema = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const concurrencySchema = z.number().int().min(1).max(MAX_AT_ONCE)
const urlsSchema = some(
  list(
    baseUrl.refine((url) => url.length <= MAX_URL, 'is too long'),
    MAX_URLS,
  ),
)
const noteSchema = text(MAX_NOTE)
const remoteName = text(63).regex(/^[a-z0-9][a-z0-9-]*$/, 'a name has lower-case letters, digits and "-"')

const relationSchema = z.object({
  id: text(64),
  /** Name of the cluster whose tags go, and of the one that they go to. */
  from: text(63),
  to: text(63),
  /** By this name the build-indexes of `from` know the other cluster; it stays when that gets another name. */
  remote: remoteName,
  rules: list(ruleSchema, MAX_RULES),
  /** How build-indexes of `from` reach those of `to`; absent: at the addresses with which those have joined. */
  urls: list(text(MAX_URL), MAX_URLS).optional(),
  /** When tags go, each day; none: at once. */
  windows: windowsSchema,
  /** Most bytes in a second, of all build-indexes of `from` together; absent: no limit. */
  bandwidth: bandwidthSchema.optional(),
  /** Blobs that one build-index sends at the same time. */
  concurrency: concurrencySchema,
  /** Whether signatures, attestations and bills of materials go along. */
  signatures: z.boolean(),
  /** Whether a tag that is deleted in `from` is deleted in `to`. */
  deletes: z.boolean(),
  /** Nothing goes while this holds; what was pushed meanwhile goes afterwards. */
  isPaused: z.boolean(),
  note: noteSchema,
  createdAtMs: timeSchema,
  changedAtMs: timeSchema,
})
export type RelationRow = z.output<typeof relationSchema>

/** A relation as it is seen: one of the manager, or one of the config of build-indexes. */
const seenSchema = z.object({
  /** `managed`: it is changed here. `file`: it stands in the config of the build-indexes of `from`. */
  origin: z.enum(['managed', 'file']),
  /** Of a managed one. */
  id: text(64).optional(),
  from: text(63),
  remote: text(64),
  /** Absent: that of a file has not said yet who it is. */
  to: text(64).optional(),
  /** Those that count now; none: no build-index of `to` has said one. */
  urls: list(text(MAX_URL), MAX_OF_FILE),
  rules: list(z.object({ repository: text(MAX_TEXT), tag: text(MAX_TEXT) }), MAX_OF_FILE),
  bandwidth: countSchema.optional(),
  concurrency: countSchema,
  signatures: z.boolean(),
  deletes: z.boolean(),
  isPaused: z.boolean(),
  /** Whether `to` answers, as a build-index of `from` says; absent: none says so, or it has not got the relation yet. */
  reachable: z.boolean().optional(),
  lastError: text(64).optional(),
})
export type SeenRelation = z.output<typeof seenSchema>

/**
 * `applied`: it has the relations that it is to have. `behind`: not yet. `foreign`: it has those of another manager, or of an
 * admin. `refused`: it does not take them; the code says why. `away`: it does not answer.
 */
export const relationStates = ['applied', 'behind', 'foreign', 'refused', 'away'] as const

const stateSchema = z.object({
  cluster: text(255),
  buildIndex: text(128),
  state: z.enum(relationStates),
  /** That it has; absent when it does not say. */
  generation: countSchema.optional(),
  /** That it is to have; 0: there were never any relations. */
  wanted: countSchema,
  /** Why it has not. */
  code: text(64).optional(),
  /** Whose relations it has, when they are foreign. */
  manager: text(255).optional(),
})
export type RelationState = z.output<typeof stateSchema>

/** What is given of a relation; the rest has its default. */
const givenKeys = {
  rules: rulesSchema,
  urls: urlsSchema,
  windows: windowsSchema,
  bandwidth: bandwidthSchema,
  concurrency: concurrencySchema,
  signatures: z.boolean(),
  deletes: z.boolean(),
  isPaused: z.boolean(),
  note: noteSchema,
}

const reads = { resource: 'clusters', action: 'read' } as const
const writes = { resource: 'clusters', action: 'write' } as const
const oneCodes = ['RELATION_UNKNOWN'] as const

/** Which cluster replicates to which: what build-indexes are given besides their config. */
export const relationCalls = {
  relations: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/relations',
      summary: 'which cluster replicates to which, by which rules, page by page; clusters that do not answer are named',
      query: { ...paging, cluster: 'only those from this cluster or to it' },
      codes: ['PAGINATION_NUMBER_INVALID', 'CLUSTER_UNKNOWN'],
      answer: z.object({
        relations: list(seenSchema, MAX_ROWS),
        /** Clusters of this page whose relations of files are not known now. */
        silent: list(z.object({ cluster: text(63), code: text(64) }), MAX_CLUSTERS),
        next: text(128).optional(),
      }),
    }),
  ),
  relation: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/relations/:relation',
      summary: 'one relation of the manager, by its id or as FROM:TO; its ETag is for If-Match',
      codes: oneCodes,
      answer: relationSchema,
    }),
  ),
  createRelation: managerCall(
    writes,
    adminCall({
      method: 'POST',
      path: '/api/v1/relations',
      summary: 'lets one cluster replicate to another one',
      body: z.strictObject({
        from: clusterWord,
        to: clusterWord,
        rules: rulesSchema,
        /** Default: the name of `to`. */
        remote: remoteName.optional(),
        urls: urlsSchema.optional(),
        windows: windowsSchema.optional(),
        bandwidth: bandwidthSchema.optional(),
        /** Default: 4. */
        concurrency: concurrencySchema.optional(),
        /** Default: they do. */
        signatures: z.boolean().optional(),
        /** Default: they are not. */
        deletes: z.boolean().optional(),
        isPaused: z.boolean().optional(),
        note: noteSchema.optional(),
      }),
      status: 201,
      codes: ['BODY_INVALID', 'CLUSTER_UNKNOWN', 'RELATION_SELF', 'RELATION_EXISTS', 'RELATIONS_FULL'],
      answer: relationSchema,
    }),
  ),
  changeRelation: managerCall(
    writes,
    adminCall({
      method: 'PATCH',
      path: '/api/v1/relations/:relation',
      summary: 'changes what is given of a relation, pauses it or lets it go on; If-Match of what was seen is obeyed',
      body: z.strictObject({
        ...z.object(givenKeys).partial().shape,
        /** null: the addresses with which the build-indexes have joined. */
        urls: urlsSchema.nullable().optional(),
        /** null: no limit. */
        bandwidth: bandwidthSchema.nullable().optional(),
      }),
      codes: ['BODY_INVALID', ...oneCodes, 'RELATIONS_FULL', 'CHANGED_MEANWHILE'],
      answer: relationSchema,
    }),
  ),
  removeRelation: managerCall(
    writes,
    adminCall({
      method: 'DELETE',
      path: '/api/v1/relations/:relation',
      summary: 'ends a relation; what has arrived stays. If-Match of what was seen is obeyed',
      codes: [...oneCodes, 'CHANGED_MEANWHILE'],
    }),
  ),
  relationStates: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/relation-states',
      summary: 'which build-indexes have the relations that they are to have, and why others have not',
      answer: z.object({
        generation: countSchema,
        applied: countSchema,
        of: countSchema,
        buildIndexes: list(stateSchema, MAX_BUILD_INDEXES),
      }),
    }),
  ),
}
