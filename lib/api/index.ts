export {
  type AdminCall,
  type AdminCalls,
  type AdminClient,
  type AnswerOf,
  adminBody,
  adminClient,
  adminRoute,
  type BodyOf,
} from './admin.ts'
export { agentAdmin } from './agent-admin.ts'
export type { PullRow, TracedPull } from './agent-pulls.ts'
export { announcingPeer, type NodePlace, placeKeys } from './announcing-peer.ts'
export { blobOf, repositoryOf } from './blob-path.ts'
export {
  MAX_SEND_BODY,
  SEND_MEDIA_TYPE,
  type SendEnd,
  type SendProgress,
  type SendTarget,
  sendTargetSchema,
} from './blob-send.ts'
export { type BlobSender, type BlobSenderComponents, blobSender, type SendOptions } from './blob-sender.ts'
export { list, text } from './bounded.ts'
export {
  type BlobLink,
  type BlobLinks,
  type BuildIndex,
  blobLinkSchema,
  blobSizeSchema,
  buildIndexRoutes,
  type LinkedManifest,
  type LinkOptions,
  type ManifestLinks,
  type PageOptions,
  type RepositoryCatalog,
  type RepositoryPage,
  type TagIndex,
  type TagPage,
} from './build-index.ts'
export {
  buildIndexAdmin,
  type GarbageCounts,
  type GarbageReport,
  garbageReportSchema,
  type Replication,
  type ReplicationState,
  type ReplicationUpload,
  replicationSchema,
  replicationStates,
} from './build-index-admin.ts'
export { type BuildIndexClusterComponents, buildIndexCluster } from './build-index-cluster.ts'
export {
  type AccountHealth,
  type AccountsStatus,
  controllerAdmin,
  type Leadership,
  type NamesStatus,
} from './controller-admin.ts'
export {
  bytesTogether,
  type ContentAnswer,
  checkScope,
  type Holding,
  holdings,
  type JobAnswer,
  type JobBody,
  type JobHostAnswer,
  type JobKind,
  type JobScope,
  type JobState,
  jobKinds,
  jobScopeKeys,
  jobStates,
  type KeptJob,
  type KeptRow,
  keptJobSchema,
  keptRowSchema,
  MAX_JOB_HOSTS,
  MAX_ORDER_ITEMS,
  type Progress,
  platformTextSchema,
} from './fleet-jobs.ts'
export {
  type ForeignSwarms,
  foreignRoutes,
  foreignSwarms,
  type TorrentCluster,
  type TorrentFacts,
  torrentCluster,
} from './foreign-peers.ts'
export {
  type ClusterMarks,
  type CondemnedBlob,
  clustersBodySchema,
  copiesBodySchema,
  garbageOrigins,
  garbageRoutes,
  type Judgement,
  judgeBodySchema,
  MAX_CLUSTERS,
  MAX_JUDGED,
  MAX_LISTED,
  type MarkingCluster,
  type RemovalOutcome,
  type StoredGarbage,
} from './garbage.ts'
export {
  type GivenRemote,
  type GivenRemoteSet,
  type GivenRule,
  givenRemoteSetSchema,
  givenRemotesHash,
  MAX_GIVEN_REMOTES,
  MAX_GIVEN_REMOTES_BYTES,
  MAX_GIVEN_RULES,
  MAX_REMOTE_URL,
  MAX_REMOTE_URLS,
  type ShownRemote,
} from './given-remotes.ts'
export {
  type Giver,
  giverOf,
  type HeldSet,
  nothingHeld,
  whyNotGiven,
} from './given-sets.ts'
export { jsonLines } from './json-lines.ts'
export { type LiveKind, type LiveValues, liveKeys, liveSchemas, policyNames } from './live-keys.ts'
export { type LiveKey, type LiveKeysOf, type LiveSettings, liveSettings } from './live-settings.ts'
export * from './manager/index.ts'
export { describedRoutes, openApiDocument } from './openapi.ts'
export {
  ORDERS_PATH,
  type Order,
  type OrderAnswer,
  type OrderId,
  type OrderItem,
  type OrderPoll,
  type OrdersClient,
  orderLimits,
  orderPollSchema,
  ordersClient,
  type ToldOrder,
  wireOrder,
} from './orders.ts'
export { originClient } from './origin.ts'
export { type BroughtAnswer, originAdmin } from './origin-admin.ts'
export {
  type ElsewhereOptions,
  type MemberStream,
  type OriginCluster,
  type OriginClusterComponents,
  originCluster,
} from './origin-cluster.ts'
export {
  ASKER_HEADER,
  type AskedRange,
  type BlobBody,
  CLASS_HEADER,
  CLIENT_HEADER,
  type DemandOptions,
  demandSchema,
  HOP_HEADER,
  type HoldingAnswer,
  type HopOptions,
  METAINFO_BEAT_MS,
  OFFSET_HEADER,
  type OpenUploadOptions,
  type OriginBlobs,
  type OriginClient,
  type OriginUploads,
  originRoutes,
  originTimeouts,
  PRIORITY_HEADER,
  type ReadBlobOptions,
  STANDS_ALONE_HEADER,
  type UploadState,
  WRITE_BACK_HEADER,
} from './origin-contract.ts'
export { proxyAdmin } from './proxy-admin.ts'
export {
  PULL_ANSWERS_PATH,
  type PullAnswer,
  type PullQuestion,
  pullFailures,
  pullQuestionLimits,
  type ToldPullAnswer,
  toldPullAnswerSchema,
} from './pull-questions.ts'
export {
  MAX_REFERRER_BYTES,
  MAX_REFERRERS,
  type ReferrerIndex,
  type ReferrerPage,
  type ReferrerPageOptions,
  referrerRoutes,
  referrerSchema,
} from './referrers.ts'
export {
  type GivenRegistryUser,
  MAX_REGISTRY_USERS,
  MAX_REGISTRY_USERS_BYTES,
  type RegistryUserSet,
  registryUserSetSchema,
  registryUsersHash,
} from './registry-users.ts'
export type { Backfill, RemoteAnswer } from './remote-answers.ts'
export {
  askedStatesSchema,
  clusterNameSchema,
  MAX_ASKED,
  type ReplicaCluster,
  type ReplicaOutcome,
  type ReplicaState,
  type ReplicaStates,
  type Replicas,
  type ReplicasComponents,
  type ReplicaTag,
  replicaPutSchema,
  replicaRoutes,
  replicasOf,
  type TagVersion,
  tagVersionSchema,
} from './replication.ts'
export {
  keptReasons,
  MAX_SHOWN,
  MAX_VERDICTS,
  type ManifestCounts,
  type ManifestVerdict,
  noManifestCounts,
  type RetentionCounts,
  type RetentionReport,
  type RetentionVerdict,
  retentionReportSchema,
} from './retention.ts'
export { ringCalls, ringRoutes } from './ring-admin.ts'
export { descriptorSchema, parseAnswer, parseBody } from './schemas.ts'
export { seedAnnouncer } from './seed-announcer.ts'
export { type SettingsAnswer, settingsRoute } from './settings-call.ts'
export { sharedLooks } from './shared-looks.ts'
export * from './steering-index.ts'
export {
  type AnnounceAnswer,
  type AnnounceBatch,
  type AnnounceTorrent,
  type AnnounceTorrentAnswer,
  type AnnouncingPeer,
  announceBatchSchema,
  announceLimits,
  type MetainfoAsker,
  metainfoAskerSchema,
  type SeedAnswer,
  type SeedChanges,
  type TrackerClient,
  trackerClient,
  trackerRoutes,
} from './tracker.ts'
export {
  swarmStates,
  type TrackerControl,
  type TrackerSettings,
  trackerAdmin,
  trackerControlSchema,
} from './tracker-admin.ts'
export { type TrackerCluster, type TrackerClusterComponents, trackerCluster } from './tracker-cluster.ts'
export {
  type ControlClient,
  type ControlEntry,
  type ControlVersion,
  controlClient,
  controlLimits,
  controlRoute,
  keptControlSchema,
  toldControlSchema,
} from './tracker-control.ts'
export {
  originStandings,
  type UpstreamStandingAnswer,
  upstreamTalk,
  upstreamTalkRoutes,
  upstreamToldSchema,
} from './upstream-talk.ts'
export {
  type AskedUrl,
  type UrlAnswer,
  type UrlCluster,
  type UrlRecord,
  urlAskedSchema,
  urlCluster,
  urlRecordSchema,
  urlRoutes,
} from './urls.ts'
export { type ToldByWebhook, toldTag } from './webhooks.ts'
