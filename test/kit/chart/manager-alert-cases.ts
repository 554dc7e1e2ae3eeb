import { grows, growsOnce, pod, type Series, stays } from './series.ts'

const up = (name: string) => `up{namespace="shoal", pod="${name}", service="shoal-metrics", component="manager"}`
const duty = (name: string, at = pod) => `shoal_manager_duties{${at}, duty="${name}"}`
const answers = (status: string) =>
  `shoal_http_requests_total{${pod}, component="manager", listener="http", status="${status}"}`
const jobs = (outcome: string) => `shoal_manager_jobs_total{${pod}, kind="preheat", outcome="${outcome}"}`
const signIns = (outcome: string) => `shoal_manager_sign_ins_total{${pod}, outcome="${outcome}"}`
const other = 'namespace="shoal", pod="q"'

/** For each alert about managers what it is about, gone wrong. */
export const managerAlertCases: Readonly<Record<string, Series>> = {
  ShoalManagerDown: { [up('p')]: '1x5 _x400' },
  ShoalManagerFails: { [answers('503')]: '0+10x400', [answers('200')]: '0+100x400' },
  ShoalManagerDatabaseFails: {
    [`shoal_manager_database_failures_total{${pod}, outcome="DATABASE_UNAVAILABLE"}`]: grows,
  },
  ShoalManagerDatabaseSlow: {
    [`shoal_manager_database_seconds_bucket{${pod}, le="1"}`]: '0+90x400',
    [`shoal_manager_database_seconds_bucket{${pod}, le="5"}`]: '0+100x400',
    [`shoal_manager_database_seconds_bucket{${pod}, le="+Inf"}`]: '0+100x400',
  },
  ShoalManagerChangesFail: { [`shoal_manager_changes_total{${pod}, outcome="failed"}`]: growsOnce(1) },
  ShoalManagerDutyFree: { [duty('hosts')]: stays(0), [duty('hosts', other)]: stays(0) },
  ShoalManagerDutyLost: { [`shoal_manager_duties_lost_total{${pod}, duty="jobs"}`]: growsOnce(2) },
  ShoalManagerMemberAway: { [`shoal_manager_members{${pod}, kind="tracker", state="away"}`]: stays(1) },
  ShoalManagerAssignsNobody: { [`shoal_manager_assignments_total{${pod}, outcome="none"}`]: grows },
  ShoalManagerRollOutHalted: { [`shoal_manager_rollout_ends_total{${pod}, state="rollingBack"}`]: growsOnce(1) },
  ShoalManagerRollBackSlow: {
    [`shoal_manager_rollouts{${pod}, state="rollingBack"}`]: stays(1),
    [duty('settings')]: stays(1),
  },
  ShoalManagerTrackersBehind: {
    [`shoal_manager_trackers{${pod}, state="behind"}`]: stays(1),
    [duty('settings')]: stays(1),
  },
  ShoalManagerProxiesBehind: {
    [`shoal_manager_registry_proxies{${pod}, state="refused"}`]: stays(1),
    [duty('registry')]: stays(1),
  },
  ShoalManagerRoundsFail: { [`shoal_manager_registry_failures_total{${pod}}`]: grows },
  ShoalManagerJobsFail: { [jobs('failed')]: growsOnce(4), [jobs('done')]: growsOnce(2) },
  ShoalManagerJobsWait: { [`shoal_manager_job_queue_age_seconds{${pod}}`]: stays(1000), [duty('jobs')]: stays(1) },
  ShoalManagerSignInsThrottled: { [signIns('throttled')]: growsOnce(20) },
  ShoalManagerSignInsRefused: { [signIns('refused')]: growsOnce(40) },
}

/** What looks like trouble of managers and is none: the alert that must not fire, and of what. */
export const quietManagerCases: readonly (readonly [alert: string, series: Series])[] = [
  // One of two is down, and the other one does it all.
  ['ShoalManagerDown', { [up('p')]: stays(0), [up('q')]: stays(1) }],
  ['ShoalManagerDutyFree', { [duty('jobs')]: stays(0), [duty('jobs', other)]: stays(1) }],
  // Who has lost a duty still tells what it saw last.
  ...(
    [
      ['ShoalManagerRollBackSlow', 'settings', 'shoal_manager_rollouts', ', state="rollingBack"', 1],
      ['ShoalManagerTrackersBehind', 'settings', 'shoal_manager_trackers', ', state="behind"', 1],
      ['ShoalManagerProxiesBehind', 'registry', 'shoal_manager_registry_proxies', ', state="behind"', 1],
      ['ShoalManagerJobsWait', 'jobs', 'shoal_manager_job_queue_age_seconds', '', 1000],
    ] as const
  ).map(
    ([alert, name, metric, labels, value]) =>
      [
        alert,
        { [`${metric}{${pod}${labels}}`]: stays(value), [duty(name)]: stays(0), [duty(name, other)]: stays(1) },
      ] as const,
  ),
  // Somebody mistypes a tag, or his password.
  ['ShoalManagerJobsFail', { [jobs('failed')]: growsOnce(2), [jobs('done')]: stays(0) }],
  ['ShoalManagerJobsFail', { [jobs('failed')]: growsOnce(10), [jobs('done')]: growsOnce(90) }],
  ['ShoalManagerSignInsThrottled', { [signIns('throttled')]: growsOnce(5) }],
  ['ShoalManagerSignInsRefused', { [signIns('refused')]: growsOnce(10) }],
  ['ShoalManagerDutyLost', { [`shoal_manager_duties_lost_total{${pod}, duty="jobs"}`]: growsOnce(1) }],
  ['ShoalManagerRollOutHalted', { [`shoal_manager_rollout_ends_total{${pod}, state="done"}`]: growsOnce(5) }],
]
