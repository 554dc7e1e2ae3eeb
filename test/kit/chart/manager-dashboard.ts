import { at, by, type Dashboard, type Panel, processes, rate } from './panels.ts'

const MANAGER = 'component="manager"'

/** The largest of what several managers say: each tells the same, or what it saw when it last had the duty. */
const most = (labels: string, metric: string) => `max by (${labels}) (${metric})`
/** As the manager says that has the duty now. */
const told = (metric: string, duty: string) =>
  `${at(metric)} and on (namespace, pod) ${at('shoal_manager_duties', `duty="${duty}"`)} == 1`
const databaseTime = (share: number) =>
  `histogram_quantile(${share}, ${by('le', rate('shoal_manager_database_seconds_bucket'))})`
const states = (title: string, metric: string, duty: string): Panel => ({
  ...{ title, unit: 'short' },
  lines: [['{{state}}', most('state', told(metric, duty))]],
})

const clusters: readonly Panel[] = [
  {
    ...{ title: 'Services that have joined', unit: 'short' },
    lines: [['{{kind}} {{state}}', most('kind, state', `${at('shoal_manager_members')} > 0`)]],
    description: 'Those that are not ok: shoal admin manager members.',
  },
  {
    ...{ title: 'Time since a heartbeat, of the most silent', unit: 's' },
    lines: [['{{namespace}}', most('namespace', at('shoal_manager_heartbeat_age_seconds'))]],
  },
  {
    ...{ title: 'Answers to who belongs where', unit: 'ops' },
    lines: [['{{outcome}}', by('outcome', rate('shoal_manager_assignments_total'))]],
  },
]

const steering: readonly Panel[] = [
  states('Roll-outs', 'shoal_manager_rollouts', 'settings'),
  {
    ...{ title: 'Roll-outs that ended or halted', unit: 'ops' },
    lines: [['{{state}}', by('state', rate('shoal_manager_rollout_ends_total'))]],
  },
  states('Trackers, by whether they have the settings', 'shoal_manager_trackers', 'settings'),
  states('Proxies, by whether they have the users', 'shoal_manager_registry_proxies', 'registry'),
  {
    ...{ title: 'Rounds that failed', unit: 'ops' },
    lines: [
      ['settings to trackers', by('namespace', rate('shoal_manager_settings_failures_total'))],
      ['users to proxies', by('namespace', rate('shoal_manager_registry_failures_total'))],
    ],
  },
]

const jobs: readonly Panel[] = [
  states('Jobs that have not ended', 'shoal_manager_jobs', 'jobs'),
  {
    ...{ title: 'Jobs', unit: 'ops' },
    lines: [['{{kind}} {{outcome}}', by('kind, outcome', rate('shoal_manager_jobs_total'))]],
  },
  {
    ...{ title: 'How long the oldest job waits', unit: 's' },
    lines: [['{{namespace}}', most('namespace', told('shoal_manager_job_queue_age_seconds', 'jobs'))]],
  },
]

const people: readonly Panel[] = [
  {
    ...{ title: 'Tries to sign in', unit: 'ops' },
    lines: [['{{outcome}}', by('outcome', rate('shoal_manager_sign_ins_total'))]],
    description: 'Many that are refused or throttled: somebody guesses.',
  },
  {
    ...{ title: 'Open sessions, and tokens', unit: 'short' },
    lines: [
      ['sessions', most('namespace', at('shoal_manager_sessions'))],
      ['tokens', most('namespace', at('shoal_manager_tokens'))],
    ],
  },
  {
    ...{ title: 'Changes, each with its row of the audit', unit: 'ops' },
    lines: [['{{outcome}}', by('outcome', rate('shoal_manager_changes_total'))]],
  },
]

const store: readonly Panel[] = [
  {
    ...{ title: 'Time of a statement of the database', unit: 's' },
    lines: [
      ['half', databaseTime(0.5)],
      ['99 of 100', databaseTime(0.99)],
    ],
  },
  {
    ...{ title: 'Statements that failed', unit: 'ops' },
    lines: [['{{pod}} {{outcome}}', by('pod, outcome', rate('shoal_manager_database_failures_total'))]],
  },
  {
    ...{ title: 'Who has which duty', unit: 'short' },
    lines: [['{{duty}}: {{pod}}', `${at('shoal_manager_duties')} == 1`]],
  },
  {
    ...{ title: 'Duties that were lost', unit: 'ops' },
    lines: [['{{duty}}', by('duty', rate('shoal_manager_duties_lost_total'))]],
  },
]

export const managers: Dashboard = {
  title: 'shoal: manager',
  panels: [
    ...[...clusters, ...steering, ...jobs, ...people, ...store],
    {
      ...{ title: 'Answers to people and their tools', unit: 'reqps' },
      lines: [['{{status}}', by('status', rate('shoal_http_requests_total', `${MANAGER}, listener="http"`))]],
    },
    ...processes(MANAGER),
  ],
}
