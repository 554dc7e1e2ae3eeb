import { managers } from './manager-dashboard.ts'
import { answers, at, by, type Dashboard, type Panel, processes, quantile, rate, total } from './panels.ts'

const AGENT = 'component="agent"'
const ORIGIN = 'component="origin"'

const overview: Dashboard = {
  title: 'shoal: overview',
  panels: [
    {
      ...{ title: 'Where agents get their bytes', unit: 'Bps' },
      lines: [['{{from}}', by('from', rate('shoal_received_bytes_total', 'from=~"peer|origin|cache"'))]],
      description: 'The share of peers grows with the number of agents that pull one image.',
    },
    {
      ...{ title: 'What leaves the backend', unit: 'Bps' },
      lines: [['read', total(rate('shoal_received_bytes_total', 'from="backend"'))]],
    },
    {
      ...{ title: 'Given to clients', unit: 'Bps' },
      lines: [['{{pod}}', by('pod', rate('shoal_sent_bytes_total', 'to="client"'))]],
    },
    answers('registry'),
    {
      ...{ title: 'Time of an answer at the registry', unit: 's' },
      lines: [
        ['half', quantile(0.5, 'listener="registry"')],
        ['99 of 100', quantile(0.99, 'listener="registry"')],
      ],
    },
    {
      ...{ title: 'Members that do not answer', unit: 'short' },
      lines: [['{{cluster}} {{member}}', `count by (cluster, member) (${at('shoal_cluster_member_healthy')} == 0)`]],
    },
    {
      ...{ title: 'Members known', unit: 'short' },
      lines: [['{{cluster}}', `min by (cluster) (${at('shoal_cluster_members')})`]],
    },
    {
      ...{ title: 'Pushes', unit: 'ops' },
      lines: [['{{kind}}', by('kind', rate('shoal_pushes_total'))]],
    },
    {
      ...{ title: 'Waits for the backend', unit: 'bytes' },
      lines: [['{{pod}}', at('shoal_write_back_waiting_bytes')]],
    },
  ],
}

const nodes: Dashboard = {
  title: 'shoal: agents',
  panels: [
    {
      ...{ title: 'Received', unit: 'Bps' },
      lines: [['{{from}}', by('from', rate('shoal_received_bytes_total', AGENT))]],
    },
    {
      ...{ title: 'Sent', unit: 'Bps' },
      lines: [['{{to}}', by('to', rate('shoal_sent_bytes_total', AGENT))]],
    },
    {
      ...{ title: 'Wasted, of what was received', unit: 'percentunit' },
      lines: [
        [
          '{{why}}',
          `${by('why', rate('shoal_swarm_wasted_bytes_total'))} / on () group_left () ${total(rate('shoal_received_bytes_total'))}`,
        ],
      ],
      description: 'Above 3 % something is wrong.',
    },
    {
      ...{ title: 'Wrong pieces and bans', unit: 'ops' },
      lines: [
        ['wrong pieces', total(rate('shoal_swarm_bad_pieces_total'))],
        ['bans', total(rate('shoal_swarm_bans_total'))],
        ['unproven', total(rate('shoal_swarm_unproven_peers_total'))],
      ],
    },
    {
      ...{ title: 'Connections between nodes', unit: 'short' },
      lines: [['{{pod}}', at('shoal_swarm_links')]],
    },
    {
      ...{ title: 'Blobs under way', unit: 'short' },
      lines: [['{{pod}}', at('shoal_swarm_torrents')]],
    },
    {
      ...{ title: 'Room on the disk that is used', unit: 'percentunit' },
      lines: [['{{pod}}', `${at('shoal_store_used_bytes')} / ${at('shoal_store_capacity_bytes')}`]],
    },
    {
      ...{ title: 'Evicted', unit: 'ops' },
      lines: [['{{kind}}', by('kind', rate('shoal_store_evictions_total'))]],
    },
    ...processes(AGENT),
  ],
}

const origins: Dashboard = {
  title: 'shoal: origins and backend',
  panels: [
    {
      ...{ title: 'Requests to the backend', unit: 'reqps' },
      lines: [['{{op}} {{outcome}}', by('op, outcome', rate('shoal_backend_requests_total'))]],
    },
    {
      ...{ title: 'Asked to slow down', unit: 'ops' },
      lines: [['{{op}}', by('op', rate('shoal_backend_throttled_total'))]],
    },
    {
      ...{ title: 'Tried again', unit: 'ops' },
      lines: [['{{outcome}}', by('outcome', rate('shoal_backend_retries_total'))]],
    },
    {
      ...{ title: 'Read from the backend', unit: 'Bps' },
      lines: [
        ['asked for and filled', by('pod', rate('shoal_received_bytes_total', 'from="backend"'))],
        ['filled', total(rate('shoal_fill_bytes_total'))],
      ],
    },
    {
      ...{ title: 'Sent', unit: 'Bps' },
      lines: [['{{to}}', by('to', rate('shoal_sent_bytes_total', ORIGIN))]],
    },
    {
      ...{ title: 'Tasks that are not done', unit: 'short' },
      lines: [['{{state}}', by('state', at('shoal_journal_tasks'))]],
    },
    {
      ...{ title: 'Age of the oldest task', unit: 's' },
      lines: [['{{pod}}', at('shoal_journal_oldest_seconds')]],
    },
    {
      ...{ title: 'Blobs that one origin alone has', unit: 'short' },
      lines: [['{{pod}}', at('shoal_hand_over_unsafe_blobs')]],
    },
    {
      ...{ title: 'Free on the disk', unit: 'bytes' },
      lines: [['{{pod}} {{volume}}', at('shoal_store_free_bytes')]],
    },
    {
      ...{ title: 'Read again and compared', unit: 'ops' },
      lines: [['{{outcome}}', by('outcome', rate('shoal_scrub_blobs_total'))]],
    },
    ...processes(ORIGIN),
  ],
}

const control: Dashboard = {
  title: 'shoal: trackers, build-indexes, proxies, controller',
  panels: [
    {
      ...{ title: 'Announces', unit: 'ops' },
      lines: [
        ['downloads: {{event}}', by('event', rate('shoal_tracker_announces_total'))],
        ['complete blobs: {{outcome}}', by('outcome', rate('shoal_tracker_seed_announces_total'))],
      ],
    },
    {
      ...{ title: 'Known to trackers', unit: 'short' },
      lines: [
        ['nodes', `max by (namespace) (${at('shoal_tracker_nodes')})`],
        ['downloads', total(at('shoal_tracker_peers'))],
        ['swarms', total(at('shoal_tracker_swarms'))],
      ],
    },
    {
      ...{ title: 'Forgotten for want of room', unit: 'ops' },
      lines: [['{{kind}}', by('kind', rate('shoal_tracker_evicted_total'))]],
    },
    {
      ...{ title: 'Metainfo under way', unit: 'short' },
      lines: [
        ['to peers', total(at('shoal_tracker_relay_readers'))],
        ['from origins', total(at('shoal_tracker_relay_upstreams'))],
      ],
    },
    answers('http'),
    {
      ...{ title: 'Refused or ended by a limit', unit: 'ops' },
      lines: [['{{listener}} {{limit}}', by('listener, limit', rate('shoal_http_limited_total'))]],
    },
    {
      ...{ title: 'Replicated tags', unit: 'ops' },
      lines: [['{{remote}} {{outcome}}', by('remote, outcome', rate('shoal_replication_tags_total'))]],
    },
    {
      ...{ title: 'Pulls that registries of others still allow', unit: 'short' },
      lines: [['{{rule}}', `min by (rule) (${at('shoal_upstream_rate_remaining')})`]],
    },
    {
      ...{ title: 'Controller', unit: 'short' },
      lines: [
        ['leads: {{pod}}', at('shoal_controller_leads')],
        ['records', total(at('shoal_names_records'))],
        ['caches that could be named', total(at('shoal_names_eligible_caches'))],
        ['names without a good cache', total(at('shoal_names_kept'))],
      ],
    },
    {
      ...{ title: 'Days until certificates end', unit: 'short' },
      lines: [['{{pod}}', at('shoal_tls_certificate_days')]],
    },
    ...processes('component=~"tracker|build-index|proxy|controller"'),
  ],
}

/** Dashboards by the names of their files. */
export const dashboards: Readonly<Record<string, Dashboard>> = {
  ...{ overview, agents: nodes, origins, control, manager: managers },
}

const WIDTH = 8
const HEIGHT = 8
const ROW = 24 / WIDTH
// A variable of the dashboard: $ and its name in braces.
const datasource = { type: 'prometheus', uid: ['$', '{datasource}'].join('') }

const panelJson = ({ title, unit, lines, description }: Panel, i: number) => ({
  ...{ id: i + 1, type: 'timeseries', title, datasource, ...(description !== undefined && { description }) },
  gridPos: { x: (i % ROW) * WIDTH, y: Math.floor(i / ROW) * HEIGHT, w: WIDTH, h: HEIGHT },
  fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  targets: lines.map(([legendFormat, expr], line) => ({
    ...{ refId: String.fromCharCode(65 + line), datasource, expr, legendFormat },
  })),
})

/** The content of a file in docker/chart/files/dashboards. */
export function dashboardText(name: string): string {
  const found = dashboards[name]
  if (found === undefined) throw new Error(`there is no dashboard ${name}`)
  const json = {
    ...{ uid: `shoal-${name}`, title: found.title, tags: ['shoal'], schemaVersion: 39, editable: true },
    ...{ time: { from: 'now-3h', to: 'now' }, refresh: '30s' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        {
          ...{
            name: 'namespace',
            type: 'query',
            datasource,
            refresh: 2,
            multi: true,
            includeAll: true,
            allValue: '.*',
          },
          query: { query: 'label_values(shoal_http_requests_total, namespace)', refId: 'namespace' },
        },
      ],
    },
    panels: found.panels.map(panelJson),
  }
  return `${JSON.stringify(json, null, 2)}\n`
}
