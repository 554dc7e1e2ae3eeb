import { z } from 'zod'
import { adminCall, adminStream } from '../admin.ts'
import { pullCalls, pullPageSchema, tracedPullSchema } from '../agent-pulls.ts'
import { list, opaque, table, text } from '../bounded.ts'
import { contentSchema } from '../fleet-jobs.ts'
import { asksHost } from '../host-pulls-admin.ts'
import { MAX_REFERRERS, referrerSchema } from '../referrers.ts'
import { digestSchema } from '../schemas.ts'
import { holdsSchema } from '../steering-admin.ts'
import { feedSchema, hostSchema, markBodySchema, markSchema, peerSchema, swarmSchema } from '../tracker-admin.ts'
import { managerCall } from './manager-call.ts'

/** Rows of one page of an answer. */
const MAX_ROWS = 10_000
/** Clusters, and what is shown of each of them. */
const MAX_CLUSTERS = 1000
const MAX_TEXT = 4 * 1024

const countSchema = z.number().int().min(0)
const clusterName = text(64)

const silentSchema = list(z.object({ cluster: clusterName, code: text(64) }), MAX_CLUSTERS)
const rowSchema = swarmSchema.extend({ cluster: clusterName })
const wholeSchema = z.object({
  swarm: rowSchema,
  peers: list(peerSchema, MAX_ROWS),
  feeds: list(feedSchema, MAX_ROWS * 10),
  /** There are more peers than are told. */
  cut: z.boolean(),
})
export type WholeSwarm = z.output<typeof wholeSchema>
export type SwarmViewRow = z.output<typeof rowSchema>

const sampleSchema = z.object({
  atMs: z.number(),
  /** Blobs that nodes download, each once for each node. */
  downloads: countSchema,
  /** Downloads that nodes have finished. */
  finishedPerMinute: z.number().optional(),
  /** What nodes took in, from whomever. */
  pulledPerSecond: z.number().optional(),
  /** What origins gave to agents. */
  originsPerSecond: z.number().optional(),
  /** What origins read from their backends. */
  backendPerSecond: z.number().optional(),
})
export type Sample = z.output<typeof sampleSchema>

const clusterNowSchema = z.object({
  cluster: clusterName,
  away: z.boolean(),
  trackers: countSchema,
  swarms: countSchema,
  downloads: countSchema,
  /** Blobs that nodes have completely, each once for each node. */
  copies: countSchema,
  hosts: countSchema,
  bans: countSchema,
  drains: countSchema,
})
export type ClusterNow = z.output<typeof clusterNowSchema>

const imageInClusterSchema = z.object({
  cluster: clusterName,
  /** Why it could not be asked. */
  code: text(64).optional(),
  tags: list(z.object({ tag: text(128), digest: digestSchema }), MAX_ROWS),
  moreTags: z.boolean(),
  blobs: list(rowSchema, MAX_ROWS),
  moreBlobs: z.boolean(),
  replications: list(
    z.object({
      remote: text(64),
      tag: text(128),
      state: text(32),
      digest: digestSchema.optional(),
      doneBytes: countSchema,
      totalBytes: countSchema,
      lastError: z.object({ code: text(64), message: text(MAX_TEXT) }).optional(),
    }),
    MAX_ROWS,
  ),
})
export type ImageInCluster = z.output<typeof imageInClusterSchema>

const contentInClusterSchema = z.object({
  cluster: clusterName,
  /** Why nothing is known of it there. */
  code: text(64).optional(),
  content: contentSchema.optional(),
  referrers: list(referrerSchema, MAX_REFERRERS),
  /** Tags by which older tools keep signatures, attestations and lists of packages of it. */
  besides: list(text(128), MAX_ROWS),
})
export type ContentInCluster = z.output<typeof contentInClusterSchema>

const reads = <const Name extends 'swarms' | 'images' | 'members'>(resource: Name) =>
  ({ resource, action: 'read' }) as const
const steers = { resource: 'members', action: 'write' } as const
const pageQuery = { n: 'entries on one page', last: 'continue after this entry: `next` of the page before' }

/** Calls that put a mark on nodes of a cluster, or take it back. */
const marks = <const Kind extends 'bans' | 'drains'>(
  kind: Kind,
  words: { readonly set: string; readonly end: string },
) => ({
  set: managerCall(
    steers,
    adminCall({
      method: 'PUT',
      path: `/api/v1/clusters/:cluster/${kind}/:target` as const,
      summary: words.set,
      body: markBodySchema,
      codes: ['BODY_INVALID', 'REQUEST_INVALID', 'CONTROL_FULL', 'CLUSTER_UNKNOWN', 'NO_HEALTHY_MEMBER'],
      answer: markSchema.extend({ holds: holdsSchema }),
    }),
  ),
  end: managerCall(
    steers,
    adminCall({
      method: 'DELETE',
      path: `/api/v1/clusters/:cluster/${kind}/:target` as const,
      summary: words.end,
      codes: ['MARK_UNKNOWN', 'REQUEST_INVALID', 'CLUSTER_UNKNOWN', 'NO_HEALTHY_MEMBER'],
      answer: z.object({ holds: holdsSchema }),
    }),
  ),
})
const bans = marks('bans', { set: 'bans a node, or all nodes at an address', end: 'takes a ban back' })
const drains = marks('drains', { set: 'drains a node, or all nodes at an address', end: 'ends a drain' })

/** What the services of clusters know now, seen together: mostly for the console. */
export const viewCalls = {
  overview: managerCall(
    reads('swarms'),
    adminCall({
      method: 'GET',
      path: '/api/v1/overview',
      summary: 'all clusters in numbers, now and in the last minutes',
      answer: z.object({
        atMs: z.number(),
        clusters: list(clusterNowSchema, MAX_CLUSTERS),
        samples: list(sampleSchema, MAX_ROWS),
      }),
    }),
  ),
  swarms: managerCall(
    reads('swarms'),
    adminCall({
      method: 'GET',
      path: '/api/v1/swarms',
      summary: 'swarms of all clusters, page by page; clusters that do not answer are named',
      query: {
        ...pageQuery,
        cluster: 'only those of this cluster',
        state: 'only those that are downloading, starving or seeded',
        digest: 'only those whose digest starts so',
        repository: 'only those known to be in this repository',
      },
      codes: ['REQUEST_INVALID', 'CLUSTER_UNKNOWN', 'PAGINATION_NUMBER_INVALID'],
      answer: z.object({ swarms: list(rowSchema, MAX_ROWS), next: text(64).optional(), silent: silentSchema }),
    }),
  ),
  swarm: managerCall(
    reads('swarms'),
    adminCall({
      method: 'GET',
      path: '/api/v1/swarms/:cluster/:swarm',
      summary: 'one swarm by its id or digest: its peers, and who feeds whom',
      codes: ['SWARM_UNKNOWN', 'REQUEST_INVALID', 'CLUSTER_UNKNOWN', 'NO_HEALTHY_MEMBER'],
      answer: wholeSchema,
    }),
  ),
  swarmEvents: managerCall(
    reads('swarms'),
    adminStream({
      method: 'GET',
      path: '/api/v1/swarms/:cluster/:swarm/events',
      summary: 'one swarm as it moves: `whole` first, then a `delta` a second, and `ended` when nobody is left',
      codes: [
        'SWARM_UNKNOWN',
        'REQUEST_INVALID',
        'CLUSTER_UNKNOWN',
        'NO_HEALTHY_MEMBER',
        'TOOMANYREQUESTS',
        'STREAM_SHARE_FULL',
      ],
      answer: table(opaque(), { max: 8, maxKey: 64 }),
    }),
  ),
  images: managerCall(
    reads('images'),
    adminCall({
      method: 'GET',
      path: '/api/v1/images',
      summary: 'repositories of all clusters by name, page by page; clusters that do not answer are named',
      query: { ...pageQuery, text: 'only those whose name has this in it' },
      codes: ['PAGINATION_NUMBER_INVALID'],
      answer: z.object({
        repositories: list(
          z.object({ repository: text(MAX_TEXT), clusters: list(clusterName, MAX_CLUSTERS) }),
          MAX_ROWS,
        ),
        next: text(MAX_TEXT).optional(),
        silent: silentSchema,
      }),
    }),
  ),
  image: managerCall(
    reads('images'),
    adminCall({
      method: 'GET',
      path: '/api/v1/images/:repository',
      summary: 'one repository in each cluster: its tags, who has its blobs, and how it is replicated',
      codes: ['NAME_INVALID'],
      answer: z.object({ repository: text(MAX_TEXT), clusters: list(imageInClusterSchema, MAX_CLUSTERS) }),
    }),
  ),
  imageContent: managerCall(
    reads('images'),
    adminCall({
      method: 'GET',
      path: '/api/v1/images/:repository/content',
      summary: 'what a tag or digest stands for in each cluster, what that consists of, and what has it as its subject',
      query: { reference: 'a tag or a digest', platforms: 'only for these, as linux/amd64, with commas between them' },
      codes: ['NAME_INVALID', 'TAG_INVALID', 'DIGEST_INVALID', 'REQUEST_INVALID'],
      answer: z.object({ repository: text(MAX_TEXT), clusters: list(contentInClusterSchema, MAX_CLUSTERS) }),
    }),
  ),
  deleteTag: managerCall(
    { resource: 'images', action: 'write' } as const,
    adminCall({
      method: 'DELETE',
      path: '/api/v1/clusters/:cluster/images/:repository/tags/:tag',
      summary: 'removes a tag from a cluster; what it stands for stays until the next look for garbage',
      codes: ['NAME_INVALID', 'TAG_INVALID', 'MANIFEST_UNKNOWN', 'CLUSTER_UNKNOWN', 'NO_HEALTHY_MEMBER'],
    }),
  ),
  node: managerCall(
    reads('members'),
    adminCall({
      method: 'GET',
      path: '/api/v1/hosts/:cluster/:peer',
      summary: 'one node by its peer id, as the trackers of its cluster know it, and what it has',
      codes: ['NODE_UNKNOWN', 'REQUEST_INVALID', 'CLUSTER_UNKNOWN', 'NO_HEALTHY_MEMBER'],
      answer: hostSchema.extend({
        cluster: clusterName,
        blobs: list(z.object({ swarmId: text(40), digest: digestSchema.optional(), complete: z.boolean() }), MAX_ROWS),
        next: text(40).optional(),
      }),
    }),
  ),
  nodePulls: managerCall(
    reads('members'),
    adminCall({
      method: 'GET',
      path: '/api/v1/hosts/:cluster/:peer/pulls',
      summary: 'the last pulls of a node and those under way, as the node itself tells them',
      query: pullCalls.pulls.query,
      codes: [...pullCalls.pulls.codes, ...asksHost, 'CLUSTER_UNKNOWN', 'NO_HEALTHY_MEMBER'],
      answer: pullPageSchema,
    }),
  ),
  nodePull: managerCall(
    reads('members'),
    adminCall({
      method: 'GET',
      path: '/api/v1/hosts/:cluster/:peer/pulls/:id',
      summary: 'one pull of a node: what it waited for, and what each peer did for it',
      codes: [...pullCalls.pull.codes, ...asksHost, 'CLUSTER_UNKNOWN', 'NO_HEALTHY_MEMBER'],
      answer: tracedPullSchema,
    }),
  ),
  banNode: bans.set,
  unbanNode: bans.end,
  drainNode: drains.set,
  undrainNode: drains.end,
}
