import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, text } from '../bounded.ts'
import { givenRemoteSchema } from '../given-remotes.ts'
import { managerCall } from './manager-call.ts'
import { MAX_ROWS, paging } from './people-shapes.ts'

/** Relations of one manager. */
export const MAX_RELATIONS = 2_000
const MAX_NOTE = 255
/** Addresses and rules of a remote that stands in the config of build-indexes, and characters of them. */
const MAX_OF_FILE = 1_000
const MAX_TEXT = 4_096
/** Build-indexes in an answer, and clusters. */
const MAX_BUILD_INDEXES = 10_000
const MAX_CLUSTERS = 1_000

const countSchema = z.number().int().min(0)
/** Milliseconds since the epoch. */
const timeSchema = z.number().int().min(0)
/** Name or id of a cluster. */
const clusterWord = text(64).min(1)
const noteSchema = text(MAX_NOTE)
/** As the build-indexes take them. */
const remote = givenRemoteSchema.shape

const relationSchema = z.object({
  id: text(64),
  /** Name of the cluster whose tags go, and of the one that they go to. */
  from: text(63),
  to: text(63),
  /** By this name the build-indexes of `from` know the other cluster; it stays when that gets another name. */
  remote: remote.name,
  rules: remote.rules,
  /** How build-indexes of `from` reach those of `to`; absent: at the addresses with which those have joined. */
  urls: remote.urls.optional(),
  /** When tags go, each day; none: at once. */
  windows: remote.windows.unwrap(),
  /** Most bytes in a second, of all build-indexes of `from` together; absent: no limit. */
  bandwidth: remote.bandwidth,
  /** Blobs that one build-index sends at the same time. */
  concurrency: remote.concurrency.unwrap(),
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
  /**
   * `managed`: it is changed here. `file`: it stands in the config of the build-indexes of `from`. `given`: they have it from
   * another manager or from an admin, or are about to let go of it.
   */
  origin: z.enum(['managed', 'file', 'given']),
  /** Of a managed one. */
  id: text(64).optional(),
  from: text(63),
  remote: text(64),
  /** Absent: that of a file has not said yet who it is. */
  to: text(64).optional(),
  /** Those that count now; none: no build-index of `to` has said one. */
  urls: list(text(MAX_TEXT), MAX_OF_FILE),
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

/** What stands in a change; what is left out stays. */
const changeSchema = z.strictObject({
  rules: remote.rules.optional(),
  /** null: the addresses with which the build-indexes have joined. */
  urls: remote.urls.nullable().optional(),
  windows: remote.windows.unwrap().optional(),
  /** null: no limit. */
  bandwidth: remote.bandwidth.unwrap().nullable().optional(),
  concurrency: remote.concurrency.unwrap().optional(),
  signatures: z.boolean().optional(),
  deletes: z.boolean().optional(),
  isPaused: z.boolean().optional(),
  note: noteSchema.optional(),
})

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
        next: text(192).optional(),
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
        ...{ rules: remote.rules, bandwidth: remote.bandwidth },
        /** Default: the name of `to`. */
        remote: remote.name.optional(),
        urls: remote.urls.optional(),
        windows: remote.windows.unwrap().optional(),
        /** Default: 4. */
        concurrency: remote.concurrency.unwrap().optional(),
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
      body: changeSchema,
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
