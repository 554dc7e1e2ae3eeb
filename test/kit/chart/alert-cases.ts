import { managerAlertCases } from './manager-alert-cases.ts'
import { grows, pod, type Series, stays } from './series.ts'

/** For each alert of docker/chart/files/alerts.yaml what it is about, gone wrong. */
export const alertCases: Readonly<Record<string, Series>> = {
  ShoalPodDown: { [`up{${pod}, service="shoal-metrics"}`]: stays(0) },
  ShoalMemberUnhealthy: { [`shoal_cluster_member_healthy{${pod}, cluster="origins", member="o"}`]: stays(0) },
  ShoalMembersUnknown: { [`shoal_cluster_reads_total{${pod}, cluster="origins", outcome="failed"}`]: grows },
  ShoalRegistryFails: {
    [`shoal_http_requests_total{${pod}, listener="registry", status="503"}`]: '0+10x400',
    [`shoal_http_requests_total{${pod}, listener="registry", status="200"}`]: '0+100x400',
  },
  ShoalBackendFails: { [`shoal_backend_requests_total{${pod}, op="read", outcome="failed"}`]: grows },
  ShoalBackendThrottled: { [`shoal_backend_throttled_total{${pod}, op="read"}`]: grows },
  ShoalBackendOutage: { [`shoal_backend_retries_total{${pod}, op="read", outcome="budget_used"}`]: grows },
  ShoalDeadLetters: { [`shoal_journal_tasks{${pod}, state="dead"}`]: stays(1) },
  ShoalWriteBackLate: { [`shoal_journal_oldest_seconds{${pod}}`]: stays(7200) },
  ShoalWriteBackFull: {
    [`shoal_write_back_waiting_bytes{${pod}}`]: stays(90),
    [`shoal_write_back_limit_bytes{${pod}}`]: stays(100),
  },
  ShoalBlobsUnsafe: { [`shoal_hand_over_unsafe_blobs{${pod}}`]: stays(3) },
  ShoalVolumeDown: { [`shoal_store_volume_up{${pod}, volume="/disk"}`]: stays(0) },
  ShoalStoreFull: { [`shoal_store_refused_writes_total{${pod}}`]: grows },
  ShoalBlobsLost: { [`shoal_scrub_blobs_total{${pod}, outcome="lost"}`]: grows },
  ShoalBadPieces: { [`shoal_swarm_bad_pieces_total{${pod}}`]: grows },
  ShoalSwarmWaste: {
    [`shoal_swarm_wasted_bytes_total{${pod}, why="repeat"}`]: '0+10x400',
    [`shoal_received_bytes_total{${pod}, from="peer"}`]: '0+100x400',
  },
  ShoalUploadsRefused: { [`shoal_uploads_refused_total{${pod}, limit="number"}`]: grows },
  ShoalTrackerForgets: { [`shoal_tracker_evicted_total{${pod}, kind="swarm"}`]: grows },
  ShoalTrackerStoreDown: {
    [`shoal_tracker_store_up{${pod}}`]: stays(0),
    [`shoal_tracker_store_waiting{${pod}}`]: stays(5),
  },
  ShoalReplicationDead: { [`shoal_replication_tasks{${pod}, state="dead"}`]: stays(1) },
  ShoalUpstreamBreaks: { [`shoal_upstream_breaks_total{${pod}}`]: grows },
  ShoalUpstreamLimit: { [`shoal_upstream_rate_remaining{${pod}, rule="docker.io"}`]: stays(0) },
  ShoalCertificateEnds: { [`shoal_tls_certificate_days{${pod}}`]: stays(7) },
  ShoalCertificateRefused: { [`shoal_tls_reloads_total{${pod}, outcome="refused"}`]: grows },
  ShoalOverloaded: { [`nodejs_eventloop_lag_p99_seconds{${pod}, service="shoal-metrics"}`]: '0.5+0x400' },
  ShoalUnhandled: { [`shoal_unhandled_rejections_total{${pod}}`]: grows },
  ShoalNobodyLeads: { [`shoal_controller_leads{${pod}}`]: stays(0) },
  ShoalNamesKept: { [`shoal_names_kept{${pod}}`]: stays(1) },
  ShoalKubernetesSilent: { [`shoal_kube_fresh{${pod}, resource="pods"}`]: stays(0) },
  ...managerAlertCases,
}
